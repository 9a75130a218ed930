// max_drift: the board of event times, and a source that waits at its gate. GCC 12 sees uninitialised members
// when a variant of structs moves through an optional (GCC bug 105562 and kin).
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "core/data/column_builder.h"
#include "runner/exec/drift_gate.h"
#include "runner/exec/task.h"
#include "runner/harness/virtual_env.h"
#include "tests/runner/planned.h"

namespace streamrun {
namespace {

using Standing = TimeBoard::Standing;

// Sources a and b, each in a stage of its own; c has no event time.
LocalPlanPtr TwoSources(int parallelism = 1) {
  const std::string text = "pipeline: p\nsettings: {parallelism: " + std::to_string(parallelism) + R"(}
sources:
  a:
    connector: file
    path: a.jsonl
    format: json
    on_error: drop
    schema: {at: timestamp}
    event_time: {column: at, max_drift: 5s, idle_after: 10s}
  b:
    connector: file
    path: b.jsonl
    format: json
    on_error: drop
    schema: {at: timestamp}
    event_time: {column: at}
  c: {connector: file, path: c.jsonl, format: json, on_error: drop, schema: {at: timestamp}}
sinks:
  a_out: {connector: discard, input: a}
  b_out: {connector: discard, input: b}
  c_out: {connector: discard, input: c}
)";
  return CutPlan(PlanOf(text));
}

int StageOf(const LocalPlan& plan, int node) {
  for (const Stage& stage : plan.stages) {
    for (const Stage::Member& member : stage.members) {
      if (member.node == node) return stage.id;
    }
  }
  return -1;
}

TEST_CASE("the board gives the least of the other sources that are neither idle nor ended") {
  const LocalPlanPtr plan = TwoSources();
  const int a = plan->plan->Find("a"), b = plan->plan->Find("b"), c = plan->plan->Find("c");
  CHECK(TimeBoard::CellsOf(*plan) == 2);
  TimeBoard board(*plan);
  TimeBoard::Least least = board.LeastBeside(a);
  CHECK(least.node == b);
  CHECK_FALSE(least.started);
  CHECK(least.watermark == kMinTimestamp);

  board.Tell(b, 0, 42, Standing::kActive);
  least = board.LeastBeside(a);
  CHECK(least.started);
  CHECK(least.watermark == 42);
  // Whatever it says itself.
  board.Tell(a, 0, 7, Standing::kActive);
  CHECK(board.LeastBeside(a).watermark == 42);
  CHECK(board.LeastBeside(b).watermark == 7);
  // One without event time neither counts nor can say anything.
  board.Tell(c, 0, 1, Standing::kActive);
  CHECK(board.LeastBeside(a).watermark == 42);

  for (const Standing gone : {Standing::kIdle, Standing::kEnded}) {
    board.Tell(b, 0, 42, gone);
    CHECK(board.LeastBeside(a).node == -1);
    CHECK(board.LeastBeside(a).watermark == kMaxTimestamp);
  }
  // A new attempt of its stage alone.
  board.Reset(StageOf(*plan, b));
  CHECK(board.LeastBeside(a).watermark == kMinTimestamp);
  CHECK(board.LeastBeside(b).watermark == 7);
}

TEST_CASE("every instance of a source counts, and those of one source do not wait for each other") {
  const LocalPlanPtr plan = TwoSources(3);
  const int a = plan->plan->Find("a"), b = plan->plan->Find("b");
  CHECK(TimeBoard::CellsOf(*plan) == 6);
  const auto cells = std::make_unique<TimeCell[]>(6);
  TimeBoard board(*plan, cells.get());
  TimeBoard elsewhere(*plan, cells.get());  // as another process sees it
  for (int i = 0; i < 3; ++i) board.Tell(b, i, 100 + i, Standing::kActive);
  CHECK(elsewhere.LeastBeside(a).watermark == 100);
  board.Tell(b, 0, 100, Standing::kEnded);
  CHECK(elsewhere.LeastBeside(a).watermark == 101);
  board.Tell(a, 2, 3, Standing::kActive);
  CHECK(elsewhere.LeastBeside(a).watermark == 101);
}

TEST_CASE("who reads the board sees an active source never before its time") {
  const LocalPlanPtr plan = TwoSources();
  const int a = plan->plan->Find("a"), b = plan->plan->Find("b");
  TimeBoard board(*plan);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (Timestamp time = 0; !stop.load(); ++time) {
      board.Tell(b, 0, time, Standing::kActive);
      board.Tell(b, 0, time + 1, Standing::kIdle);
    }
  });
  Timestamp last = kMinTimestamp;
  int seen = 0;
  bool forward = true;
  // The other thread may have to wait for its turn.
  const Timestamp end = Env::Default()->MonotonicNow() + 30 * kSecond;
  while (seen < 100'000 && Env::Default()->MonotonicNow() < end) {
    const TimeBoard::Least least = board.LeastBeside(a);
    if (least.node < 0) continue;
    ++seen;
    forward = forward && least.watermark >= last;
    last = least.watermark;
  }
  stop = true;
  writer.join();
  CHECK(forward);
  CHECK(seen == 100'000);
}

