// A source inside a task: polls the connector, runs the decoder, tells the time (source_clock.h).
#include <deque>

#include "core/base/failpoint.h"
#include "core/stream/projection.h"
#include "runner/exec/drift_gate.h"
#include "runner/exec/node.h"
#include "runner/exec/source_clock.h"

namespace streamrun {

namespace {

class SourceNode final : public Node, private SourceOutput, private DecodeOutput {
 public:
  SourceNode(TaskShared& shared, const Stage::Member& member)
      : Node(shared, member, false),
        clock_(plan_node_.event_time),
        gate_(shared.options.times, *shared.plan->plan, member.node, shared.instance) {}

  Status Open() override {
    const PlanNode& node = plan_node_;
    if (shared_.options.replace_source) source_ = shared_.options.replace_source(index());
    if (!source_) source_ = node.source->Create(node.format ? node.format->traits : FormatTraits{});
    context_.env = shared_.options.env;
    context_.instance = shared_.instance;
    context_.parallelism = shared_.parallelism;
    context_.run_directory = shared_.options.run_directory;
    context_.generation = shared_.options.generation;
    context_.once = shared_.options.once;
    context_.wanted = node.wanted[0];
    context_.origin = node.origin;
    context_.max_record = static_cast<size_t>(shared_.plan->plan->settings.max_row);
    if (node.format) {
      DecodeOptions options;
      options.schema = node.outputs[0];
      options.wanted = node.wanted[0];
      options.origin = node.origin;
      decoder_ = node.format->CreateDecoder(options);
    }
    last_row_at_ = looked_at_ = context_.env->MonotonicNow();
    clock_.Open(context_.env);
    std::vector<std::string> positions;
    if (const NodeRestore* restored = Restored()) {
      positions = restored->positions();
      Restore(*restored);
    }
    OpenReplay();
    // What it read may be gone by now.
    if (had_ended_) {
      finished_ = true;  // unless its end is announced, behind letters that enter again
      gate_.Tell(clock_.told().time, TimeBoard::Standing::kEnded);
      return Status::Ok();
    }
    gate_.Tell(clock_.told().time, idle_ ? TimeBoard::Standing::kIdle : TimeBoard::Standing::kActive);
    opened_ = true;
    return source_->Open(context_, positions).WithContext("source '" + node.name + "'");
  }

  Result<bool> Step() override {
    if (announce_) return Announce();
    CountSilence();
    waits_ = false;
    willing_ = OutputsHaveRoom();
    if (!willing_) return false;
    if (chunk_) {
      SR_RETURN_IF_ERROR(DecodeOn());
      return true;
    }
    if (done_) SR_RETURN_IF_ERROR(RefuseReplay());
    if (Replays()) return TakeRecord();
    SetReplay(0);
    if (barrier_) {
      if (!bound_) return false;
      if (done_ || finished_ || next_ordinal_ >= *bound_) return PassBarrier();
    }
    if (done_ || stopped_) return false;
    if (finished_) {
      done_ = true;
      gate_.Tell(clock_.told().time, TimeBoard::Standing::kEnded);
      SR_RETURN_IF_ERROR(SendAll(EndOfStream{complete_}));
      return true;
    }
    // Up to a barrier it reads on: those it would wait for may be held downstream until the barrier is there.
    waits_ = !barrier_ && gate_.Closed(looked_at_);
    willing_ = !waits_;
    if (waits_) return false;
    if (asleep_ && ++skipped_ % kPollAgain != 0) return CheckIdle();
    return PollOnce();
  }

  void OnWake() override { asleep_ = false; }

  bool Replays() const override { return !records_.empty() || Node::Replays(); }

  std::optional<Task::Place> Trigger(const Barrier& barrier) override {
    (void)SR_FAILPOINT("source.triggered").ok();
    barrier_ = barrier;
    const bool dealt = shared_.parallelism > 1 && plan_node_.source->ordered && !done_;
    if (!dealt) {
      bound_ = 0;
      return std::nullopt;
    }
    bound_.reset();
    return Task::Place{index(), std::max(next_ordinal_, ordinal_ == kNoOrdinal ? 0 : ordinal_ + 1)};
  }

  void SetBound(Ordinal bound) override {
    if (barrier_) bound_ = bound;
  }

