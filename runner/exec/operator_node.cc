// An operator inside a task: feeds it events one at a time and routes what it gives.
#include <algorithm>
#include <map>

#include "core/base/failpoint.h"
#include "core/data/row_hash.h"
#include "core/data/selection.h"
#include "core/data/state_space.h"
#include "runner/exec/node.h"
#include "runner/exec/replay_rows.h"
#include "runner/exec/table_saver.h"

namespace streamrun {

namespace {

std::unique_ptr<Operator> CreatePart(const BoundOperator& op, NodePart part) {
  if (part == NodePart::kCombine) return op.CreateCombiner();
  if (part == NodePart::kMerge) return op.CreateMerger();
  return op.Create();
}

class OperatorNode final : public Node {
 public:
  OperatorNode(TaskShared& shared, const Stage::Member& member, bool ordered_input)
      : Node(shared, member, ordered_input),
        operator_(CreatePart(*plan_node_.op, member.part)),
        output_(*this),
        context_(shared, states_) {
    for (size_t port = 0; port < plan_node_.ports.size(); ++port) {
      const bool errors = static_cast<int>(port) == plan_node_.errors_port;
      if (errors || plan_node_.ports[port].role != PortRole::kError || plan_node_.wired[port]) continue;
      unwired_.emplace(port, LetterBuilder(plan_node_.name, plan_node_.ports[port].name,
                                           shared.plan->plan->hash, shared.options.run));
    }
  }

  Status Open() override {
    context_.env = shared_.options.env;
    context_.instance = shared_.instance;
    context_.parallelism = shared_.parallelism;
    context_.wanted = &plan_node_.wanted;
    if (!shared_.options.scratch_directory.empty()) {
      context_.scratch_directory = shared_.options.scratch_directory + "/" + std::to_string(shared_.stage) +
                                   "." + std::to_string(shared_.instance) + "/" + plan_node_.name;
    }
    for (const CarefulRows& rows : shared_.options.careful) {
      if (rows.node == index()) suspects_ = &rows;
    }
    MakeSpace();
    const StateSpace::Scope scope(space_.get());
    SR_RETURN_IF_ERROR(operator_->Open(context_).WithContext("operator '" + plan_node_.name + "'"));
    MakeSavers();
    const NodeRestore* restored = Restored();
    if (member_.part != NodePart::kMerge) OpenReplay();
    if (restored == nullptr) return Status::Ok();
    for (auto& [port, letters] : unwired_) letters.set_epoch(passed_ + 1);
    failed_results_ = restored->failed_results();
    last_watermark_ = restored->watermark().time;
    return restored->LoadTables(plan_node_, states_, [this] { return FitState(); });
  }

  Result<bool> Step() override {
    if (announce_) return Announce();
    if (done_) return StepEnded();
    if (!OutputsHaveRoom()) return false;
    if (more_) {
      SR_RETURN_IF_ERROR(Run([&] { return operator_->Continue(output_); }));
      return true;
    }
    if (careful_) return StepCareful();
    if (control_) return FinishControl();
    if (Replays()) return StepReplay();
    SetReplay(0);
    if (const Timestamp timer = operator_->NextTimer(); timer != kMaxTimestamp) {
      const Timestamp now = shared_.ProcessingTime();
      if (timer <= now) {
        at_ = {};
        SR_RETURN_IF_ERROR(Run([&] { return operator_->OnTimer(now, output_); }));
        return true;
      }
    }
    SR_ASSIGN_OR_RETURN(std::optional<Aligner::Item> item, aligner_.Next());
    if (!item) return false;
    SR_RETURN_IF_ERROR(Handle(*item));
    return true;
  }

  NodeCounters Counters() const override {
    NodeCounters counters = Node::Counters();
    int64_t fates = 0;
    for (const int64_t rows : counters.fates) fates += rows;
    const int64_t forwarded = std::max<int64_t>(0, counters.rows_in + failed_results_ - fates);
    counters.created = std::max<int64_t>(0, counters.rows_out - forwarded) + failed_results_;
    for (const StateTable* state : states_) {
      counters.state_bytes += static_cast<int64_t>(state->MemoryBytes());
      counters.state_keys += state->keys();
    }
    if (space_ != nullptr) counters.spilled_bytes = static_cast<int64_t>(space_->spilled_bytes());
    return counters;
  }

