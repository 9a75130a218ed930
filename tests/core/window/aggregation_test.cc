// State of `aggregate`: what is saved and loaded goes on as if nothing had happened; windows of many slices
// give what a plain computation gives, late rows included.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/window/aggregation_state.h"
#include "core/window/count_aggregation.h"
#include "core/window/pre_aggregation.h"
#include "core/window/row_times.h"
#include "core/window/session_aggregation.h"
#include "core/window/time_aggregation.h"

namespace streamrun {
namespace {

using Emit = AggregationPlan::Emit;

struct Row {
  std::string key;
  int64_t value;
  int64_t second;
  ChangeKind kind = ChangeKind::kInsert;
};

SchemaPtr InputSchema(bool changes) {
  Schema schema({{"k", TypeId::kText}, {"v", TypeId::kBigint}, {"at", TypeId::kTimestamp}});
  schema.event_time = 2;
  schema.changes = changes;
  return std::make_shared<const Schema>(std::move(schema));
}

BatchPtr BatchOf(const SchemaPtr& schema, const std::vector<Row>& rows) {
  ColumnBuilder k{DataType(TypeId::kText)}, v{DataType(TypeId::kBigint)}, at{DataType(TypeId::kTimestamp)};
  BufferBuilder kinds;
  for (const Row& row : rows) {
    k.AppendText(row.key);
    v.Append(row.value);
    at.Append(row.second * kSecond);
    kinds.Push(static_cast<int8_t>(row.kind));
  }
  std::vector<ColumnPtr> columns{k.Finish(), v.Finish(), at.Finish()};
  return std::make_shared<const Batch>(schema, static_cast<int64_t>(rows.size()), std::move(columns),
                                       Origin{}, schema->changes ? kinds.Finish() : nullptr);
}

std::shared_ptr<AggregationPlan> MakePlan(const WindowSpec& window, Emit emit, Duration lateness,
                                          bool changes = false) {
  auto plan = std::make_shared<AggregationPlan>();
  plan->window = window;
  plan->input = InputSchema(changes);
  plan->time_column = window.kind == WindowSpec::Kind::kCount ? -1 : 2;
  plan->allowed_lateness = lateness;
  plan->emit = emit;
  plan->every = kSecond;
  const Scope scope(plan->input);
  ExprProblem problem;
  plan->keys = {*BindExpression("k", scope, &problem)};
  plan->key_types = {TypeId::kText};
  std::vector<Field> groups;
  if (plan->windowed()) groups = {{"ws", TypeId::kTimestamp}, {"we", TypeId::kTimestamp}};
  if (window.kind == WindowSpec::Kind::kCount) groups = {{"ws", TypeId::kBigint}, {"we", TypeId::kBigint}};
  groups.push_back({"k", TypeId::kText});
  plan->groups = std::make_shared<const Schema>(groups);
  SelectBinder binder(scope, plan->groups);
  std::vector<Field> output = groups;
  for (const char* sql : {"count(*)", "sum(v)"}) {
    plan->select.push_back(binder.Bind(sql, &problem));
    REQUIRE(plan->select.back() != nullptr);
    output.push_back({sql, plan->select.back()->type()});
  }
  if (changes) plan->row_count = binder.Bind("count(*)", &problem)->column() - plan->groups->size();
  plan->calls = binder.calls();
  Schema schema(output);
  schema.changes = emit != Emit::kOnClose || lateness > 0;
  plan->output = std::make_shared<const Schema>(std::move(schema));
  plan->late = LateSchema(*plan->input);
  return plan;
}

std::unique_ptr<Operator> Make(const AggregationPlanPtr& plan) {
  switch (plan->window.kind) {
    case WindowSpec::Kind::kSession:
      return MakeSessionAggregation(plan);
    case WindowSpec::Kind::kCount:
      return MakeCountAggregation(plan);
    default:
      return MakeTimeAggregation(plan);
  }
}

// Runs one operator; what it gives is text.
class Runner final : Output, OperatorContext {
 public:
  explicit Runner(AggregationPlanPtr plan) : plan_(std::move(plan)), op_(Make(plan_)) {
    OperatorContext::env = Env::Default();
    REQUIRE(op_->Open(*this).ok());
  }

