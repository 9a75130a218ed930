#include "core/window/aggregation_state.h"

#include <algorithm>

#include "core/data/column_builder.h"
#include "core/expr/canonical_text.h"

namespace streamrun {

namespace {

SchemaPtr KeySchema(const AggregationPlan& plan) {
  const auto& fields = plan.groups->fields();
  return std::make_shared<const Schema>(
      std::vector<Field>(fields.begin() + static_cast<std::ptrdiff_t>(plan.bounds()), fields.end()));
}

// Where the plan's keys stand among the columns of a shown row, and behind them the bounds.
std::vector<size_t> ShownOrder(const AggregationPlan& plan) {
  const size_t bounds = plan.bounds();
  const size_t keys = plan.key_types.size();
  std::vector<size_t> order;
  for (size_t i = 0; i < keys; ++i) order.push_back(bounds + i);
  for (size_t i = 0; i < bounds; ++i) order.push_back(i);
  for (size_t i = bounds + keys; i < static_cast<size_t>(plan.output->size()); ++i) order.push_back(i);
  return order;
}

}  // namespace

StateShape GroupState(const AggregationPlan& plan) {
  std::vector<Field> value;
  std::map<int, ColumnPtr> open;
  switch (plan.window.kind) {
    case WindowSpec::Kind::kSession:
      open.emplace(0, nullptr);  // a session is saved with its number since it is told what changes of them
      for (const char* name : {"serial", "first", "last", "shown_start", "shown_end"}) {
        value.push_back({name, TypeId::kBigint});
      }
      value.push_back({"touched", TypeId::kBoolean});
      value.push_back({"fired", TypeId::kBoolean});
      break;
    case WindowSpec::Kind::kCount:
      value.push_back({"pane", TypeId::kBigint});
      break;
    default:
      value = {{"slice", TypeId::kBigint}, {"touched", TypeId::kBoolean}, {"touched_at", TypeId::kBigint}};
  }
  for (const AggregateCall& call : plan.calls) AddCallState(call.text, call, &value, &open);
  StateShape shape = MakeState("groups", KeySchema(plan), std::move(value), std::move(open));
  shape.IdentifyByKeyAnd(1);         // slice, serial or pane
  shape.version = shape.oldest = 2;  // 1 told calls by their place
  return shape;
}

void AddCallState(const std::string& text, const AggregateCall& call, std::vector<Field>* value,
                  std::map<int, ColumnPtr>* open) {
  const std::vector<ColumnPtr> empty = call.EmptyState();
  const std::vector<DataType> types = call.StateTypes();
  for (size_t i = 0; i < types.size(); ++i) {
    open->emplace(static_cast<int>(value->size()), empty[i]);
    value->push_back({i == 0 ? text : text + " #" + std::to_string(i + 1), types[i]});
  }
}

StateShape ShownState(const AggregationPlan& plan) {
  std::vector<Field> value;
  if (plan.windowed())
    value = {{"window_start", plan.output->field(0).type}, {"window_end", plan.output->field(1).type}};
  for (const ExpressionPtr& result : plan.select) {
    value.push_back({CanonicalText(result->text()), result->type()});
  }
  StateShape shape =
      MakeState("shown", KeySchema(plan), std::move(value), OpenColumns(plan.bounds(), plan.select.size()));
  shape.IdentifyByKeyAnd(static_cast<int>(plan.bounds()));
  shape.version = shape.oldest = 2;  // 1 told results by their names
  return shape;
}

StateShape CountState(const AggregationPlan& plan) {
  StateShape shape =
      MakeState("counts", KeySchema(plan), {{"rows", TypeId::kBigint}, {"touched_at", TypeId::kBigint}});
  shape.IdentifyByKeyAnd(0);
  return shape;
}

std::vector<StateShape> StatesOf(const AggregationPlan& plan) {
  std::vector<StateShape> shapes{GroupState(plan)};
  if (plan.window.kind == WindowSpec::Kind::kCount) {
    shapes.push_back(CountState(plan));
    shapes.push_back(TimeState());
    return shapes;
  }
  shapes.push_back(TimeState());
  if (plan.gives_changes()) shapes.push_back(ShownState(plan));
  return shapes;
}

BatchPtr ToShownState(const AggregationPlan& plan, const SchemaPtr& schema, const BatchPtr& rows) {
  std::vector<ColumnPtr> columns;
  for (const size_t i : ShownOrder(plan)) columns.push_back(rows->columns()[i]);
  return std::make_shared<const Batch>(schema, rows->rows(), std::move(columns));
}

BatchPtr FromShownState(const AggregationPlan& plan, const BatchPtr& rows) {
  const std::vector<size_t> order = ShownOrder(plan);
  std::vector<ColumnPtr> columns(order.size());
  for (size_t i = 0; i < order.size(); ++i) columns[order[i]] = rows->columns()[i];
  return std::make_shared<const Batch>(plan.output, rows->rows(), std::move(columns));
}

BatchPtr ShownRemoval(const AggregationPlan& plan, std::vector<ColumnPtr> first, int64_t rows) {
  const std::vector<size_t> order = ShownOrder(plan);
  std::vector<int> columns;
  for (size_t i = 0; i < first.size(); ++i) {
    columns.push_back(static_cast<int>(std::find(order.begin(), order.end(), i) - order.begin()));
  }
  return ShownState(plan).Removal(columns, std::move(first), rows);
}

ColumnPtr BigintColumn(const std::vector<int64_t>& values, DataType type) {
  BufferBuilder buffer;
  buffer.Append(values.data(), values.size() * sizeof(int64_t));
  return std::make_shared<const Column>(std::move(type), static_cast<int64_t>(values.size()), 0, nullptr,
                                        buffer.Finish());
}

ColumnPtr BooleanColumn(const std::vector<bool>& values) {
  ColumnBuilder builder{DataType(TypeId::kBoolean)};
  for (const bool value : values) builder.AppendBool(value);
  return builder.Finish();
}

}  // namespace streamrun
