// Operators whose state is many times as large as the memory it may take.
#include <unistd.h>

#include <filesystem>

#include "core/data/state_space.h"
#include "state_cases.h"

namespace streamrun::testing {
namespace {

constexpr int kBatches = kSanitized ? 20 : 60;
constexpr int kRows = 1000;
constexpr size_t kParts = 10;  // the state is so many times as large as its memory

// Does what the host does: makes the space current while the operator runs, and asks it afterwards.
class SpillingRun final : Output, OperatorContext {
 public:
  /// `memory` 0: all state stays in memory.
  SpillingRun(const BoundOperator& bound, size_t memory) : memory_(memory) {
    env = Env::Default();
    directory_ =
        std::filesystem::temp_directory_path().string() + "/spilled_state_test." + std::to_string(::getpid());
    if (memory > 0) space_ = std::make_unique<StateSpace>(env, StateSpace::Options{directory_, memory});
    const StateSpace::Scope scope(space_.get());
    op_ = bound.Create();
    REQUIRE(op_->Open(*this).ok());
  }
  ~SpillingRun() override { std::filesystem::remove_all(directory_); }

  template <typename Call>
  void Run(const Call& call) {
    for (bool first = true;; first = false) {
      Result<Outcome> outcome = Outcome::kNeedInput;
      {
        const StateSpace::Scope scope(space_.get());
        outcome = first ? call(*op_, static_cast<Output&>(*this)) : op_->Continue(*this);
      }
      REQUIRE_MESSAGE(outcome.ok(), outcome.status().message());
      size_t bytes = 0;
      for (const StateTable* table : tables_) bytes += table->MemoryBytes();
      most_bytes = std::max(most_bytes, bytes);
      if (space_ != nullptr) {
        const Status fits = space_->Fit(bytes);
        REQUIRE_MESSAGE(fits.ok(), fits.message());
        most_spilled = std::max(most_spilled, space_->spilled_bytes());
        const size_t spilled = space_->spilled_bytes();
        const size_t memory = bytes - std::min(bytes, spilled) + space_->Resident();
        if (spilled > 0) most_over = std::max(most_over, memory - std::min(memory, memory_));
      }
      if (*outcome != Outcome::kHaveMore) return;
    }
  }

  size_t most_bytes = 0;
  size_t most_spilled = 0;
  size_t most_over = 0;  // memory beyond its limit, between events
  int64_t rows = 0;
  uint64_t hash = 0;  // of all that was given, in order

 private:
  void Emit(int port, BatchPtr batch) override {
    rows += batch->rows();
    std::vector<uint64_t> hashes;
    HashRows(batch->columns(), batch->rows(), &hashes);
    for (const uint64_t row : hashes) hash = (hash + row + static_cast<uint64_t>(port)) * 0x9e3779b97f4a7c15u;
  }
  void Fail(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no row fails here"); }
  void FailResult(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no result fails here"); }
  void Count(Fate, int64_t) override {}
  void Keep(StateTable* table) override { tables_.push_back(table); }
  Timestamp ProcessingTime() override { return kStateStart; }

  size_t memory_;
  std::string directory_;
  std::unique_ptr<StateSpace> space_;
  std::unique_ptr<Operator> op_;
  std::vector<StateTable*> tables_;
};

// Keys that come once, keys that come again after long, and some that come all the time.
BatchPtr Batch(const SchemaPtr& schema, int number) {
  TextRows rows;
  for (int i = 0; i < kRows; ++i) {
    const int again = number > 0 && i % 10 == 0 ? (number * 7919 + i * 31) % (number * kRows) : -1;
    const int key = i % 50 == 1 ? i : again >= 0 ? again : number * kRows + i;
    std::vector<std::string> cells;
    for (const Field& field : schema->fields()) {
      cells.push_back(field.name == "k"    ? std::string(400, 'k') + std::to_string(key)
                      : field.name == "at" ? StateTime(number)
                                           : std::to_string(i));
    }
    rows.push_back(std::move(cells));
  }
  return BatchOf(schema, rows);
}

// `follows`: the watermark comes behind every batch, since rows that wait for it stay in memory.
void Feed(const std::vector<BatchPtr>& batches, bool follows, SpillingRun& run) {
  for (size_t i = 0; i < batches.size(); ++i) {
    run.Run([&](Operator& op, Output& out) { return op.Process(0, batches[i], out); });
    if (!follows) continue;
    const Timestamp time = kStateStart + static_cast<int64_t>(i) * kSecond;
    run.Run([&](Operator& op, Output& out) { return op.OnWatermark(time, out); });
  }
  run.Run([&](Operator& op, Output& out) { return op.OnEndOfStream(true, out); });
}

}  // namespace

TEST_CASE("state many times as large as its memory gives the same rows in the same order") {
  const std::string calls = "group_by: [k]\nselect: {n: count(*), s: sum(v), x: max(d), l: last(k)}\n";
  const std::vector<OperatorText> texts = {
      {"aggregate", calls + "emit: on_update\n"},
      {"aggregate", calls + "window: {tumbling: 10s}\n"},
      {"aggregate", calls + "window: {sliding: {size: 30s, every: 10s}}\n"},
      {"aggregate", calls + "window: {session: 10s}\n"},
      {"aggregate", calls + "window: {tumbling: 10s}\nallowed_lateness: 10s\n"},
      {"aggregate",
       "group_by: [k]\nselect: {n: count(DISTINCT k), a: array_agg(k)}\nwindow: {tumbling: 1h}\n"},
      {"dedupe", "by: [k]\n"},
      {"dedupe", "by: [k]\nwithin: 1h\nkeep: last\n"},
      {"top", "per: [k]\norder_by: v\nlimit: 2\nemit: on_update\n"},
      {"over", "by: [k]\nset: {before: lag(v), behind: lead(k), s: sum(v)}\n"},
      {"sessionize", "by: [k]\ngap: 1h\n"}};
  for (const OperatorText& text : texts) {
    CAPTURE(text.name);
    CAPTURE(text.config);
    const std::shared_ptr<const BoundOperator> bound = text.Bind();
    std::vector<BatchPtr> batches;
    for (int i = 0; i < kBatches; ++i) batches.push_back(Batch(text.schema(), i));
    const bool follows = text.name == "over" || text.name == "sessionize";
    SpillingRun plain(*bound, 0);
    Feed(batches, follows, plain);
    REQUIRE(plain.rows > 0);
    SpillingRun spilled(*bound, plain.most_bytes / kParts);
    Feed(batches, follows, spilled);
    CHECK(spilled.rows == plain.rows);
    CHECK(spilled.hash == plain.hash);
    CHECK(spilled.most_spilled > plain.most_bytes / 2);
    CHECK(spilled.most_over < plain.most_bytes / kParts / 2);
  }
}

TEST_CASE("spilling is bound where it is asked for") {
  const std::string config = "by: [k]\nmax_state: 64KiB\n";
  CHECK(OperatorText{"dedupe", config}.Bind()->spill_above == 0);
  CHECK(OperatorText{"dedupe", config + "when_full: spill\n"}.Bind()->spill_above == 65536);
}

}  // namespace streamrun::testing