  void Feed(const std::vector<Row>& rows) { Finish(op_->Process(0, BatchOf(plan_->input, rows), *this)); }
  void Watermark(int64_t second) { Finish(op_->OnWatermark(second * kSecond, *this)); }
  void Clock(int64_t second) {
    now_ = second * kSecond;
    if (op_->NextTimer() <= now_) Finish(op_->OnTimer(now_, *this));
  }
  void End() { Finish(op_->OnEndOfStream(true, *this)); }

  using Saved = std::map<std::string, std::vector<BatchPtr>>;
  Saved Save() const {
    Saved saved;
    const std::vector<StateShape> shapes = StatesOf(*plan_);
    REQUIRE(shapes.size() == tables_.size());
    for (StateTable* table : tables_) {
      const auto shape = std::find_if(shapes.begin(), shapes.end(),
                                      [&](const StateShape& s) { return s.name == table->name(); });
      REQUIRE(shape != shapes.end());
      std::vector<BatchPtr>& batches = saved[table->name()];
      REQUIRE(table
                  ->Save([&](const BatchPtr& rows) {
                    CHECK(rows->schema()->fields() == shape->Row()->fields());
                    for (int c = 0; c < rows->schema()->size(); ++c) {
                      CHECK(rows->column(c)->type() == rows->schema()->field(c).type);
                      CHECK(rows->column(c)->length() == rows->rows());
                    }
                    batches.push_back(rows);
                    return Status::Ok();
                  })
                  .ok());
    }
    return saved;
  }
  void Load(const Saved& saved) {
    for (StateTable* table : tables_) {
      for (const BatchPtr& rows : saved.at(table->name())) REQUIRE(table->Load(rows).ok());
    }
  }
  int64_t keys() const {
    int64_t keys = 0;
    for (const StateTable* table : tables_) keys += table->keys();
    return keys;
  }

  std::vector<std::string> rows;
  int64_t late = 0;

 private:
  void Finish(Result<Outcome> outcome) {
    while (true) {
      REQUIRE(outcome.ok());
      if (*outcome != Outcome::kHaveMore) return;
      outcome = op_->Continue(*this);
    }
  }