  void Abort(uint64_t epoch) override {
    if (barrier_ && barrier_->epoch <= epoch) barrier_.reset();
  }

  Result<bool> Commit(uint64_t epoch) override {
    if (opened_) {
      SR_RETURN_IF_ERROR(source_->Commit(epoch).WithContext("source '" + plan_node_.name + "'"));
      SR_RETURN_IF_ERROR(SR_FAILPOINT("source.committed"));
    }
    return true;
  }

  Status Failure() const override { return failure_; }

  void AddWait(WaitSpec& wait) override {
    if (done_ || finished_ || stopped_ || (barrier_ && !bound_)) return;
    if (waits_) wait.deadline = std::min(wait.deadline, looked_at_ + DriftGate::kLookAgain);
    // A source that can go on waits for room or for others, not for its input.
    if (!willing_ || !asleep_) return;
    const WaitSpec own = source_->Wait();
    wait.descriptors.insert(wait.descriptors.end(), own.descriptors.begin(), own.descriptors.end());
    wait.deadline = std::min(wait.deadline, own.deadline);
    if (plan_node_.event_time.idle_after && !idle_) {
      wait.deadline = std::min(wait.deadline, last_row_at_ + *plan_node_.event_time.idle_after);
    }
    if (clock_.by_wall_clock() && !idle_) {
      wait.deadline = std::min(wait.deadline, context_.env->MonotonicNow() + SourceClock::kTick);
    }
  }

  NodeCounters Counters() const override {
    NodeCounters counters = counters_;
    const Source::Extent extent = opened_ ? source_->Progress() : Source::Extent{};
    counters.total_bytes = extent.total;
    counters.bytes_in = std::max(counters.bytes_in, extent.read);
    counters.watermark = clock_.told().time;
    // Rows that are known to have come and gone before they could be read were input too.
    const int64_t dropped = opened_ ? source_->Dropped() : 0;
    counters.rows_in += dropped;
    counters.fates[static_cast<size_t>(Fate::kLost)] += dropped;
    return counters;
  }

  std::string Waits() const override {
    return waits_ ? "source " + plan_node_.name + ": " + gate_.reason() : std::string();
  }

  std::string Describe() const override {
    const std::string trouble = asleep_ && opened_ ? source_->Trouble() : std::string();
    return trouble.empty() ? plan_node_.name : "source '" + plan_node_.name + "': " + trouble;
  }

 private:
  // While the rest of the task is busy, a source that said "wait" is asked again every so many steps.
  static constexpr uint32_t kPollAgain = 16;
  // Records that enter again are chunks of their own, rows come behind the decoder.
  Result<bool> TakeRecord() {
    if (records_.empty()) return StepReplay();
    const ReplayLine line = std::move(records_.front());
    records_.pop_front();
    replayed_chunk_ = true;
    EmitChunk(ChunkOf(line));
    SR_RETURN_IF_ERROR(decoder_->Begin(*chunk_).WithContext("source '" + plan_node_.name + "'"));
    return true;
  }

  Status TakeIn(const std::vector<ReplayLine>& lines) override {
    if (!lines.front().raw) return Node::TakeIn(lines);
    if (decoder_) {
      records_.insert(records_.end(), lines.begin(), lines.end());
      return Status::Ok();
    }
    for (const ReplayLine& line : lines) {
      ++counters_.rows_in;
      ++counters_.replayed;
      letters_.AddReplayed(line, "replay.record", "the source decodes no records any more");
    }
    return DeliverLetters();
  }

  Status Enter(int, const BatchPtr& rows) override {
    ordinal_ = kNoOrdinal;
    return SendBatch(rows);
  }

  void Restore(const NodeRestore& restored) {
    had_ended_ = restored.had_ended();
    clock_.Restore(restored.watermark(), restored.latest());
    next_ordinal_ = restored.watermark().next_ordinal;
    idle_ = restored.idle();
    position_ = restored.positions().front();
    complete_ = restored.complete();
    if (had_ended_ && !restored.complete()) {
      failure_ = Status::Corruption("source '" + plan_node_.name +
                                    "': its input was damaged; what was whole before the damage was read");
    }
  }

  Result<bool> PassBarrier() {
    const Barrier barrier = *std::exchange(barrier_, std::nullopt);
    stopped_ = stopped_ || barrier.kind == BarrierKind::kStop;
    SR_RETURN_IF_ERROR(SR_FAILPOINT("source.bound"));
    SR_RETURN_IF_ERROR(Pass(barrier));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("source.barrier"));
    return true;
  }