  void AddWait(WaitSpec& wait) override {
    // A due timer without room for what it gives waits for the room.
    if (done_ || !OutputsHaveRoom()) return;
    const Timestamp timer = operator_->NextTimer();
    if (timer == kMaxTimestamp) return;
    // Timers are in processing time, waits in monotonic time.
    const Duration left = std::max<Duration>(0, timer - shared_.ProcessingTime());
    wait.deadline = std::min(wait.deadline, shared_.options.env->MonotonicNow() + left);
  }

 private:
  // Rows of the input that Run is about; none: time, a barrier, the end.
  struct At {
    int64_t from = 0;
    int64_t to = 0;
    uint64_t mark = 0;  // of a single row in careful mode
    std::string text;
  };

  class NodeOutput final : public Output {
   public:
    explicit NodeOutput(OperatorNode& node) : node_(node) { batches.resize(node.targets_.size()); }
    void Emit(int port, BatchPtr batch) override {
      if (batch == nullptr || batch->rows() == 0) return;
      SR_CHECK(batches[static_cast<size_t>(port)] == nullptr);  // at most one batch per port and call
      batches[static_cast<size_t>(port)] = std::move(batch);
    }
    void Fail(const BatchPtr& input, std::vector<RowFailure> failures) override {
      node_.letters_.AddRows(input, failures, node_.EntryOfRows(*input));
    }
    void FailResult(const BatchPtr& rows, std::vector<RowFailure> failures) override {
      node_.failed_results_ += static_cast<int64_t>(failures.size());
      node_.letters_.AddRows(rows, failures);
    }
    void Count(Fate fate, int64_t rows) override { node_.counters_.fates[static_cast<size_t>(fate)] += rows; }
    std::vector<BatchPtr> batches;

   private:
    OperatorNode& node_;
  };

  struct Context final : OperatorContext {
    Context(TaskShared& shared, std::vector<StateTable*>& states) : shared(shared), states(states) {}
    Timestamp ProcessingTime() override { return shared.ProcessingTime(); }
    void Keep(StateTable* table) override { states.push_back(table); }
    TaskShared& shared;
    std::vector<StateTable*>& states;
  };

  // Rows around those that ended earlier attempts go in one by one, the others as they come.
  Status Take(const BatchPtr& batch) {
    at_ = {counters_.rows_in - batch->rows(), counters_.rows_in, 0, {}};
    if (suspects_ != nullptr && at_.from < suspects_->to && suspects_->from < at_.to) {
      careful_ = batch;
      next_careful_ = 0;
      return Status::Ok();
    }
    return Process(batch);
  }

  Status Process(const BatchPtr& batch) {
    SR_RETURN_IF_ERROR(SR_FAILPOINT("operator.rows"));
    return Run([&] {
      SR_CRASH_ON("operator.rows", [&](std::string_view text) { return Holds(*batch, text); });
      return operator_->Process(input_, batch, output_);
    });
  }

  // One row: said before it is tried, and led away when it is known to end workers.
  Result<bool> StepCareful() {
    const BatchPtr row = Slice(careful_, next_careful_, next_careful_ + 1);
    const int64_t index = counters_.rows_in - careful_->rows() + next_careful_;
    if (++next_careful_ == careful_->rows()) careful_ = nullptr;
    if (satisfied_) {
      ++counters_.fates[static_cast<size_t>(Fate::kFiltered)];
      return true;
    }
    const uint64_t mark = RowMark(*row);
    const auto& poison = suspects_->poison;
    if (std::find(poison.begin(), poison.end(), mark) != poison.end()) {
      letters_.AddRows(row, {{0, "crash.poison", "the worker ended whenever it was given this row"}},
                       EntryOfRows(*row));
      SR_RETURN_IF_ERROR(DeliverLetters());
      return true;
    }
    at_ = {index, index + 1, mark, RowText(row)};
    SR_RETURN_IF_ERROR(Process(row));
    return true;
  }

