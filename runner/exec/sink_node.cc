// A sink inside a task, in up to two parts: an encoder where rows are made, a writer where bytes leave. Sinks
// that take rows are one part.
#include <map>
#include <utility>

#include "core/base/failpoint.h"
#include "core/data/column_builder.h"
#include "runner/exec/node.h"
#include "runner/exec/replay_rows.h"

namespace streamrun {

namespace {

class EncodeNode final : public Node {
 public:
  EncodeNode(TaskShared& shared, const Stage::Member& member, bool ordered_input)
      : Node(shared, member, ordered_input),
        encoder_(plan_node_.sink->CreateEncoder(
            *plan_node_.format, plan_node_.with_op ? plan_node_.with_op : plan_node_.input_schemas[0])) {}

  Status Open() override {
    (void)Restored();
    OpenReplay();
    return Status::Ok();
  }

  Result<bool> Step() override {
    if (announce_) return Announce();
    if (done_) return StepEnded();
    if (!OutputsHaveRoom()) return false;
    if (Replays()) return StepReplay();
    SetReplay(0);
    SR_ASSIGN_OR_RETURN(std::optional<Aligner::Item> item, aligner_.Next());
    if (!item) return false;
    if (const auto* rows = std::get_if<Rows>(&item->event)) {
      SR_RETURN_IF_ERROR(Encode(*rows));
      return true;
    }
    if (const auto* barrier = std::get_if<Barrier>(&item->event)) {
      SR_RETURN_IF_ERROR(Pass(*barrier));
      return true;
    }
    SR_RETURN_IF_ERROR(SendAll(item->event));
    if (const auto* end = std::get_if<EndOfStream>(&item->event)) {
      done_ = true;
      complete_ = end->complete;
    }
    return true;
  }

 private:
  Status Enter(int, const BatchPtr& rows) override { return Encode(Rows{rows, kNoOrdinal}); }

  Status Encode(const Rows& rows) {
    counters_.rows_in += rows.batch->rows();
    if (shared_.options.on_rows) shared_.options.on_rows(index(), -1, rows.batch);
    BufferBuilder bytes, ends;
    {
      BusyTimer timer(shared_.options.env, &counters_.busy_us);
      const BatchPtr batch = plan_node_.with_op ? WithOp(*rows.batch) : rows.batch;
      const std::vector<RowFailure> failures = encoder_->Encode(*batch, bytes, ends);
      if (!failures.empty()) letters_.AddRows(rows.batch, failures, ReplayEntry{.input = member_.input});
    }
    SR_RETURN_IF_ERROR(DeliverLetters());
    if (ends.size() == 0) return Status::Ok();
    counters_.rows_out += static_cast<int64_t>(ends.size() / 4);
    return Send(0, Encoded{bytes.Finish(), ends.Finish(), rows.ordinal});
  }

  // The change kind of each row as its first column.
  BatchPtr WithOp(const Batch& batch) const {
    ColumnBuilder op{DataType(TypeId::kText)};
    for (int64_t row = 0; row < batch.rows(); ++row) op.AppendText(ChangeName(batch.change(row)));
    std::vector<ColumnPtr> columns{op.Finish()};
    columns.insert(columns.end(), batch.columns().begin(), batch.columns().end());
    return std::make_shared<const Batch>(plan_node_.with_op, batch.rows(), std::move(columns),
                                         batch.origin());
  }

  std::unique_ptr<Encoder> encoder_;
};

// What a byte writer and a row sink share: opening, one event held until it is taken, flushing, finishing.
class SinkNode : public Node {
 public:
  SinkNode(TaskShared& shared, const Stage::Member& member, bool ordered_input)
      : Node(shared, member, ordered_input) {
    if (!shared.options.discard_sinks) sink_ = plan_node_.sink->Create();
  }