  void Emit(int port, BatchPtr batch) override {
    if (port != kOk) return;
    for (int64_t r = 0; r < batch->rows(); ++r) {
      std::string text(ChangeName(batch->change(r)));
      for (const ColumnPtr& column : batch->columns()) {
        text += " | ";
        PrintValue(*column, r, text);
      }
      rows.push_back(text);
    }
  }
  void Fail(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no row fails here"); }
  void FailResult(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no result fails here"); }
  void Count(Fate fate, int64_t count) override { late += fate == Fate::kLate ? count : 0; }
  void Keep(StateTable* table) override { tables_.push_back(table); }
  Timestamp ProcessingTime() override { return now_; }

  AggregationPlanPtr plan_;
  std::vector<StateTable*> tables_;
  Timestamp now_ = 0;
  std::unique_ptr<Operator> op_;
};

WindowSpec Spec(WindowSpec::Kind kind, Duration size, Duration step = 0) {
  WindowSpec spec;
  spec.kind = kind;
  spec.size = size * kSecond;
  spec.step = step * kSecond;
  spec.gap = size * kSecond;
  return spec;
}

WindowSpec CountSpec(int64_t rows, int64_t step) {
  WindowSpec spec;
  spec.kind = WindowSpec::Kind::kCount;
  spec.rows = rows;
  spec.row_step = step;
  return spec;
}

// A stream with disorder: rows lie up to 20 s behind the newest one, the watermark 8 s.
struct Step {
  std::vector<Row> rows;
  int64_t watermark;
};
std::vector<Step> RandomStream(uint32_t seed, int steps) {
  std::mt19937 random(seed);
  std::vector<Step> stream;
  int64_t now = 100;
  for (int i = 0; i < steps; ++i) {
    Step step;
    const int count = static_cast<int>(random() % 6);
    for (int r = 0; r < count; ++r) {
      step.rows.push_back({std::string(1, static_cast<char>('a' + random() % 4)),
                           static_cast<int64_t>(random() % 100), now - static_cast<int64_t>(random() % 20)});
    }
    now += static_cast<int64_t>(random() % 4) + (random() % 50 == 0 ? 60 : 0);
    step.watermark = now - 8;
    stream.push_back(std::move(step));
  }
  return stream;
}

void Drive(Runner& runner, const std::vector<Step>& stream, size_t from, size_t to) {
  for (size_t i = from; i < to; ++i) {
    if (!stream[i].rows.empty()) runner.Feed(stream[i].rows);
    runner.Watermark(stream[i].watermark);
    runner.Clock(static_cast<int64_t>(i));
  }
}

struct Kind {
  const char* name;
  WindowSpec window;
  Emit emit;
  Duration lateness;
};
std::vector<Kind> Kinds() {
  using K = WindowSpec::Kind;
  return {{"tumbling", Spec(K::kTumbling, 10), Emit::kOnClose, 0},
          {"tumbling, late", Spec(K::kTumbling, 10), Emit::kOnClose, 30 * kSecond},
          {"tumbling, every", Spec(K::kTumbling, 10), Emit::kEvery, 10 * kSecond},
          {"sliding", Spec(K::kSliding, 30, 4), Emit::kOnClose, 0},
          {"sliding, late", Spec(K::kSliding, 30, 5), Emit::kOnClose, 20 * kSecond},
          {"sliding, update", Spec(K::kSliding, 12, 3), Emit::kOnUpdate, 0},
          {"cumulative", Spec(K::kCumulative, 30, 5), Emit::kOnClose, 10 * kSecond},
          {"session", Spec(K::kSession, 4), Emit::kOnClose, 0},
          {"session, late", Spec(K::kSession, 4), Emit::kOnClose, 20 * kSecond},
          {"session, every", Spec(K::kSession, 4), Emit::kEvery, 0},
          {"count", CountSpec(5, 5), Emit::kOnClose, 0},
          {"count, sliding", CountSpec(7, 3), Emit::kOnClose, 0},
          {"everything", WindowSpec(), Emit::kOnUpdate, 0},
          {"everything, every", WindowSpec(), Emit::kEvery, 0}};
}

TEST_CASE("a restored operator goes on as if nothing had happened") {
  for (const Kind& kind : Kinds()) {
    for (uint32_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(std::string(kind.name));
      CAPTURE(seed);
      const AggregationPlanPtr plan = MakePlan(kind.window, kind.emit, kind.lateness);
      const std::vector<Step> stream = RandomStream(seed, 60);
      Runner whole(plan);
      Drive(whole, stream, 0, stream.size());
      whole.End();
      Runner first(plan);
      Drive(first, stream, 0, 30);
      Runner second(plan);
      second.Load(first.Save());
      CHECK(second.keys() == first.keys());
      Drive(second, stream, 30, stream.size());
      second.End();
      std::vector<std::string> both = first.rows;
      both.insert(both.end(), second.rows.begin(), second.rows.end());
      // Groups of one window may have found other slots.
      std::vector<std::string> expected = whole.rows;
      std::sort(both.begin(), both.end());
      std::sort(expected.begin(), expected.end());
      CHECK(both == expected);
      CHECK(first.late + second.late == whole.late);
      CHECK(whole.rows.size() > 5);
    }
  }
}

// Applies changes to a table; what is left must be what the rows say.
std::map<std::string, std::string> TableOf(const std::vector<std::string>& rows, int key_columns) {
  std::map<std::string, std::string> table;
  for (const std::string& row : rows) {
    size_t at = row.find(" | ");
    const std::string kind = row.substr(0, at);
    size_t end = at;
    for (int i = 0; i < key_columns; ++i) end = row.find(" | ", end + 3);
    const std::string key = row.substr(at + 3, end - at - 3);
    const std::string value = row.substr(end + 3);
    if (kind == "insert") {
      CHECK(table.emplace(key, value).second);
    } else if (kind == "update_before" || kind == "delete") {
      REQUIRE(table.count(key) == 1);
      CHECK(table[key] == value);
      table.erase(key);
    } else {
      CHECK(table.emplace(key, value).second);
    }
  }
  return table;
}

std::map<std::string, std::string> PlainWindows(const std::vector<Step>& stream, int64_t size, int64_t step) {
  std::map<std::tuple<int64_t, int64_t, std::string>, std::pair<int64_t, int64_t>> windows;
  for (const Step& s : stream) {
    for (const Row& row : s.rows) {
      for (int64_t start = row.second / step * step; start > row.second - size; start -= step) {
        auto& [count, sum] = windows[{start, start + size, row.key}];
        ++count;
        sum += row.value;
      }
    }
  }
  std::map<std::string, std::string> table;
  for (const auto& [key, value] : windows) {
    const auto& [start, end, k] = key;
    ColumnBuilder times{DataType(TypeId::kTimestamp)};
    times.Append(start * kSecond);
    times.Append(end * kSecond);
    const ColumnPtr column = times.Finish();
    std::string text;
    PrintValue(*column, 0, text);
    text += " | ";
    PrintValue(*column, 1, text);
    table[text + " | " + k] = std::to_string(value.first) + " | " + std::to_string(value.second);
  }
  return table;
}

TEST_CASE("windows of many slices hold every row, late ones too") {
  for (const auto& shape : std::vector<std::pair<int64_t, int64_t>>{{10, 10}, {30, 4}, {64, 1}, {7, 5}}) {
    for (const Emit emit : {Emit::kOnClose, Emit::kOnUpdate, Emit::kEvery}) {
      for (uint32_t seed = 1; seed <= 4; ++seed) {
        const auto size = shape.first;
        const auto step = shape.second;
        CAPTURE(size);
        CAPTURE(step);
        CAPTURE(seed);
        const std::vector<Step> stream = RandomStream(seed, 80);
        Runner runner(MakePlan(Spec(WindowSpec::Kind::kSliding, size, step), emit, 600 * kSecond));
        Drive(runner, stream, 0, stream.size());
        runner.End();
        CHECK(runner.late == 0);
        CHECK(TableOf(runner.rows, 3) == PlainWindows(stream, size, step));
      }
    }
  }
}

TEST_CASE("rows that are taken back leave nothing behind") {
  using K = WindowSpec::Kind;
  for (const WindowSpec& window : {WindowSpec(), Spec(K::kTumbling, 10), Spec(K::kSliding, 20, 5)}) {
    const bool windowed = window.kind != K::kNone;
    Runner runner(MakePlan(window, Emit::kOnUpdate, windowed ? 600 * kSecond : 0, true));
    for (const Step& step : RandomStream(7, 40)) {
      if (step.rows.empty()) continue;
      runner.Feed(step.rows);
      std::vector<Row> back = step.rows;
      for (Row& row : back) row.kind = ChangeKind::kDelete;
      runner.Watermark(step.watermark);
      runner.Feed(back);
    }
    CHECK(runner.rows.size() > 20);
    CHECK(TableOf(runner.rows, windowed ? 3 : 1).empty());
    if (window.kind != K::kSliding) CHECK(runner.keys() == 0);
  }
}

// A combiner or a merger on its own: the batches that it gives.
class Part final : Output, OperatorContext {
 public:
  explicit Part(std::unique_ptr<Operator> op) : op_(std::move(op)) {
    OperatorContext::env = Env::Default();
    REQUIRE(op_->Open(*this).ok());
  }
  void Feed(const BatchPtr& batch) { Finish(op_->Process(0, batch, *this)); }
  void Watermark(int64_t second) { Finish(op_->OnWatermark(second * kSecond, *this)); }
  void End() { Finish(op_->OnEndOfStream(true, *this)); }
  std::vector<BatchPtr> Take() { return std::exchange(batches_, {}); }

 private:
  void Finish(Result<Outcome> outcome) {
    while (outcome.ok() && *outcome == Outcome::kHaveMore) outcome = op_->Continue(*this);
    REQUIRE(outcome.ok());
  }
  void Emit(int port, BatchPtr batch) override {
    if (port == kOk) batches_.push_back(std::move(batch));
  }
  void Fail(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no row fails here"); }
  void FailResult(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no result fails here"); }
  void Count(Fate, int64_t) override {}
  void Keep(StateTable*) override {}
  Timestamp ProcessingTime() override { return 0; }

  std::unique_ptr<Operator> op_;
  std::vector<BatchPtr> batches_;
};

std::vector<std::string> Sorted(const std::vector<BatchPtr>& batches) {
  std::vector<std::string> rows;
  for (const BatchPtr& batch : batches) {
    for (int64_t r = 0; r < batch->rows(); ++r) {
      std::string text;
      for (const ColumnPtr& column : batch->columns()) {
        text += " | ";
        PrintValue(*column, r, text);
      }
      rows.push_back(text);
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

TEST_CASE(
    "rows combined upstream give the same results, also when the link joins batches of several slices") {
  const WindowSpec windows[] = {
      {},
      {.kind = WindowSpec::Kind::kTumbling, .size = 10 * kSecond},
      {.kind = WindowSpec::Kind::kSliding, .size = 10 * kSecond, .step = 3 * kSecond}};
  for (const WindowSpec& window : windows) {
    for (const int keys : {3, 100'000}) {  // few: they are combined; many: passed on
      const AggregationPlanPtr plan = MakePlan(window, Emit::kOnClose, 0);
      REQUIRE(CanPreAggregate(*plan));
      Part combiner(MakePreAggregation(plan, PartialSchema(*plan)));
      Part merger(MakeTimeMerger(plan));
      Part whole(MakeTimeAggregation(plan));
      std::mt19937 random(11);
      const auto pass = [&] {
        const std::vector<BatchPtr> partial = combiner.Take();
        if (!partial.empty()) merger.Feed(Concat(partial));
      };
      for (int second = 0; second < 100; second += 5) {
        std::vector<Row> rows;
        for (int i = 0; i < 4000; ++i) {
          rows.push_back({std::to_string(random() % static_cast<unsigned>(keys)),
                          static_cast<int64_t>(random() % 9), second + static_cast<int64_t>(random() % 5)});
        }
        const BatchPtr batch = BatchOf(plan->input, rows);
        combiner.Feed(batch);
        whole.Feed(batch);
        combiner.Watermark(second - 1);
        pass();
        merger.Watermark(second - 1);
        whole.Watermark(second - 1);
      }
      combiner.End();
      pass();
      merger.End();
      whole.End();
      const std::vector<std::string> expected = Sorted(whole.Take());
      CHECK(expected.size() > 2);
      const std::vector<std::string> merged = Sorted(merger.Take());
      CHECK(merged.size() == expected.size());
      const auto differ = std::mismatch(merged.begin(), merged.end(), expected.begin(), expected.end());
      if (differ.first != merged.end()) CHECK(*differ.first == *differ.second);
    }
  }
}

TEST_CASE("a hundred thousand windows are open at once") {
  Runner runner(MakePlan(Spec(WindowSpec::Kind::kTumbling, 1), Emit::kOnClose, 0));
  std::vector<Row> rows;
  for (int64_t i = 0; i < 100'000; ++i) {
    rows.push_back({"a", i, i});
    if (rows.size() == 8192) {
      runner.Feed(rows);
      rows.clear();
    }
  }
  runner.Feed(rows);
  CHECK(runner.keys() == 100'000);
  runner.End();
  CHECK(runner.rows.size() == 100'000);
  CHECK(runner.keys() == 0);
}

TEST_CASE("state above max_state ends the node") {
  auto plan = MakePlan(WindowSpec(), Emit::kOnUpdate, 0);
  plan->max_state = 1;
  CHECK_FALSE(CheckStateSize(*plan, 2).ok());
  CHECK(CheckStateSize(*plan, 1).ok());
}

}  // namespace
}  // namespace streamrun