  // Its values in all columns that are read; never 0.
  static uint64_t RowMark(const Batch& row) {
    std::vector<ColumnPtr> columns;
    for (const ColumnPtr& column : row.columns()) {
      if (column != nullptr) columns.push_back(column);
    }
    std::vector<uint64_t> hashes;
    HashRows(columns, 1, &hashes);
    return hashes[0] == 0 ? 1 : hashes[0];
  }

  // As a dead letter would show it.
  std::string RowText(const BatchPtr& row) const {
    LetterBuilder letters(plan_node_.name, "errors", shared_.plan->plan->hash, shared_.options.run);
    letters.AddRows(row, {{0, "crash.poison", ""}});
    const BatchPtr letter = letters.Finish();
    const auto text = [&](int column) { return std::string(letter->column(column)->Text(0)); };
    const int source = letter->schema()->Find("source"), offset = letter->schema()->Find("offset");
    std::string shown = text(letter->schema()->Find("row"));
    if (!letter->column(source)->IsNull(0)) shown += " of " + text(source);
    if (!letter->column(offset)->IsNull(0)) {
      shown += ", offset " + std::to_string(letter->column(offset)->values<int64_t>()[0]);
    }
    return shown;
  }

  // For tests of rows that end a worker: does any value of text hold it?
  static bool Holds(const Batch& batch, std::string_view text) {
    for (int c = 0; c < batch.schema()->size(); ++c) {
      if (batch.column(c) == nullptr || batch.schema()->field(c).type.id() != TypeId::kText) continue;
      for (int64_t row = 0; row < batch.rows(); ++row) {
        if (!batch.column(c)->IsNull(row) && batch.column(c)->Text(row).find(text) != std::string_view::npos)
          return true;
      }
    }
    return false;
  }

  // Says which rows the component has while it has them.
  class Holding {
   public:
    Holding(BatchPlace* place, int node, const At& at) : place_(at.to > 0 ? place : nullptr) {
      if (place_ == nullptr) return;
      if (at.mark != 0) {
        place_->EnterRow(node, at.from, at.mark, at.text);
      } else {
        place_->Enter(node, at.from, at.to);
      }
    }
    ~Holding() {
      if (place_ != nullptr) place_->Leave();
    }
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;

   private:
    BatchPlace* place_;
  };

  // A combiner keeps its state small by itself.
  void MakeSpace() {
    const int64_t above = plan_node_.op->spill_above;
    const bool always = shared_.options.spill_state;
    if ((above == 0 && !always) || member_.part == NodePart::kCombine) return;
    space_ = std::make_unique<StateSpace>(
        shared_.options.env,
        always ? StateSpace::Options{}
               : StateSpace::Options{context_.scratch_directory, static_cast<size_t>(above)});
  }

  Status FitState() {
    if (space_ == nullptr) return Status::Ok();
    size_t bytes = 0;
    for (const StateTable* state : states_) bytes += state->MemoryBytes();
    return space_->Fit(bytes).WithContext("operator '" + plan_node_.name + "'");
  }

  template <typename Call>
  Status Run(const Call& call) {
    Result<Outcome> outcome = Outcome::kNeedInput;
    {
      const StateSpace::Scope scope(space_.get());
      const Holding holding(shared_.options.place, index(), at_);
      BusyTimer timer(shared_.options.env, &counters_.busy_us);
      outcome = call();
    }
    if (!outcome.ok()) return outcome.status().WithContext("operator '" + plan_node_.name + "'");
    SR_RETURN_IF_ERROR(FitState());
    more_ = *outcome == Outcome::kHaveMore;
    satisfied_ |= *outcome == Outcome::kDone;
    for (size_t port = 0; port < output_.batches.size(); ++port) {
      const BatchPtr batch = std::move(output_.batches[port]);
      output_.batches[port] = nullptr;
      if (const auto letters = unwired_.find(port); letters != unwired_.end() && batch) {
        SR_RETURN_IF_ERROR(DeliverUnwired(letters->second, static_cast<int>(port), batch));
        continue;
      }
      SR_RETURN_IF_ERROR(
          SendRows(static_cast<int>(port), batch, plan_node_.op->preserves_order ? ordinal_ : kNoOrdinal));
    }
    return DeliverLetters();
  }