  Status Open() override {
    const NodeRestore* restored = Restored();
    OpenReplay();
    if (!sink_) return Status::Ok();
    context_.env = shared_.options.env;
    context_.instance = shared_.instance;
    context_.parallelism = shared_.parallelism;
    context_.run_directory = shared_.options.run_directory;
    if (plan_node_.format) context_.preamble = plan_node_.format->CreateEncoder()->Preamble();
    context_.bounded = true;
    for (const PlanNode& node : shared_.plan->plan->nodes) {
      if (node.source && !node.source->bounded) context_.bounded = false;
    }
    context_.pipeline = shared_.plan->plan->pipeline;
    context_.node = plan_node_.name;
    context_.identity = shared_.options.identity;
    if (!shared_.options.stage_directory.empty()) {
      context_.stage_directory =
          shared_.options.stage_directory + "/" + plan_node_.name + "/" + std::to_string(shared_.instance);
    }
    context_.start = restored ? OutputStart::kResume : Start();
    if (restored) {
      context_.handles = restored->handles();
      context_.all_handles = restored->all_handles();
    }
    SR_RETURN_IF_ERROR(sink_->Open(context_).WithContext("sink '" + plan_node_.name + "'"));
    if (restored && !shared_.options.restore->committed()) restored_ = context_.handles;
    return Status::Ok();
  }

  // What the restored epoch decided becomes visible before the first row comes, whoever had prepared it.
  Result<bool> CommitRestored() override {
    while (!restored_.empty()) {
      SR_RETURN_IF_ERROR(SR_FAILPOINT("sink.restored.commit"));
      Result<SinkOutcome> outcome = sink_->Commit(passed_, restored_.front());
      if (!outcome.ok()) return outcome.status().WithContext("sink '" + plan_node_.name + "'");
      SR_RETURN_IF_ERROR(SR_FAILPOINT("sink.restored.committed"));
      SR_RETURN_IF_ERROR(DeliverRefused());
      committing_ = *outcome == SinkOutcome::kBusy;
      if (committing_) return false;
      restored_.erase(restored_.begin());
    }
    return true;
  }

  Result<bool> Step() override {
    if (announce_) return Announce();
    if (barrier_) return PassWhenFlushed();
    if (done_) return TakeBarrier();
    if (!held_ && Replays()) return StepReplay();
    if (!held_) {
      SetReplay(0);
      SR_ASSIGN_OR_RETURN(std::optional<Aligner::Item> item, aligner_.Next());
      if (!item) return false;
      if (const auto* end = std::get_if<EndOfStream>(&item->event)) {
        held_ = *end;
      } else if (const auto* barrier = std::get_if<Barrier>(&item->event)) {
        barrier_ = *barrier;
        return true;
      } else if (IsRows(item->event)) {
        Hold(item->input, std::move(item->event));
      } else {
        return true;  // time and order end here
      }
    }
    return Offer();
  }

  void Abort(uint64_t epoch) override {
    Node::Abort(epoch);
    if (barrier_ && barrier_->epoch <= epoch) barrier_.reset();
  }

  Result<bool> Commit(uint64_t epoch) override {
    if (!sink_) return true;
    const auto handle = prepared_.find(epoch);
    if (handle == prepared_.end()) return true;
    SR_RETURN_IF_ERROR(SR_FAILPOINT("sink.commit"));
    SR_ASSIGN_OR_RETURN(const SinkOutcome outcome, sink_->Commit(epoch, handle->second));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("sink.committed"));
    SR_RETURN_IF_ERROR(DeliverRefused());
    committing_ = outcome == SinkOutcome::kBusy;
    if (committing_) return false;
    prepared_.erase(prepared_.begin(), std::next(handle));
    return true;
  }

  Status OnIdle() override {
    if (!sink_ || !unflushed_) return Status::Ok();
    SR_ASSIGN_OR_RETURN(const SinkOutcome outcome, sink_->Flush());
    unflushed_ = outcome == SinkOutcome::kBusy;
    return DeliverRefused();
  }

  void AddWait(WaitSpec& wait) override {
    if (!sink_ || !(busy_ || unflushed_ || committing_)) return;
    const WaitSpec own = sink_->Wait();
    wait.descriptors.insert(wait.descriptors.end(), own.descriptors.begin(), own.descriptors.end());
    wait.deadline = std::min(wait.deadline, own.deadline);
  }

  std::string Describe() const override {
    if (!busy_ && !committing_) return plan_node_.name;
    const std::string trouble = sink_->Trouble();
    return "sink '" + plan_node_.name + "'" + (trouble.empty() ? "" : ": " + trouble);
  }

