// Windows that are put together from what came and went must be what their rows give, for functions of every
// kind: those whose states are taken out again, those that are not, those that depend on order.
#include "core/window/slice_merger.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "core/data/column_builder.h"
#include "core/data/numeric.h"
#include "core/data/text_io.h"

namespace streamrun {
namespace {

struct Row {
  std::string key;
  int64_t v;
  double x;
  std::string n;
};

SchemaPtr InputSchema() {
  return std::make_shared<const Schema>(std::vector<Field>{
      {"k", TypeId::kText}, {"v", TypeId::kBigint}, {"x", TypeId::kDouble}, {"n", TypeId::kNumeric}});
}

BatchPtr BatchOf(const std::vector<Row>& rows) {
  ColumnBuilder k{DataType(TypeId::kText)}, v{DataType(TypeId::kBigint)}, x{DataType(TypeId::kDouble)},
      n{DataType(TypeId::kNumeric)};
  for (const Row& row : rows) {
    k.AppendText(row.key);
    v.Append(row.v);
    x.Append(row.x);
    REQUIRE(AppendParsed(row.n, n).ok());
  }
  std::vector<ColumnPtr> columns{k.Finish(), v.Finish(), x.Finish(), n.Finish()};
  return std::make_shared<const Batch>(InputSchema(), static_cast<int64_t>(rows.size()), std::move(columns));
}

AggregationPlan MakePlan(const std::vector<const char*>& calls) {
  AggregationPlan plan;
  plan.input = InputSchema();
  const Scope scope(plan.input);
  ExprProblem problem;
  plan.keys = {*BindExpression("k", scope, &problem)};
  plan.key_types = {TypeId::kText};
  SelectBinder binder(scope, std::make_shared<const Schema>());
  for (const char* sql : calls) REQUIRE_MESSAGE(binder.Bind(sql, &problem) != nullptr, problem.message);
  plan.calls = binder.calls();
  return plan;
}

// A line a group, in the order of keys.
std::vector<std::string> Lines(const GroupTable& table) {
  const std::vector<uint32_t> live = table.keys().Live();
  std::vector<RowFailure> failures;
  const std::vector<ColumnPtr> columns = table.Results(live, &failures);
  std::vector<std::string> lines;
  for (size_t i = 0; i < live.size(); ++i) {
    std::string line;
    for (const ColumnPtr& column : columns) PrintValue(*column, static_cast<int64_t>(i), line += " | ");
    lines.push_back(line);
  }
  for (const RowFailure& failure : failures) lines[failure.row] += failure.message;
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Slices with the rows that they were given, a merger over them, and a plain answer.
class Slided {
 public:
  explicit Slided(const std::vector<const char*>& calls)
      : plan_(MakePlan(calls)),
        store_(plan_),
        merger_(plan_, store_),
        input_(plan_.keys, plan_.calls, Env::Default()) {}

  void Add(Timestamp start, const std::vector<Row>& rows) {
    TimeSlice& slice = store_.FindOrMake(start);
    std::vector<uint32_t> slots;
    const auto count = static_cast<int64_t>(rows.size());
    Evaluate(rows);
    slice.table.Add(input_, nullptr, count, &slots);
    if (merger_.Holds(start)) merger_.Feed(start, input_, {count, nullptr, slots.data()}, false);
    Remember(start, rows);
  }
  /// As states that another instance saved.
  void Load(Timestamp start, const std::vector<Row>& rows) {
    GroupTable other(plan_.key_types, plan_.calls);
    std::vector<uint32_t> slots;
    Evaluate(rows);
    other.Add(input_, nullptr, static_cast<int64_t>(rows.size()), &slots);
    const std::vector<ColumnPtr> saved = other.Save(other.keys().Live());
    TimeSlice& slice = store_.FindOrMake(start);
    slice.table.FindOrInsert({saved[0]}, saved[0]->length(), &slots);
    const GroupedRows grouped{saved[0]->length(), nullptr, slots.data()};
    slice.table.LoadStates(saved, grouped);
    if (merger_.Holds(start)) merger_.Load(start, saved, grouped);
    Remember(start, rows);
  }
  void Check(const Window& window) {
    CAPTURE(window.start);
    CAPTURE(window.end);
    GroupTable plain(plan_.key_types, plan_.calls);
    for (const auto& [start, rows] : rows_) {
      if (start < window.start || start >= window.end) continue;
      std::vector<uint32_t> slots;
      Evaluate(rows);
      plain.Add(input_, nullptr, static_cast<int64_t>(rows.size()), &slots);
    }
    const std::vector<std::string> expected = Lines(plain);
    CHECK(Lines(merger_.Merge(window)) == expected);
    // Of one group alone, as it is when late rows change what was shown.
    if (expected.empty()) return;
    ColumnBuilder one{DataType(TypeId::kText)};
    one.AppendText("a");
    SliceMerger some(plan_, store_, {one.Finish()}, 1);
    for (const std::string& line : Lines(some.Merge(window))) {
      CHECK(std::binary_search(expected.begin(), expected.end(), line));
    }
    shown_ += expected.size();
  }
  void Drop(Timestamp start) {
    merger_.Forget(start);
    store_.Drop(start);
    rows_.erase(start);
  }
  const SliceMap& slices() const { return store_.slices(); }
  const SliceMerger& merger() const { return merger_; }
  size_t shown() const { return shown_; }

 private:
  void Evaluate(const std::vector<Row>& rows) {
    std::vector<RowFailure> failures;
    input_.Evaluate(BatchOf(rows), KeyTable(plan_.key_types), &failures);
    REQUIRE(failures.empty());
  }
  void Remember(Timestamp start, const std::vector<Row>& rows) {
    std::vector<Row>& all = rows_[start];
    all.insert(all.end(), rows.begin(), rows.end());
  }

  AggregationPlan plan_;
  SliceStore store_;
  SliceMerger merger_;
  GroupInput input_;
  std::map<Timestamp, std::vector<Row>> rows_;
  size_t shown_ = 0;
};

// Keys come and go with time. Doubles are multiples of a quarter, so that sums of them do not depend on the
// order, but now and then one swallows all others, or is none.
std::vector<Row> RandomRows(std::mt19937& random, Timestamp at, int most) {
  std::vector<Row> rows(1 + random() % static_cast<unsigned>(most));
  for (Row& row : rows) {
    row.key = random() % 3 == 0 ? "a" : std::to_string(at / 9 + static_cast<int64_t>(random() % 5));
    row.v = static_cast<int64_t>(random() % 50) - 20;
    row.x = static_cast<double>(random() % 64) / 4;
    const double rare[] = {1e300, std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()};
    if (random() % 40 == 0) row.x = rare[random() % 3];
    row.n = std::to_string(random() % 100) + (random() % 8 == 0 ? ".125" : ".5");
  }
  return rows;
}

struct Shape {
  Timestamp size;
  Timestamp step;
};

// Windows from the first that holds `from` on; between two of them rows come, late ones too.
void Slide(Slided& slided, const Shape& shape, uint32_t seed, Timestamp from, Timestamp to) {
  std::mt19937 random(seed);
  Timestamp filled = from;
  for (Timestamp start = from - shape.size + shape.step; start < to; start += shape.step) {
    const Window window{start, start + shape.size};
    for (; filled < window.end; ++filled) {
      if (random() % 4 != 0) slided.Add(filled, RandomRows(random, filled, 4));
    }
    slided.Check(window);
    for (unsigned late = random() % 3; late > 0; --late) {
      const Timestamp at =
          window.end - 1 - static_cast<Timestamp>(random() % static_cast<unsigned>(shape.size));
      if (at < start + shape.step) continue;
      random() % 2 == 0 ? slided.Add(at, RandomRows(random, at, 3))
                        : slided.Load(at, RandomRows(random, at, 3));
    }
    if (random() % 2 == 0) continue;
    while (!slided.slices().empty() && slided.slices().begin()->first < start + shape.step) {
      slided.Drop(slided.slices().begin()->first);
    }
    // A pause longer than a window.
    if (random() % 60 == 0) {
      start += 2 * shape.size;
      filled = std::max(filled, start);
    }
  }
}

TEST_CASE("a window of many slices is what its rows give, whatever the functions") {
  const std::vector<std::vector<const char*>> selects = {
      {"count(*)", "sum(v)", "avg(v)", "stddev(v)", "bool_or(v > 25)", "histogram(x, 0, 16, 4)"},
      {"max(v)", "avg(x)", "sum(n)", "min(k)"},
      {"count(*)", "count(DISTINCT v)", "max(v) FILTER (WHERE v < 10)", "sum(v) FILTER (WHERE x > 2)"},
      {"array_agg(v)", "count(*)", "min(x)"},
      {"min_by(x, v % 3)", "max_by(k, v % 3)", "any_value(n)", "count(*)"}};
  for (const auto& select : selects) {
    for (const Shape& shape : {Shape{8, 1}, Shape{30, 4}, Shape{100, 1}, Shape{50, 7}}) {
      CAPTURE(std::string(select[0]));
      CAPTURE(shape.size);
      CAPTURE(shape.step);
      Slided slided(select);
      Slide(slided, shape, 17, 1000, 1000 + 4 * shape.size + 40 * shape.step);
      CHECK(slided.shown() > 200);
    }
  }
}

TEST_CASE("windows that grow from one start hold every row") {
  Slided slided({"count(*)", "max(v)", "sum(v)"});
  std::mt19937 random(3);
  for (Timestamp day = 0; day < 90; day += 30) {
    for (Timestamp end = day + 5; end <= day + 30; end += 5) {
      slided.Add(end - 5, RandomRows(random, end, 4));
      slided.Check({day, end});
      slided.Add(end - 5, RandomRows(random, end, 2));
    }
  }
  CHECK(slided.shown() > 30);
}

TEST_CASE("after a burst of groups the window is as small as before") {
  Slided slided({"count(*)", "max(v)"});
  std::vector<Row> burst;
  for (int i = 0; i < 20'000; ++i) burst.push_back({"burst" + std::to_string(i), i, 0, "1"});
  for (Timestamp at = 0; at < 10; ++at) slided.Add(at, {{"a", at, 0, "1"}});
  slided.Check({0, 10});
  const size_t before = slided.merger().MemoryBytes();
  slided.Add(10, burst);
  slided.Check({1, 11});
  CHECK(slided.merger().MemoryBytes() > 50 * before);
  for (Timestamp at = 11; at < 22; ++at) {
    slided.Add(at, {{"a", at, 0, "1"}});
    slided.Check({at - 9, at + 1});
  }
  CHECK(slided.merger().MemoryBytes() < 4 * before);
}

}  // namespace
}  // namespace streamrun
