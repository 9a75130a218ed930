// How large state may become: a million open windows, and `max_state`.
#include "state_cases.h"

namespace streamrun::testing {
namespace {

constexpr int64_t kWindows = kSanitized ? 100'000 : 1'000'000;
constexpr int64_t kBatch = 8192;

// Takes what a long run gives without keeping it.
class Measuring final : public Output, public OperatorContext {
 public:
  explicit Measuring(const OperatorText& text) : bound_(text.Bind()), op_(bound_->Create()) {
    env = Env::Default();
    REQUIRE(op_->Open(*this).ok());
  }

  void Finish(Result<Outcome> outcome) {
    while (true) {
      REQUIRE_MESSAGE(outcome.ok(), outcome.status().message());
      if (*outcome != Outcome::kHaveMore) break;
      outcome = op_->Continue(*this);
    }
    size_t bytes = 0;
    for (const StateTable* table : tables_) bytes += table->MemoryBytes();
    most_bytes = std::max(most_bytes, bytes);
  }
  Operator& op() { return *op_; }
  int64_t keys() const {
    int64_t keys = 0;
    for (const StateTable* table : tables_) keys += table->keys();
    return keys;
  }

  int64_t rows = 0;
  int64_t counted = 0;
  bool ascending = true;
  int64_t largest_batch = 0;
  size_t most_bytes = 0;