  NodeCounters Counters() const override {
    NodeCounters counters = Node::Counters();
    const int64_t dropped = sink_ ? sink_->Dropped() : 0;
    counters.rows_out -= dropped;
    counters.fates[static_cast<size_t>(Fate::kLost)] += dropped;
    return counters;
  }

 protected:
  virtual bool IsRows(const Event& event) const = 0;
  virtual int64_t RowsIn(const Event& event) const = 0;
  virtual Result<SinkOutcome> Write(const Event& event) = 0;
  virtual void Observe(const Event& event) { (void)event; }

  void Hold(int input, Event event) {
    input_ = input;
    held_ = std::move(event);
    counters_.rows_in += RowsIn(*held_);
    Observe(*held_);
  }

  // Row sinks: the input that what is held came by.
  int input_ = -1;
  std::unique_ptr<Sink> sink_;

 private:
  Status Enter(int input, const BatchPtr& rows) override {
    Hold(input, Rows{rows, kNoOrdinal});
    return Status::Ok();
  }

  // After a restart rows of sources that can be read again come once more, those of others do not.
  OutputStart Start() const {
    if (!shared_.options.restarted) return OutputStart::kFresh;
    const Plan& plan = *shared_.plan->plan;
    for (const Plan::Path& path : plan.paths) {
      if (path.sink == index() && !plan.node(path.source).replayable()) return OutputStart::kContinue;
    }
    return OutputStart::kReread;
  }

  // What a byte sink's peer refused was counted as delivered when it was accepted.
  Status DeliverRefused() {
    if (!sink_) return Status::Ok();
    const std::vector<RefusedRecord> refused = sink_->TakeRefused();
    if (refused.empty()) return Status::Ok();
    counters_.rows_out -= static_cast<int64_t>(refused.size());
    for (const RefusedRecord& r : refused) {
      letters_.AddRecord(r.place, r.number, r.raw, r.code, r.message, ReplayEntry());
    }
    return DeliverLetters();
  }

  Result<bool> TakeBarrier() {
    SR_RETURN_IF_ERROR(RefuseReplay());
    SR_ASSIGN_OR_RETURN(std::optional<Aligner::Item> item, aligner_.Next());
    if (!item) return false;
    if (const auto* barrier = std::get_if<Barrier>(&item->event)) barrier_ = *barrier;
    return true;
  }

  Result<bool> PassWhenFlushed() {
    if (sink_) {
      BusyTimer timer(shared_.options.env, &counters_.busy_us);
      SR_ASSIGN_OR_RETURN(const SinkOutcome outcome, sink_->Flush());
      SR_RETURN_IF_ERROR(DeliverRefused());
      busy_ = outcome == SinkOutcome::kBusy;
      if (busy_) return false;
      unflushed_ = false;
      SR_RETURN_IF_ERROR(SR_FAILPOINT("sink.flushed"));
    }
    SR_RETURN_IF_ERROR(Pass(*std::exchange(barrier_, std::nullopt)));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("sink.barrier"));
    return true;
  }

  Result<NodeSnapshot> Snapshot(uint64_t epoch) override {
    SR_ASSIGN_OR_RETURN(NodeSnapshot snapshot, Node::Snapshot(epoch));
    if (!sink_) return snapshot;
    Result<Prepared> prepared = sink_->Prepare(epoch);
    if (!prepared.ok()) return prepared.status().WithContext("sink '" + plan_node_.name + "'");
    SR_RETURN_IF_ERROR(SR_FAILPOINT("sink.prepared"));
    snapshot.prepared = std::move(*prepared);
    snapshot.counters = Counters();
    if (!snapshot.prepared.handle.empty()) prepared_[epoch] = snapshot.prepared.handle;
    return snapshot;
  }

