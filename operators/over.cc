// over: columns from the rows before and behind a row of its key.
#include "core/window/over.h"

#include <algorithm>

#include "core/component/key_list.h"
#include "core/component/registry.h"
#include "core/component/state_facts.h"
#include "core/component/state_limit.h"
#include "core/window/row_times.h"

namespace streamrun {
namespace {

struct Config : StateLimit {
  ConfigValue by;
  std::vector<NamedSql> set;
  Duration reset_after = 0;
};

class BoundOver final : public BoundOperator {
 public:
  explicit BoundOver(std::shared_ptr<const OverPlan> plan) : plan_(std::move(plan)) {}

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    const SequencePlan& sequence = plan_->sequence;
    std::vector<bool> needed(static_cast<size_t>(sequence.input->size()), false);
    const auto read = [&](const std::vector<ExpressionPtr>& expressions) {
      for (const ExpressionPtr& expression : expressions) {
        for (const int column : expression->columns()) {
          if (static_cast<size_t>(column) < needed.size()) needed[static_cast<size_t>(column)] = true;
        }
      }
    };
    for (size_t c = 0; c < needed.size(); ++c)
      needed[c] = wanted[0][c] || (wanted.size() > 1 && wanted[1][c]);
    read(sequence.by);
    read(sequence.checked);
    read(plan_->set);
    needed[static_cast<size_t>(sequence.input->event_time)] = true;
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return MakeOver(plan_); }

 private:
  std::shared_ptr<const OverPlan> plan_;
};

// What the calls compute from a row alone.
std::vector<ExpressionPtr> ArgumentsOf(const std::vector<OverCall>& calls) {
  std::vector<ExpressionPtr> all;
  const auto add = [&](const ExpressionPtr& expression) {
    if (expression) all.push_back(expression);
  };
  for (const OverCall& call : calls) {
    add(call.arg);
    add(call.fallback);
    add(call.aggregate.filter);
    for (const ExpressionPtr& arg : call.aggregate.args) add(arg);
  }
  return all;
}

bool BindSet(const Config& config, const Scope& scope, BindContext& context, OverPlan* plan,
             std::vector<Field>* fields) {
  OverBinder binder(scope);
  bool fine = true;
  for (const NamedSql& named : config.set) {
    ExprProblem problem;
    ExpressionPtr expression = binder.Bind(named.expression.text, &problem);
    if (!expression) {
      context.Report(named.expression, problem);
      fine = false;
      continue;
    }
    const auto same = [&](const Field& field) { return field.name == named.name(); };
    if (std::any_of(fields->begin(), fields->end(), same)) {
      context.diagnostics().ErrorAt(named.key, "over.duplicate_column",
                                    "column '" + named.name() + "' would be there twice",
                                    "choose another name");
      fine = false;
    }
    fields->push_back({named.name(), expression->type()});
    plan->set.push_back(std::move(expression));
  }
  plan->calls = binder.calls();
  return fine;
}

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  auto plan = std::make_shared<OverPlan>();
  SequencePlan& sequence = plan->sequence;
  const SchemaPtr& input = context.inputs[0];
  const Scope scope(input);
  if (input->event_time < 0) {
    context.diagnostics().ErrorAt(context.config(), "plan.no_event_time",
                                  "'over' goes by event time, but the input has none",
                                  "give the source event_time: {column: ...}");
    return nullptr;
  }
  KeyList by;
  std::vector<Field> fields = input->fields();
  const bool keys = ReadKeys(config.by, "by", scope, context, &by);
  if (!BindSet(config, scope, context, plan.get(), &fields) || !keys || !CheckStateLimit(config, context)) {
    return nullptr;
  }
  sequence.input = input;
  sequence.by = by.expressions;
  sequence.by_schema = by.schema;
  sequence.checked = ArgumentsOf(plan->calls);
  sequence.silence = config.reset_after;
  sequence.max_state = config.fails_above();
  sequence.late = LateSchema(*input);
  Schema output(std::move(fields));
  output.event_time = input->event_time;
  output.window_start = input->window_start;
  output.window_end = input->window_end;
  sequence.output = std::make_shared<const Schema>(std::move(output));

  auto bound = std::make_shared<BoundOver>(plan);
  bound->ports = {{"ok", PortRole::kData, "Rows with their new columns."},
                  {"late", PortRole::kError, "Rows that came behind the watermark."}};
  bound->outputs = {sequence.output, sequence.late};
  bound->exchanges = {{sequence.by.empty() ? Exchange::Kind::kSingle : Exchange::Kind::kHash, sequence.by}};
  bound->states = OverStates(*plan);
  bound->facts = {
      KeysFact("by", sequence.by), TimeFact(*input), {"reset_after", PrintDuration(sequence.silence)}};
  for (const OverCall& call : plan->calls) {
    if (call.kind == OverCall::Kind::kAggregate && !call.aggregate.args.empty()) {
      bound->facts.push_back(ArgumentsFact(call.text, call.aggregate));
    }
  }
  bound->can_fail = true;
  bound->spill_above = config.spills_above();
  bound->preserves_order = false;
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Raw("by", &Config::by,
           "Columns (or expressions): rows equal in all of them see each other. Without: all.");
  spec.ExpressionMap("set", &Config::set,
                     "New columns, `name: expression`. Beside the row's own columns an expression may use "
                     "lag(x[, rows[, "
                     "default]]), lead(x[, rows[, default]]), first_value(x), row_number(), and aggregates "
                     "over the rows "
                     "up to this one: sum(x), count(*), max(x) FILTER (WHERE ...).")
      .Required();
  spec.DurationField("reset_after", &Config::reset_after,
                     "A row this long after the one before it of its key sees none before it; 0: never. It "
                     "bounds the state, and how long a row waits for lead.")
      .AtLeast(0);
  AddStateLimit(spec);

  OperatorDefinition d;
  d.name = "over";
  d.summary = "Adds columns from the rows before and behind a row of its key: lag, lead, running values.";
  d.description =
      "What SQL writes as OVER (PARTITION BY by ORDER BY event time ROWS UNBOUNDED PRECEDING). Rows wait "
      "until "
      "the watermark passes them; rows of one time keep the order in which they came, and each counts by "
      "itself. With lead a row waits on until the rows that it looks at have come, the key is reset, or the "
      "input has ended. A row that comes behind the watermark leaves by `late`.\n\n"
      "Without `reset_after` what is known of a key is kept for ever.";
  d.guarantee = "Rows of a key leave in order of event time; without lead, all rows do.";
  d.ports = {{"late", PortRole::kError, "Rows that came behind the watermark, with `late_by`."}};
  d.example = R"(pipeline: price-steps
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, price: bigint, date_time: timestamp}
    event_time: {column: date_time, out_of_order: 2s}
operators:
  steps:
    operator: over
    input: bids
    on_error: dead_letter
    by: [auction]
    set:
      step: price - lag(price)
      dearest: max(price)
      number: row_number()
sinks:
  out: {connector: stdout, input: steps, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(over, Define());

}  // namespace
}  // namespace streamrun
