// Results that are too large for one batch leave in several, each with its own window's bounds.
#include "core/window/result_writer.h"

#include <doctest/doctest.h>

#include <map>

#include "core/data/column_builder.h"

namespace streamrun {
namespace {

class Caught final : public Output {
 public:
  void Emit(int, BatchPtr batch) override { batches.push_back(std::move(batch)); }
  void Fail(const BatchPtr&, std::vector<RowFailure>) override { FAIL("no row fails here"); }
  void FailResult(const BatchPtr& rows, std::vector<RowFailure> failures) override {
    for (const RowFailure& failure : failures)
      failed.push_back(rows->column(2)->values<int64_t>()[failure.row]);
  }
  void Count(Fate, int64_t) override {}

  std::vector<BatchPtr> batches;
  std::vector<int64_t> failed;  // keys
};

// array_agg of texts by a number, of which a group may keep 2000 bytes.
AggregationPlan MakePlan(bool changes) {
  AggregationPlan plan;
  plan.window.kind = WindowSpec::Kind::kSession;
  plan.input =
      std::make_shared<const Schema>(std::vector<Field>{{"k", TypeId::kBigint}, {"x", TypeId::kText}});
  const Scope scope(plan.input);
  ExprProblem problem;
  plan.keys = {*BindExpression("k", scope, &problem)};
  plan.key_types = {TypeId::kBigint};
  std::vector<Field> fields = {
      {"ws", TypeId::kTimestamp}, {"we", TypeId::kTimestamp}, {"k", TypeId::kBigint}};
  plan.groups = std::make_shared<const Schema>(fields);
  SelectBinder binder(scope, plan.groups);
  plan.select = {binder.Bind("array_agg(x)", &problem)};
  fields.push_back({"all", plan.select[0]->type()});
  plan.calls = binder.calls();
  plan.calls[0].types.largest = 2000;
  Schema output(fields);
  output.changes = changes;
  plan.output = std::make_shared<const Schema>(std::move(output));
  return plan;
}

// 30 groups of 90 bytes and more; that of key 7 keeps too much.
GroupTable MakeGroups(const AggregationPlan& plan) {
  ColumnBuilder k{DataType(TypeId::kBigint)}, x{DataType(TypeId::kText)};
  for (int64_t key = 0; key < 30; ++key) {
    for (int row = 0; row < (key == 7 ? 100 : 2); ++row) {
      k.Append(key);
      x.AppendText(std::string(40, 'x') + std::to_string(key));
    }
  }
  GroupTable table(plan.key_types, plan.calls);
  GroupInput input(plan.keys, plan.calls, Env::Default());
  const int64_t rows = k.length();
  std::vector<ColumnPtr> columns{k.Finish(), x.Finish()};
  std::vector<RowFailure> failures;
  input.Evaluate(std::make_shared<const Batch>(plan.input, rows, std::move(columns)), table.keys(),
                 &failures);
  std::vector<uint32_t> slots;
  table.Add(input, nullptr, rows, &slots);
  return table;
}

TEST_CASE("large results leave in several batches, and a group that is too large by errors") {
  for (const bool changes : {false, true}) {
    CAPTURE(changes);
    const AggregationPlan plan = MakePlan(changes);
    const GroupTable table = MakeGroups(plan);
    ResultWriter writer(plan, Env::Default());
    Changelog shown(plan.output, plan.groups->size());
    Caught out;
    const std::vector<uint32_t> slots = table.keys().Live();
    std::vector<int64_t> starts, ends;
    for (const uint32_t slot : slots) {
      starts.push_back(1000 + slot);
      ends.push_back(2000 + slot);
    }
    const std::vector<ColumnPtr> bounds = writer.rows().Bounds(starts, ends);
    changes ? writer.Show(table, slots, bounds, shown, out) : writer.Give(table, slots, bounds, out);
    while (writer.ready()) writer.Emit(out);
    CHECK(out.batches.size() > 4);
    std::map<int64_t, std::string> rows;
    for (const BatchPtr& batch : out.batches) {
      for (int64_t row = 0; row < batch->rows(); ++row) {
        const int64_t key = batch->column(2)->values<int64_t>()[row];
        CHECK(batch->column(0)->values<int64_t>()[row] == 1000 + key);
        CHECK(batch->column(1)->values<int64_t>()[row] == 2000 + key);
        const auto* offsets = batch->column(3)->values<int32_t>();
        CHECK(offsets[row + 1] - offsets[row] == 2);
        CHECK(rows.emplace(key, batch->column(3)->child()->Text(offsets[row])).second);
      }
    }
    CHECK(rows.size() == 29);
    for (const auto& row : rows) CHECK(row.second == std::string(40, 'x') + std::to_string(row.first));
    CHECK(out.failed == std::vector<int64_t>{7});
  }
}

}  // namespace
}  // namespace streamrun
