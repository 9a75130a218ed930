// An aggregate that keeps its rows has an end: beyond it the group fails, and never gives wrong data. The
// limit is lowered here; as shipped it is 1 GiB.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/agg/group_table.h"
#include "core/data/column_builder.h"
#include "core/data/text_io.h"

namespace streamrun {
namespace {

constexpr size_t kLimit = 4000;

SchemaPtr InputSchema() {
  return std::make_shared<const Schema>(std::vector<Field>{{"k", TypeId::kText}, {"x", TypeId::kText}});
}

// Values begin..end-1 of a group, all different and all of 40 bytes.
BatchPtr Values(const std::string& group, int begin, int end) {
  ColumnBuilder k{DataType(TypeId::kText)}, x{DataType(TypeId::kText)};
  for (int i = begin; i < end; ++i) {
    k.AppendText(group);
    std::string value = std::to_string(i);
    value.insert(0, 40 - value.size(), 'v');
    x.AppendText(value);
  }
  std::vector<ColumnPtr> columns{k.Finish(), x.Finish()};
  return std::make_shared<const Batch>(InputSchema(), end - begin, std::move(columns));
}

struct Bound {
  Scope scope{InputSchema()};
  SelectBinder binder{scope, std::make_shared<const Schema>()};
  std::vector<AggregateCall> calls;
  std::vector<ExpressionPtr> keys;

  Bound(const char* sql, size_t largest, bool retracting) {
    if (retracting) binder.set_retracting();
    ExprProblem problem;
    REQUIRE_MESSAGE(binder.Bind(sql, &problem) != nullptr, problem.message);
    calls = binder.calls();
    for (AggregateCall& call : calls) call.types.largest = largest;
    keys = {*BindExpression("k", scope, &problem)};
  }
};

class Groups {
 public:
  explicit Groups(const Bound& bound) : bound_(bound), table_({TypeId::kText}, bound.calls) {}

  void Change(const BatchPtr& batch, bool retract = false) {
    GroupInput input(bound_.keys, bound_.calls, Env::Default());
    std::vector<RowFailure> failures;
    input.Evaluate(batch, table_.keys(), &failures);
    std::vector<uint32_t> slots;
    retract ? table_.Retract(input, nullptr, batch->rows(), &slots)
            : table_.Add(input, nullptr, batch->rows(), &slots);
  }
  // What a group gives; its failure instead, if it has one.
  std::string Result(const std::string& group) const {
    const std::vector<uint32_t> live = table_.keys().Live();
    std::vector<RowFailure> failures;
    const std::vector<ColumnPtr> columns = table_.Results(live, &failures);
    for (uint32_t i = 0; i < live.size(); ++i) {
      if (columns[0]->Text(i) != group) continue;
      std::string text;
      PrintValue(*columns[1], i, text);
      for (const RowFailure& failure : failures) {
        if (failure.row == i) text = "error " + failure.code + ": " + failure.message;
      }
      return text;
    }
    return "no such group";
  }
  GroupTable& table() { return table_; }

 private:
  const Bound& bound_;
  GroupTable table_;
};

constexpr const char* kTooLarge =
    "error 54000: the rows that an aggregate keeps for this group would be larger than 1 GiB";

const char* const kCalls[] = {"string_agg(x, ', ')",
                              "string_agg(x, ', ' ORDER BY x DESC)",
                              "array_agg(x)",
                              "array_agg(DISTINCT x)",
                              "jsonb_agg(x)",
                              "count(DISTINCT x)",
                              "percentile_disc(0.5) WITHIN GROUP (ORDER BY x)",
                              "mode() WITHIN GROUP (ORDER BY x)"};

TEST_CASE("a group that keeps too much fails, others and those of it that fit do not") {
  for (const char* sql : kCalls) {
    CAPTURE(std::string(sql));
    for (const bool retracting : {false, true}) {
      CAPTURE(retracting);
      const Bound limited(sql, kLimit, retracting);
      const Bound free(sql, AggregateTypes().largest, retracting);
      Groups groups(limited);
      Groups expected(free);
      for (Groups* g : {&groups, &expected}) {
        g->Change(Values("large", 0, 2));
        g->Change(Values("small", 0, 8));
        g->Change(Values("large", 2, 8));
      }
      CHECK(groups.Result("small") == expected.Result("small"));
      CHECK(groups.Result("large") == expected.Result("large"));
      groups.Change(Values("large", 8, 200));
      CHECK(groups.Result("small") == expected.Result("small"));
      CHECK(groups.Result("large") == kTooLarge);
      // Nothing more is kept of it.
      const size_t before = groups.table().MemoryBytes();
      for (int i = 0; i < 20; ++i) groups.Change(Values("large", 200 + 100 * i, 300 + 100 * i));
      CHECK(groups.table().MemoryBytes() < before + 60'000);
      // It stays so when it is saved, or joined with others.
      Groups loaded(limited);
      loaded.table().Load(groups.table().Save(groups.table().keys().Live()), 2);
      CHECK(loaded.Result("large") == kTooLarge);
      CHECK(loaded.Result("small") == expected.Result("small"));
      Groups merged(limited);
      merged.Change(Values("large", 0, 1));
      merged.table().Merge(groups.table());
      CHECK(merged.Result("large") == kTooLarge);
      CHECK(merged.Result("small") == expected.Result("small"));
      // A new group of that name starts anew.
      std::vector<uint32_t> live = groups.table().keys().Live();
      groups.table().Erase(live[0]);
      groups.Change(Values("large", 0, 8));
      CHECK(groups.Result("large") == expected.Result("large"));
    }
  }
}

// It has not seen all rows, so what is left of them must not pass for the whole.
TEST_CASE("a group that kept too much does not come back when rows are taken back") {
  for (const char* sql : kCalls) {
    CAPTURE(std::string(sql));
    const Bound limited(sql, kLimit, true);
    Groups groups(limited);
    groups.Change(Values("large", 0, 300));
    groups.Change(Values("large", 1, 300), true);
    CHECK(groups.Result("large") == kTooLarge);
    Groups loaded(limited);
    loaded.table().Load(groups.table().Save({0}), 1);
    CHECK(loaded.Result("large") == kTooLarge);
  }
}

TEST_CASE("groups are taken as many at a time as fit into a column") {
  for (const char* sql : kCalls) {
    CAPTURE(std::string(sql));
    const Bound limited(sql, kLimit, false);
    Groups groups(limited);
    for (int i = 0; i < 40; ++i) groups.Change(Values("g" + std::to_string(i), i, i + 2));
    const std::vector<uint32_t> live = groups.table().keys().Live();
    const int64_t first = groups.table().Fitting(live.data(), 40);
    CHECK(first > 0);
    CHECK(first < 20);
    CHECK(groups.table().Fitting(live.data(), 1) == 1);
    CHECK(groups.table().Fitting(live.data(), 0) == 0);
  }
  const Bound plain("max(x)", kLimit, false);
  Groups groups(plain);
  for (int i = 0; i < 40; ++i) groups.Change(Values("g" + std::to_string(i), i, i + 2));
  const std::vector<uint32_t> live = groups.table().keys().Live();
  CHECK(groups.table().Fitting(live.data(), 40) == 40);
}

}  // namespace
}  // namespace streamrun