  // Rows on an error port that leads nowhere (late ones) are dead letters; that is then their one fate.
  Status DeliverUnwired(LetterBuilder& letters, int port, const BatchPtr& batch) {
    std::vector<RowFailure> failures;
    const std::string& name = plan_node_.ports[static_cast<size_t>(port)].name;
    for (uint32_t row = 0; row < batch->rows(); ++row) {
      failures.push_back(
          {row, "row." + name, "the row left by the port '" + name + "', which leads nowhere"});
    }
    letters.AddRows(batch, failures, EntryOfRows(*batch));
    counters_.fates[static_cast<size_t>(Fate::kLate)] -= batch->rows();
    if (shared_.options.on_rows) shared_.options.on_rows(index(), port, batch);
    return Deliver(letters.Finish(), port);
  }

  Status Handle(const Aligner::Item& item) {
    if (const auto* rows = std::get_if<Rows>(&item.event)) {
      counters_.rows_in += rows->batch->rows();
      if (satisfied_) {
        counters_.fates[static_cast<size_t>(Fate::kFiltered)] += rows->batch->rows();
        return Status::Ok();
      }
      ordinal_ = rows->ordinal;
      input_ = item.input;
      return Take(rows->batch);
    }
    input_ = -1;
    at_ = {};
    if (const auto* watermark = std::get_if<Watermark>(&item.event)) {
      control_ = item.event;
      if (watermark->time == last_watermark_) return Status::Ok();
      last_watermark_ = watermark->time;
      ordinal_ = kNoOrdinal;
      return Run([&] { return operator_->OnWatermark(watermark->time, output_); });
    }
    if (const auto* end = std::get_if<EndOfStream>(&item.event)) {
      control_ = item.event;
      ordinal_ = kNoOrdinal;
      return Run([&] { return operator_->OnEndOfStream(end->complete, output_); });
    }
    if (std::holds_alternative<Barrier>(item.event)) {
      control_ = item.event;
      ordinal_ = kNoOrdinal;
      return Run([&] { return operator_->OnBarrier(output_); });
    }
    return SendAll(item.event);
  }

  // A merger's rows are made of many.
  std::optional<ReplayEntry> EntryOfRows(const Batch& rows) const {
    return member_.part == NodePart::kMerge ? std::nullopt : EntryOf(plan_node_, *rows.schema(), input_);
  }

  Status Enter(int input, const BatchPtr& rows) override { return Handle({input, Rows{rows, kNoOrdinal}}); }

  void SetReplay(uint64_t order) override {
    letters_.set_replay(order);
    for (auto& [port, letters] : unwired_) letters.set_replay(order);
  }

  // The event that waited for the operator to finish goes on.
  Result<bool> FinishControl() {
    Event event = std::move(*control_);
    control_.reset();
    if (const auto* barrier = std::get_if<Barrier>(&event)) {
      SR_RETURN_IF_ERROR(Pass(*barrier));
      SR_RETURN_IF_ERROR(SR_FAILPOINT("operator.barrier"));
      for (auto& [port, letters] : unwired_) letters.set_epoch(passed_ + 1);
      return true;
    }
    if (const auto* watermark = std::get_if<Watermark>(&event)) event = Outgoing(*watermark);
    SR_RETURN_IF_ERROR(SendAll(event));
    if (const auto* end = std::get_if<EndOfStream>(&event)) {
      done_ = true;
      complete_ = end->complete;
    }
    return true;
  }