  Watermark Told() const override { return clock_.told(); }

  Result<NodeSnapshot> Snapshot(uint64_t epoch) override {
    SR_ASSIGN_OR_RETURN(NodeSnapshot snapshot, Node::Snapshot(epoch));
    snapshot.watermark = clock_.told();
    snapshot.watermark.next_ordinal = next_ordinal_;
    snapshot.latest = clock_.latest();
    snapshot.idle = idle_;
    snapshot.counters = Counters();
    snapshot.position = opened_ ? source_->Position() : position_;
    return snapshot;
  }

  // Silence is time spent willing to read: neither held up by those downstream nor waiting for other sources.
  void CountSilence() {
    const Timestamp now = context_.env->MonotonicNow();
    if (!willing_) last_row_at_ += now - looked_at_;
    looked_at_ = now;
  }

  Result<bool> PollOnce() {
    SR_RETURN_IF_ERROR(SR_FAILPOINT("source.poll"));
    Result<SourceOutcome> outcome = SourceOutcome::kWait;
    {
      BusyTimer timer(context_.env, &counters_.busy_us);
      outcome = source_->Poll(*this);
    }
    if (!outcome.ok()) {
      Status status = outcome.status().WithContext("source '" + plan_node_.name + "'");
      const bool damaged = status.code() == Code::kCorruption && !status.retryable();
      if (!damaged) return status;
      // What is under way goes on to its end; then the pipeline fails.
      failure_ = std::move(status);
      complete_ = false;
      outcome = SourceOutcome::kDone;
    }
    asleep_ = *outcome == SourceOutcome::kWait;
    finished_ = *outcome == SourceOutcome::kDone;
    // Whatever was sent counts as work: nodes downstream must see it before the task sleeps.
    bool worked = finished_ || *outcome == SourceOutcome::kMore || letters_.rows() > 0;
    SR_RETURN_IF_ERROR(DeliverLetters());
    if (batch_) {
      SR_RETURN_IF_ERROR(SendBatch(std::exchange(batch_, nullptr)));
      worked = true;
    }
    if (chunk_) {
      counters_.bytes_in += static_cast<int64_t>(chunk_->bytes->size());
      SR_RETURN_IF_ERROR(decoder_->Begin(*chunk_).WithContext("source '" + plan_node_.name + "'"));
      worked = true;
    } else {
      SR_ASSIGN_OR_RETURN(const bool news, SendWatermark());
      worked |= news;
    }
    if (worked && !told_idle_) return true;
    SR_ASSIGN_OR_RETURN(const bool went_idle, CheckIdle());
    return worked || went_idle;
  }

  Status DecodeOn() {
    Result<Outcome> outcome = Outcome::kNeedInput;
    const int64_t rows_in = counters_.rows_in;
    {
      BusyTimer timer(context_.env, &counters_.busy_us);
      outcome = decoder_->Decode(*this);
    }
    if (!outcome.ok()) return outcome.status().WithContext("source '" + plan_node_.name + "'");
    if (batch_) SR_RETURN_IF_ERROR(SendBatch(std::exchange(batch_, nullptr)));
    SR_RETURN_IF_ERROR(DeliverLetters());
    if (replayed_chunk_) counters_.replayed += counters_.rows_in - rows_in;
    if (*outcome != Outcome::kHaveMore) {
      chunk_.reset();
      replayed_chunk_ = false;
      SR_RETURN_IF_ERROR(SendWatermark().status());
    }
    return Status::Ok();
  }

  Status SendBatch(BatchPtr batch) {
    counters_.rows_in += batch->rows();
    batch = Retyped(std::move(batch));
    if (clock_.tells()) {
      batch = ReadTime(batch);
      // Before a barrier can come: rows without a usable time belong to this epoch.
      SR_RETURN_IF_ERROR(DeliverLetters());
    }
    if (batch->rows() > 0 && idle_) {
      idle_ = false;
      gate_.Tell(clock_.told().time, TimeBoard::Standing::kActive);
      SR_RETURN_IF_ERROR(SendAll(Active{}));
    }
    last_row_at_ = context_.env->MonotonicNow();
    clock_.NoteRows();
    return SendRows(0, batch, ordinal_);
  }