 private:
  // Rows have the bounds of the window, then a count.
  void Emit(int, BatchPtr batch) override {
    rows += batch->rows();
    largest_batch = std::max(largest_batch, batch->rows());
    for (int64_t row = 0; row < batch->rows(); ++row) {
      const Timestamp end = batch->column(1)->values<int64_t>()[row];
      ascending = ascending && end > last_end_;
      last_end_ = end;
      counted += batch->column(2)->values<int64_t>()[row];
    }
  }
  void Fail(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no row fails here"); }
  void FailResult(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no result fails here"); }
  void Count(Fate, int64_t) override {}
  void Keep(StateTable* table) override { tables_.push_back(table); }
  Timestamp ProcessingTime() override { return 0; }

  std::shared_ptr<const BoundOperator> bound_;
  std::vector<StateTable*> tables_;
  std::unique_ptr<Operator> op_;
  Timestamp last_end_ = kMinTimestamp;
};

// Row i of `rows` stands at second (i * step) mod `rows`: every second once.
void FeedSeconds(const OperatorText& text, int64_t rows, int64_t step, Measuring& run) {
  const SchemaPtr schema = text.schema();
  for (int64_t begin = 0; begin < rows; begin += kBatch) {
    const int64_t count = std::min(kBatch, rows - begin);
    BufferBuilder times;
    for (int64_t i = begin; i < begin + count; ++i) times.Push(kStateStart + i * step % rows * kSecond);
    const auto column =
        std::make_shared<const Column>(schema->field(0).type, count, 0, nullptr, times.Finish());
    run.Finish(run.op().Process(
        0, std::make_shared<const Batch>(schema, count, std::vector<ColumnPtr>{column}), run));
  }
}

OperatorText Seconds(const std::string& window) {
  return {"aggregate", "window: {" + window + "}\nselect: {n: count(*)}\n", "at timestamp"};
}

// Until a call fails.
class Failing final : Output, OperatorContext {
 public:
  explicit Failing(const BoundOperator& bound) : op_(bound.Create()) {
    env = Env::Default();
    REQUIRE(op_->Open(*this).ok());
  }
  Status Feed(const BatchPtr& batch) {
    Result<Outcome> outcome = op_->Process(0, batch, *this);
    while (outcome.ok() && *outcome == Outcome::kHaveMore) outcome = op_->Continue(*this);
    return outcome.status();
  }

 private:
  void Emit(int, BatchPtr) override {}
  void Fail(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no row fails here"); }
  void FailResult(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no result fails here"); }
  void Count(Fate, int64_t) override {}
  Timestamp ProcessingTime() override { return 0; }

  std::unique_ptr<Operator> op_;
};

// Feeds until the node fails; what it says.
std::string FailureOf(const OperatorText& text) {
  const std::shared_ptr<const BoundOperator> bound = text.Bind();
  Failing run(*bound);
  const SchemaPtr schema = text.schema();
  for (int i = 0; i < 200; ++i) {
    TextRows rows;
    for (int row = 0; row < 100; ++row) {
      std::vector<std::string> cells;
      for (const Field& field : schema->fields()) {
        cells.push_back(field.name == "k"              ? "key " + std::to_string(i * 100 + row)
                        : field.name == "window_start" ? StateTime(0)
                        : field.name == "window_end"   ? StateTime(10)
                        : field.name == "at"           ? StateTime(i)
                                                       : std::to_string(row));
      }
      rows.push_back(std::move(cells));
    }
    const Status status = run.Feed(BatchOf(schema, rows));
    if (!status.ok()) return std::string(status.message());
  }
  return "";
}

}  // namespace

TEST_CASE("a million windows are open at once") {
  for (const auto& kind : std::vector<std::pair<std::string, int64_t>>{
           {"tumbling: 1s", 1}, {"sliding: {size: 3s, every: 1s}", 3}, {"session: 1s", 1}}) {
    const std::string& window = kind.first;
    const int64_t slices = kind.second;
    CAPTURE(window);
    const OperatorText text = Seconds(window);
    Measuring run(text);
    // A key's sessions are a list, latest first: rows in order find theirs at once.
    FeedSeconds(text, kWindows, window.starts_with("session") ? 1 : 7919, run);
    CHECK(run.rows == 0);
    CHECK(run.keys() == kWindows);
    run.Finish(run.op().OnWatermark(kStateStart + kWindows / 2 * kSecond - 1, run));
    CHECK(run.rows == kWindows / 2);
    run.Finish(run.op().OnEndOfStream(true, run));
    CHECK(run.rows == kWindows + slices - 1);
    CHECK(run.counted == kWindows * slices);
    CHECK(run.ascending);
    CHECK(run.largest_batch <= kBatch);
    CHECK(run.most_bytes < size_t{kWindows} * 1024);
    MESSAGE("" << run.most_bytes / kWindows << " bytes a window");
  }
}

TEST_CASE("state above max_state ends the node and says what to do") {
  using namespace state_cases;
  const std::string most = "max_state: 64KiB\n";
  const std::vector<OperatorText> limited = {
      Aggregate("window: {tumbling: 10s}\n" + most),
      Aggregate("window: {sliding: {size: 30s, every: 10s}}\n" + most),
      Aggregate("window: {session: 10s}\n" + most),
      Aggregate("window: {count: 3}\n" + most),
      Aggregate("emit: on_update\n" + most),
      {"top", "per: [k]\norder_by: v\nlimit: 2\nemit: on_update\n" + most},
      Windowed({"top", "per: [k, window_start]\norder_by: v\nlimit: 2\n" + most}),
      {"top", "order_by: v\nlimit: 100000\nemit: on_update\n" + most},
      {"dedupe", "by: [k]\nwithin: 1h\n" + most},
      {"dedupe", "by: [k]\n" + most},
      {"dedupe", "by: [k]\nwithin: 1h\nkeep: last\n" + most},
      {"sessionize", "by: [k]\ngap: 1h\n" + most},
      {"over", "by: [k]\nset: {before: lag(v)}\n" + most}};
  for (const OperatorText& text : limited) {
    CAPTURE(text.name);
    CAPTURE(text.config);
    const std::string failure = FailureOf(text);
    CHECK(failure.find("its state has grown to ") == 0);
    CHECK(failure.find("above the max_state of 65536; raise max_state") != std::string::npos);
  }
}

}  // namespace streamrun::testing