  Result<bool> Offer() {
    const auto* end = std::get_if<EndOfStream>(&*held_);
    Result<SinkOutcome> outcome = SinkOutcome::kAccepted;
    if (sink_) {
      BusyTimer timer(shared_.options.env, &counters_.busy_us);
      outcome = end ? sink_->Finish(end->complete) : Write(*held_);
    }
    if (!outcome.ok()) return outcome.status().WithContext("sink '" + plan_node_.name + "'");
    SR_RETURN_IF_ERROR(DeliverRefused());
    busy_ = *outcome == SinkOutcome::kBusy;
    if (busy_) return false;
    SR_RETURN_IF_ERROR(DeliverLetters());
    if (end) {
      SR_RETURN_IF_ERROR(SR_FAILPOINT("sink.finished"));
      done_ = true;
      complete_ = end->complete;
      unflushed_ = false;
    } else {
      unflushed_ = true;
      counters_.rows_out += RowsIn(*held_);
      if (const auto* encoded = std::get_if<Encoded>(&*held_)) {
        counters_.bytes_out += static_cast<int64_t>(encoded->bytes->size());
      }
    }
    held_.reset();
    return true;
  }

  SinkContext context_;
  std::optional<Event> held_;
  std::optional<Barrier> barrier_;            // came; the sink is being flushed
  std::map<uint64_t, std::string> prepared_;  // handles by epoch
  std::vector<std::string> restored_;         // handles of the restored epoch that are still to be committed
  bool committing_ = false;
  bool busy_ = false;
  bool unflushed_ = false;
};

class WriteNode final : public SinkNode {
 public:
  WriteNode(TaskShared& shared, const Stage::Member& member, bool ordered_input)
      : SinkNode(shared, member, ordered_input) {}

 private:
  bool IsRows(const Event& event) const override { return std::holds_alternative<Encoded>(event); }
  int64_t RowsIn(const Event& event) const override { return std::get<Encoded>(event).records(); }
  Result<SinkOutcome> Write(const Event& event) override {
    return sink_->WriteBytes(std::get<Encoded>(event));
  }
  // Records that the peer had refused; rows enter the encoder.
  Status TakeIn(const std::vector<ReplayLine>& lines) override {
    BufferBuilder bytes, ends;
    for (const ReplayLine& line : lines) {
      bytes.Append(line.raw->data(), line.raw->size());
      if (plan_node_.format->traits.line_delimited) bytes.Append("\n", 1);
      ends.Push(static_cast<uint32_t>(bytes.size()));
    }
    counters_.replayed += static_cast<int64_t>(lines.size());
    Hold(-1, Encoded{bytes.Finish(), ends.Finish(), kNoOrdinal});
    return Status::Ok();
  }
};

class RowSinkNode final : public SinkNode, private Output {
 public:
  RowSinkNode(TaskShared& shared, const Stage::Member& member, bool ordered_input)
      : SinkNode(shared, member, ordered_input) {}

 private:
  bool IsRows(const Event& event) const override { return std::holds_alternative<Rows>(event); }
  int64_t RowsIn(const Event& event) const override { return std::get<Rows>(event).batch->rows(); }
  Result<SinkOutcome> Write(const Event& event) override {
    return sink_->WriteRows(std::get<Rows>(event).batch, *this);
  }
  void Observe(const Event& event) override {
    if (shared_.options.on_rows) shared_.options.on_rows(index(), -1, std::get<Rows>(event).batch);
  }

  // Output: rows the sink's peer refused.
  void Emit(int, BatchPtr) override { SR_CHECK(false); }
  void Fail(const BatchPtr& input, std::vector<RowFailure> failures) override {
    counters_.rows_out -= static_cast<int64_t>(failures.size());
    letters_.AddRows(input, failures, EntryOf(plan_node_, *input->schema(), input_));
  }
  void FailResult(const BatchPtr& rows, std::vector<RowFailure> failures) override {
    Fail(rows, std::move(failures));
  }
  void Count(Fate fate, int64_t rows) override { counters_.fates[static_cast<size_t>(fate)] += rows; }
};

}  // namespace

std::unique_ptr<Node> MakeEncodeNode(TaskShared& shared, const Stage::Member& member, bool ordered_input) {
  return std::make_unique<EncodeNode>(shared, member, ordered_input);
}
std::unique_ptr<Node> MakeWriteNode(TaskShared& shared, const Stage::Member& member, bool ordered_input) {
  return std::make_unique<WriteNode>(shared, member, ordered_input);
}
std::unique_ptr<Node> MakeRowSinkNode(TaskShared& shared, const Stage::Member& member, bool ordered_input) {
  return std::make_unique<RowSinkNode>(shared, member, ordered_input);
}

}  // namespace streamrun