  // A connector's own schema has no event-time mark; the plan's has.
  BatchPtr Retyped(BatchPtr batch) const {
    if (batch->schema() == plan_node_.outputs[0]) return batch;
    return std::make_shared<const Batch>(plan_node_.outputs[0], batch->rows(), batch->columns(),
                                         batch->origin(), batch->changes());
  }

  // Rows without a usable time fail.
  BatchPtr ReadTime(const BatchPtr& batch) {
    const std::vector<RowFailure> failures = clock_.Read(*batch, shared_.ProcessingTime());
    if (failures.empty()) return batch;
    letters_.AddRows(batch, failures, ReplayEntry());
    return Take(batch, RowsWithout(batch->rows(), failures));
  }

  // True: there was news.
  Result<bool> SendWatermark() {
    const std::optional<Watermark> now = clock_.Advance(shared_.ProcessingTime(), next_ordinal_);
    if (!now) return false;
    gate_.Tell(now->time, idle_ ? TimeBoard::Standing::kIdle : TimeBoard::Standing::kActive);
    SR_RETURN_IF_ERROR(SendAll(*now));
    return true;
  }

  Result<bool> CheckIdle() {
    if (idle_) return false;
    const auto& idle_after = plan_node_.event_time.idle_after;
    const bool silent = idle_after && context_.env->MonotonicNow() - last_row_at_ >= *idle_after;
    if (!silent && !told_idle_) return false;
    idle_ = true;
    told_idle_ = false;
    gate_.Tell(clock_.told().time, TimeBoard::Standing::kIdle);
    SR_RETURN_IF_ERROR(SendAll(Idle{}));
    return true;
  }

  // SourceOutput
  void EmitChunk(Chunk chunk) override {
    ordinal_ = chunk.ordinal;
    chunk_ = std::move(chunk);
  }
  void EmitBatch(BatchPtr batch, Ordinal ordinal) override {
    ordinal_ = ordinal;
    batch_ = std::move(batch);
  }
  void FailRecord(const std::shared_ptr<const std::string>& split, int64_t offset, std::string_view raw,
                  std::string code, std::string message) override {
    ++counters_.rows_in;
    letters_.AddRecord(split, offset, raw, code, message);
  }
  void Progress(Ordinal next) override { next_ordinal_ = std::max(next_ordinal_, next); }
  void AdvanceTime(Timestamp time) override { clock_.Say(time); }
  void GoIdle() override { told_idle_ = true; }

  // DecodeOutput
  void Emit(BatchPtr batch) override { batch_ = std::move(batch); }
  void FailRecord(int64_t offset, std::string_view raw, std::string code, std::string message) override {
    ++counters_.rows_in;
    ReplayEntry entry;
    if (chunk_->header) entry.header = *chunk_->header;
    letters_.AddRecord(chunk_->split, offset, raw, code, message, entry);
  }

  SourceContext context_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Decoder> decoder_;
  std::optional<Chunk> chunk_;  // being decoded
  BatchPtr batch_;
  Ordinal ordinal_ = kNoOrdinal;
  Ordinal next_ordinal_ = 0;
  SourceClock clock_;
  DriftGate gate_;
  Timestamp last_row_at_ = 0;  // later by the time since then in which it was not willing to read
  Timestamp looked_at_ = 0;
  bool willing_ = true;  // at the last look
  bool waits_ = false;   // for other sources
  bool idle_ = false;
  bool told_idle_ = false;
  bool asleep_ = false;
  uint32_t skipped_ = 0;
  bool opened_ = false;
  std::string position_;  // restored; it had ended then
  bool had_ended_ = false;
  std::deque<ReplayLine> records_;  // to be decoded again
  bool replayed_chunk_ = false;     // the chunk under way is one of them
  std::optional<Barrier> barrier_;
  std::optional<Ordinal> bound_;  // the barrier goes behind the chunks below; nothing: not known yet, hold
  bool stopped_ = false;          // behind the barrier of a stop
  bool finished_ = false;
  Status failure_;
};

}  // namespace

std::unique_ptr<Node> MakeSourceNode(TaskShared& shared, const Stage::Member& member) {
  return std::make_unique<SourceNode>(shared, member);
}

}  // namespace streamrun