  Watermark Outgoing(const Watermark& in) const {
    Watermark out{kMinTimestamp, plan_node_.op->preserves_order ? in.next_ordinal : 0};
    if (in.time != kMinTimestamp) out.time = operator_->OutputWatermark(in.time);
    return out;
  }
  Watermark Told() const override { return Outgoing(Node::Told()); }

  Result<NodeSnapshot> Snapshot(uint64_t epoch) override {
    const StateSpace::Scope scope(space_.get());
    SR_ASSIGN_OR_RETURN(NodeSnapshot snapshot, Node::Snapshot(epoch));
    snapshot.failed_results = failed_results_;
    // Nothing comes of its state any more.
    if (done_) return snapshot;
    const bool spilled = space_ != nullptr && space_->spilled_bytes() > 0;
    Status saved = SaveTables(epoch, spilled, &snapshot);
    // A disk without room costs the epoch and not the node: what it keeps is as it was.
    if (saved.code() == Code::kResourceExhausted) {
      snapshot.tables.clear();
      for (TableSaver& saver : savers_) saver.Forget();
      snapshot.failure = saved.WithContext("operator '" + plan_node_.name + "' cannot put its state aside");
      saved = Status::Ok();
    }
    SR_RETURN_IF_ERROR(saved);
    // Saving has read all of it.
    if (spilled) SR_RETURN_IF_ERROR(FitState());
    return snapshot;
  }

  // What does not fit into memory does not fit there twice.
  Status SaveTables(uint64_t epoch, bool spilled, NodeSnapshot* snapshot) {
    std::unique_ptr<SpilledBatches> file;
    if (spilled && !context_.scratch_directory.empty()) {
      SR_ASSIGN_OR_RETURN(file, SpilledBatches::Create(context_.env, context_.scratch_directory));
    }
    for (TableSaver& saver : savers_) {
      SR_ASSIGN_OR_RETURN(TableSnapshot table, saver.Save(epoch, file.get()));
      snapshot->tables.push_back(std::move(table));
    }
    return Status::Ok();
  }

  void Abort(uint64_t epoch) override {
    Node::Abort(epoch);
    for (TableSaver& saver : savers_) saver.Forget();
  }

  void MakeSavers() {
    const auto& exchanges = plan_node_.op->exchanges;
    const bool keyed = std::any_of(exchanges.begin(), exchanges.end(),
                                   [](const Exchange& e) { return e.kind == Exchange::Kind::kHash; });
    const auto& declared = plan_node_.op->states;
    for (StateTable* state : states_) {
      const auto declaration = std::find_if(declared.begin(), declared.end(),
                                            [&](const auto& s) { return s.name == state->name(); });
      SR_CHECK(declaration != declared.end());  // every kept table is declared
      savers_.emplace_back(state, *declaration, keyed, shared_.options.changes);
    }
  }

  std::vector<StateTable*> states_;    // kept by the operator
  std::vector<TableSaver> savers_;     // of states_
  std::unique_ptr<StateSpace> space_;  // of the operator's state, when it may spill; goes after it
  std::unique_ptr<Operator> operator_;
  At at_;
  const CarefulRows* suspects_ = nullptr;  // of shared_.options
  BatchPtr careful_;                       // being taken row by row
  int64_t next_careful_ = 0;
  NodeOutput output_;
  Context context_;
  Ordinal ordinal_ = kNoOrdinal;
  int input_ = -1;  // of the rows it was called for last; -1: something else
  Timestamp last_watermark_ = kMinTimestamp;
  bool more_ = false;
  bool satisfied_ = false;
  std::optional<Event> control_;
  int64_t failed_results_ = 0;
  std::map<size_t, LetterBuilder> unwired_;  // error ports that lead nowhere, but `errors`
};

}  // namespace

std::unique_ptr<Node> MakeOperatorNode(TaskShared& shared, const Stage::Member& member, bool ordered_input) {
  return std::make_unique<OperatorNode>(shared, member, ordered_input);
}

}  // namespace streamrun
