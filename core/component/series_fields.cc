#include "core/component/series_fields.h"

#include "core/component/key_list.h"
#include "core/component/state_facts.h"
#include "core/expr/canonical_text.h"
#include "core/window/row_times.h"

namespace streamrun {

namespace {

class BoundSeries final : public BoundOperator {
 public:
  explicit BoundSeries(SeriesPlanPtr plan) : plan_(std::move(plan)) {}

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    const auto columns = static_cast<size_t>(plan_->input->size());
    std::vector<bool> needed(wanted[0].begin(), wanted[0].begin() + static_cast<std::ptrdiff_t>(columns));
    const auto read = [&](const Expression& expression) {
      for (const int column : expression.columns()) needed[static_cast<size_t>(column)] = true;
    };
    for (const ExpressionPtr& key : plan_->keys) read(*key);
    read(*plan_->value);
    needed[static_cast<size_t>(plan_->time_column)] = true;
    // Late rows go on as they came.
    for (size_t c = 0; wanted.size() > 1 && c < columns; ++c) needed[c] = needed[c] || wanted[1][c];
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return MakeSeriesOperator(plan_); }

 private:
  SeriesPlanPtr plan_;
};

bool AddResults(const std::vector<SeriesResult>& results, BindContext& context, std::vector<Field>* fields) {
  bool fine = true;
  for (const SeriesResult& result : results) {
    for (const Field& field : *fields) {
      if (field.name != result.name) continue;
      context.diagnostics().ErrorAt(result.where, "series.duplicate_column",
                                    "column '" + result.name + "' would be there twice",
                                    "choose another name");
      fine = false;
      break;
    }
    fields->push_back({result.name, TypeId::kDouble});
  }
  return fine;
}

}  // namespace

std::shared_ptr<SeriesPlan> ReadSeries(const SeriesFields& fields, const std::vector<SeriesResult>& results,
                                       BindContext& context) {
  auto plan = std::make_shared<SeriesPlan>();
  const SchemaPtr& input = context.inputs[0];
  const Scope scope(input);
  plan->input = input;
  plan->time_column = input->event_time;
  plan->time_bias = input->event_time_bias();
  plan->ttl = fields.ttl;
  bool fine = true;
  if (input->event_time < 0) {
    context.diagnostics().ErrorAt(context.config(), "plan.no_event_time",
                                  "a time series goes by event time, but the input has none",
                                  "give the source event_time: {column: ...}");
    fine = false;
  }
  KeyList keys;
  fine &= ReadKeys(fields.by, "by", scope, context, &keys);
  plan->keys = keys.expressions;
  plan->key_types = keys.types();
  plan->key_schema = keys.schema;
  plan->value = context.BindAs(fields.value, scope, TypeId::kDouble);
  std::vector<Field> columns = input->fields();
  fine &= AddResults(results, context, &columns);
  if (!fine || plan->value == nullptr) return nullptr;
  Schema output(std::move(columns));
  output.event_time = input->event_time;
  output.window_start = input->window_start;
  output.window_end = input->window_end;
  plan->output = std::make_shared<const Schema>(std::move(output));
  plan->late = LateSchema(*input);
  return plan;
}

std::shared_ptr<const BoundOperator> BindSeries(SeriesPlanPtr plan, const std::string& ok_help,
                                                StateFact method) {
  auto bound = std::make_shared<BoundSeries>(plan);
  bound->ports = {{"ok", PortRole::kData, ok_help}, SeriesPorts()[0]};
  bound->outputs = {plan->output, plan->late};
  bound->exchanges = {{plan->keys.empty() ? Exchange::Kind::kSingle : Exchange::Kind::kHash, plan->keys}};
  bound->states = SeriesStates(*plan);
  bound->facts = {KeysFact("by", plan->keys),
                  {"value", CanonicalText(plan->value->text())},
                  TimeFact(*plan->input),
                  std::move(method)};
  bound->can_fail = true;
  bound->preserves_order = false;
  return bound;
}

std::vector<PortSpec> SeriesPorts() {
  return {{"late", PortRole::kError, "Rows that came behind the watermark, with `late_by`."}};
}

}  // namespace streamrun