TEST_CASE("a gate closes beyond max_drift, says why, and is always open without a board") {
  const LocalPlanPtr plan = TwoSources();
  const int a = plan->plan->Find("a"), b = plan->plan->Find("b");
  TimeBoard board(*plan);
  DriftGate gate(&board, *plan->plan, a, 0);
  gate.Tell(kMinTimestamp, Standing::kActive);
  CHECK_FALSE(gate.Closed(0));  // nothing is before it
  gate.Tell(10 * kMinute, Standing::kActive);
  CHECK(gate.Closed(0));
  CHECK(gate.reason() == "waits for b (not started)");
  board.Tell(b, 0, kMinTimestamp, Standing::kActive);
  CHECK(gate.Closed(kSecond));
  CHECK(gate.reason() == "waits for b (no event time yet)");
  board.Tell(b, 0, 4 * kMinute + 30 * kSecond, Standing::kActive);
  CHECK(gate.Closed(2 * kSecond));
  CHECK(gate.reason() == "waits for b (event time 5m behind)");
  board.Tell(b, 0, 10 * kMinute - 5 * kSecond - 1, Standing::kActive);
  CHECK(gate.Closed(2 * kSecond));
  CHECK(gate.reason() == "waits for b (event time 5m behind)");  // told now and then
  board.Tell(b, 0, 10 * kMinute - 5 * kSecond, Standing::kActive);
  CHECK_FALSE(gate.Closed(2 * kSecond));
  // The farthest apart that times can be.
  board.Tell(b, 0, kMinTimestamp + 1, Standing::kActive);
  gate.Tell(kMaxTimestamp, Standing::kActive);
  CHECK(gate.Closed(3 * kSecond));

  // b has no max_drift; a DriftGate of it tells and never closes.
  DriftGate other(&board, *plan->plan, b, 0);
  other.Tell(kMaxTimestamp, Standing::kActive);
  CHECK_FALSE(other.Closed(0));
  DriftGate alone(nullptr, *plan->plan, a, 0);
  alone.Tell(kMaxTimestamp, Standing::kActive);
  CHECK_FALSE(alone.Closed(0));
}

// Gives a row with each of its times, then waits.
class TimesSource final : public Source {
 public:
  TimesSource(SchemaPtr schema, std::vector<Timestamp> times)
      : schema_(std::move(schema)), times_(std::move(times)) {}
  Status Open(SourceContext&, const std::vector<std::string>&) override { return Status::Ok(); }
  Result<SourceOutcome> Poll(SourceOutput& out) override {
    if (at_ == times_.size()) return SourceOutcome::kWait;
    ColumnBuilder builder(schema_->field(0).type);
    builder.Append<int64_t>(times_[at_++]);
    out.EmitBatch(std::make_shared<const Batch>(schema_, 1, std::vector<ColumnPtr>{builder.Finish()}),
                  kNoOrdinal);
    return SourceOutcome::kMore;
  }

 private:
  SchemaPtr schema_;
  std::vector<Timestamp> times_;
  size_t at_ = 0;
};

struct Rig {
  Rig() : plan(TwoSources()), board(*plan), a(plan->plan->Find("a")), b(plan->plan->Find("b")) {
    TaskOptions options;
    options.env = &env;
    options.times = &board;
    options.discard_sinks = true;
    options.replace_source = [this](int node) {
      return std::make_unique<TimesSource>(plan->plan->node(node).outputs[0],
                                           std::vector<Timestamp>{kMinute, 2 * kMinute, 3 * kMinute});
    };
    auto made = CreateTask(plan, StageOf(*plan, a), 0, {}, {}, options);
    REQUIRE(made.ok());
    task = std::move(*made);
    REQUIRE(task->Open().ok());
  }
  // Steps until nothing can go on; the rows read so far.
  int64_t Run() {
    for (int i = 0; i < 1000; ++i) {
      const Result<StepResult> step = task->Step();
      REQUIRE(step.ok());
      if (*step == StepResult::kWait) break;
    }
    for (const NodeCounters& node : task->Counters().nodes) {
      if (node.node == a) return node.rows_in;
    }
    return -1;
  }
  VirtualEnv env;
  LocalPlanPtr plan;
  TimeBoard board;
  int a, b;
  std::unique_ptr<Task> task;
};

TEST_CASE("a source that waits looks again soon, says for whom, and its idle timer stands still") {
  Rig rig;
  CHECK(rig.Run() == 1);
  CHECK(rig.task->BlockedOn() == "source a: waits for b (not started)");
  CHECK(rig.task->Wait().deadline == rig.env.MonotonicNow() + DriftGate::kLookAgain);
  rig.board.Tell(rig.b, 0, kMinute - kSecond, Standing::kActive);
  CHECK(rig.Run() == 2);
  // Far longer than idle_after.
  for (int i = 0; i < 100; ++i) {
    rig.env.Advance(kSecond);
    CHECK(rig.Run() == 2);
  }
  CHECK(rig.board.LeastBeside(rig.b).node == rig.a);  // not idle
  rig.board.Tell(rig.b, 0, kMinute, Standing::kIdle);
  CHECK(rig.Run() == 3);
  CHECK(rig.task->BlockedOn() != "source a: waits for b (not started)");
  CHECK(rig.board.LeastBeside(rig.b).node == rig.a);
  // Now it is silent of its own accord.
  rig.env.Advance(9 * kSecond);
  rig.Run();
  CHECK(rig.board.LeastBeside(rig.b).node == rig.a);
  rig.env.Advance(kSecond);
  rig.Run();
  CHECK(rig.board.LeastBeside(rig.b).node == -1);
}

}  // namespace
}  // namespace streamrun
