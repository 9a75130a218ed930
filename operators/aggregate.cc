// aggregate: one result row for each group of rows, in windows or over everything.
#include <algorithm>

#include "core/component/registry.h"
#include "core/component/state_facts.h"
#include "core/component/state_limit.h"
#include "core/component/window_field.h"
#include "core/window/aggregation_state.h"
#include "core/window/count_aggregation.h"
#include "core/window/pre_aggregation.h"
#include "core/window/row_times.h"
#include "core/window/session_aggregation.h"
#include "core/window/time_aggregation.h"

namespace streamrun {
namespace {

struct Config : StateLimit {
  ConfigValue window;
  ConfigValue group_by;
  std::vector<NamedSql> select;
  Sql having;
  ConfigValue emit;
  Duration allowed_lateness = 0;
  Duration ttl = 0;
};

class BoundAggregate final : public BoundOperator {
 public:
  BoundAggregate(AggregationPlanPtr plan, std::vector<std::vector<int>> columns)
      : plan_(std::move(plan)), columns_(std::move(columns)) {}

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed(static_cast<size_t>(plan_->input->size()), false);
    for (const std::vector<int>& columns : columns_) {
      for (const int column : columns) needed[static_cast<size_t>(column)] = true;
    }
    if (plan_->time_column >= 0) needed[static_cast<size_t>(plan_->time_column)] = true;
    if (plan_->ttl > 0 && plan_->ttl_by_event_time) {
      needed[static_cast<size_t>(plan_->input->event_time)] = true;
    }
    // Late rows go on as they came.
    if (plan_->late && wanted.size() > 1) {
      for (size_t i = 0; i < needed.size(); ++i) needed[i] = needed[i] || wanted[1][i];
    }
    return needed;
  }
  std::unique_ptr<Operator> Create() const override {
    switch (plan_->window.kind) {
      case WindowSpec::Kind::kSession:
        return MakeSessionAggregation(plan_);
      case WindowSpec::Kind::kCount:
        return MakeCountAggregation(plan_);
      default:
        return MakeTimeAggregation(plan_);
    }
  }
  std::unique_ptr<Operator> CreateCombiner() const override { return MakePreAggregation(plan_, partial); }
  std::unique_ptr<Operator> CreateMerger() const override { return MakeTimeMerger(plan_); }

 private:
  AggregationPlanPtr plan_;
  std::vector<std::vector<int>> columns_;  // read by each expression
};

// Reads the configuration into a plan, one part after the other; every problem is reported.
class PlanBuilder {
 public:
  PlanBuilder(const Config& config, BindContext& context)
      : config_(config), context_(context), input_(context.inputs[0]), scope_(input_) {
    plan_->input = input_;
  }

  std::shared_ptr<const BoundOperator> Build() {
    bool fine = ReadWindowAndTime();
    fine &= ReadEmit();
    fine &= ReadGroups();
    if (!fine || !ReadLimits()) return nullptr;
    plan_->groups = GroupSchema();
    fine = ReadSelect();
    if (!fine) return nullptr;
    plan_->output = OutputSchema();
    return Bound();
  }

 private:
  Diagnostics& diagnostics() { return context_.diagnostics(); }

  bool ReadWindowAndTime() {
    if (config_.window.present() && !ReadWindow(config_.window, &plan_->window, diagnostics())) return false;
    const bool count = plan_->window.kind == WindowSpec::Kind::kCount;
    plan_->allowed_lateness = config_.allowed_lateness;
    if (config_.allowed_lateness > 0 && (!plan_->windowed() || count || plan_->window.processing_time)) {
      return Refuse("allowed_lateness", "aggregate.lateness",
                    "nothing is late " + std::string(!plan_->windowed() ? "without a window"
                                                     : count            ? "in windows that count rows"
                                                                        : "in processing time"),
                    "leave it out");
    }
    if (!plan_->windowed()) return true;
    if (count) {
      time_type_ = TypeId::kBigint;
      return true;
    }
    if (plan_->window.processing_time) {
      time_type_ = TypeId::kTimestamptz;
      return true;
    }
    return ReadEventTime();
  }

  bool ReadEventTime() {
    plan_->time_column = input_->event_time;
    if (plan_->time_column < 0) {
      diagnostics().ErrorAt(config_.window, "plan.no_event_time",
                            "the window goes by event time, but the input has none",
                            "give the source event_time: {column: ...}, or write time: processing");
      return false;
    }
    plan_->time_bias = input_->event_time_bias();
    time_type_ = input_->field(plan_->time_column).type;
    if (plan_->window.zone && time_type_.id() == TypeId::kTimestamp) {
      diagnostics().ErrorAt(config_.window["zone"], "window.zone",
                            "a timestamp without time zone has no zone", "declare the column as timestamptz");
      return false;
    }
    return true;
  }

  // False after reporting at one of the operator's own fields.
  bool Refuse(std::string_view field, std::string code, std::string message, std::string suggestion) {
    diagnostics().ErrorAt(context_.config()[field], std::move(code), std::move(message),
                          std::move(suggestion));
    return false;
  }

  bool ReadEmit() {
    using Emit = AggregationPlan::Emit;
    const ConfigValue& v = config_.emit;
    if (v.present() && plan_->window.kind == WindowSpec::Kind::kCount) {
      return Refuse("emit", "aggregate.count_emit",
                    "windows that count rows are given when they are complete", "leave 'emit' out");
    }
    if (!v.present()) {
      // Without windows a stream that never ends would never give anything.
      plan_->emit = plan_->windowed() || context_.bounded ? Emit::kOnClose : Emit::kOnUpdate;
      return true;
    }
    std::string text;
    if (!ReadText(v, "emit", &text, diagnostics())) return false;
    if (text == "on_close" || text == "on_update") {
      plan_->emit = text == "on_close" ? Emit::kOnClose : Emit::kOnUpdate;
      return true;
    }
    if (text.starts_with("every ")) {
      plan_->emit = Emit::kEvery;
      const ConfigValue duration = ConfigValue::Scalar(text.substr(6), false, v.mark());
      if (!ReadDuration(duration, "emit", &plan_->every, diagnostics())) return false;
      if (plan_->every > 0) return true;
    }
    diagnostics().ErrorAt(v, "config.choice",
                          "'emit' is on_close, on_update or every and a duration, not '" + text + "'",
                          "write emit: every 5s");
    return false;
  }

  // Limits of state, and a warning where nothing limits it.
  bool ReadLimits() {
    plan_->ttl = config_.ttl;
    plan_->max_state = config_.fails_above();
    if (!CheckStateLimit(config_, context_)) return false;
    plan_->ttl_by_event_time = input_->event_time >= 0;
    const bool count = plan_->window.kind == WindowSpec::Kind::kCount;
    if (plan_->ttl > 0 && plan_->windowed() && !count) {
      return Refuse("ttl", "aggregate.ttl", "a window of time ends by itself",
                    "leave 'ttl' out; `allowed_lateness` says how long a window is kept");
    }
    if (plan_->ttl > 0 && !plan_->windowed() && plan_->emit == AggregationPlan::Emit::kOnClose) {
      return Refuse("ttl", "aggregate.ttl",
                    "groups that are given at the end of the input cannot be forgotten before",
                    "leave 'ttl' out, or write emit: on_update");
    }
    const bool grows = (!plan_->windowed() || count) && !plan_->keys.empty() && !context_.bounded;
    if (grows && plan_->ttl == 0 && config_.max_state == 0) {
      diagnostics().WarningAt(config_.group_by, "state.unbounded",
                              "groups are kept for ever: the state can only grow",
                              "add ttl: 1d to forget groups without rows, or max_state: 2GiB to end there");
    }
    return true;
  }

  // What rows that are taken back ask for.
  bool ReadChanges(SelectBinder& binder) {
    if (!input_->changes) return true;
    using Kind = WindowSpec::Kind;
    if (plan_->window.kind == Kind::kSession || plan_->window.kind == Kind::kCount) {
      diagnostics().ErrorAt(config_.window, "aggregate.changes",
                            "a row that is taken back could tear these windows apart",
                            "use tumbling, sliding or cumulative windows over changes");
      return false;
    }
    ExprProblem problem;
    const ExpressionPtr rows = binder.Bind("count(*)", &problem);
    if (!rows) return context_.Report({"count(*)", config_.group_by}, problem) != nullptr;
    plan_->row_count = rows->column() - plan_->groups->size();
    return true;
  }

  // Every aggregate of a select item over changes can take rows back.
  bool CheckRetracts(const Sql& sql, const std::vector<AggregateCall>& calls, size_t from) {
    if (!input_->changes) return true;
    for (size_t i = from; i < calls.size(); ++i) {
      if (calls[i].can_retract()) continue;
      diagnostics().ErrorAt(sql.value, "aggregate.no_retract",
                            "the input gives changes, and " + std::string(calls[i].function->signature.name) +
                                " cannot take rows back",
                            "use another function, or aggregate before the changes");
      return false;
    }
    return true;
  }

  // A list of columns and {name: expression}, or a mapping of those.
  bool ReadGroups() {
    const ConfigValue& v = config_.group_by;
    bool fine = true;
    if (v.is_scalar()) {
      fine = AddGroup(nullptr, v);
    } else if (v.is_map()) {
      for (const auto& [name, expression] : v.entries()) fine &= AddGroup(&name, expression);
    } else if (v.is_list()) {
      for (const ConfigValue& item : v.items()) {
        if (!item.is_map()) {
          fine &= AddGroup(nullptr, item);
          continue;
        }
        for (const auto& [name, expression] : item.entries()) fine &= AddGroup(&name, expression);
      }
    } else if (v.present()) {
      diagnostics().ErrorAt(v, "config.type", "'group_by' takes a list of columns", "write group_by: [a, b]");
      return false;
    }
    return fine;
  }

  bool AddGroup(const ConfigValue* name, const ConfigValue& expression) {
    Sql sql;
    if (!ReadSql(expression, "group_by", &sql, diagnostics())) return false;
    ExpressionPtr key = context_.Bind(sql, scope_);
    if (!key || !context_.CheckRepeatable(sql, *key, *input_)) return false;
    if (name == nullptr && key->column() < 0) {
      diagnostics().ErrorAt(expression, "aggregate.unnamed_group", "a group that is computed needs a name",
                            "write group_by: {name: " + sql.text + "}");
      return false;
    }
    const std::string column = name ? name->text() : input_->field(key->column()).name;
    plan_->key_types.push_back(key->type());
    plan_->keys.push_back(std::move(key));
    return AddName(name ? *name : expression, column) &&
           (group_fields_.push_back({column, plan_->key_types.back()}), true);
  }

  bool AddName(const ConfigValue& where, const std::string& name) {
    const WindowSpec& spec = plan_->window;
    const bool window = plan_->windowed() && (name == spec.start_name || name == spec.end_name);
    if (!window && std::find(names_.begin(), names_.end(), name) == names_.end()) {
      names_.push_back(name);
      return true;
    }
    diagnostics().ErrorAt(where, "aggregate.duplicate_column", "column '" + name + "' would be there twice",
                          window ? "the bounds of the window are called " + spec.start_name + " and " +
                                       spec.end_name + "; rename them with window: {..., as: [from, to]}"
                                 : "choose another name");
    return false;
  }

  SchemaPtr GroupSchema() const {
    std::vector<Field> fields;
    if (plan_->windowed()) {
      fields.push_back({plan_->window.start_name, time_type_});
      fields.push_back({plan_->window.end_name, time_type_});
    }
    fields.insert(fields.end(), group_fields_.begin(), group_fields_.end());
    return std::make_shared<const Schema>(std::move(fields));
  }

  bool ReadSelect() {
    SelectBinder binder(scope_, plan_->groups);
    binder.set_event_time(input_->event_time);
    bool fine = true;
    for (const NamedSql& named : config_.select) {
      ExprProblem problem;
      const size_t known = binder.calls().size();
      ExpressionPtr expression = binder.Bind(named.expression.text, &problem);
      if (!expression) {
        context_.Report(named.expression, problem);
        fine = false;
        continue;
      }
      fine &= CheckRetracts(named.expression, binder.calls(), known);
      fine &= AddName(named.key, named.name());
      select_fields_.push_back({named.name(), expression->type()});
      plan_->select.push_back(std::move(expression));
    }
    if (config_.having.present()) fine &= ReadHaving(binder);
    fine = fine && ReadChanges(binder);
    plan_->calls = binder.calls();
    return fine;
  }

  bool ReadHaving(SelectBinder& binder) {
    ExprProblem problem;
    const size_t known = binder.calls().size();
    plan_->having = binder.Bind(config_.having.text, &problem);
    if (!plan_->having) {
      context_.Report(config_.having, problem);
      return false;
    }
    if (!CheckRetracts(config_.having, binder.calls(), known)) return false;
    if (plan_->having->type().id() == TypeId::kBoolean) return true;
    diagnostics().ErrorAt(config_.having.value, "expr.type",
                          "'having' must be of type boolean, not " + plan_->having->type().ToString(),
                          "compare it with something");
    return false;
  }

  SchemaPtr OutputSchema() const {
    std::vector<Field> fields = plan_->groups->fields();
    fields.insert(fields.end(), select_fields_.begin(), select_fields_.end());
    Schema schema(std::move(fields));
    if (plan_->windowed() && plan_->window.kind != WindowSpec::Kind::kCount) {
      schema.window_start = 0;
      schema.window_end = 1;
      schema.event_time = 1;
    }
    schema.changes = plan_->emit != AggregationPlan::Emit::kOnClose || plan_->allowed_lateness > 0;
    return std::make_shared<const Schema>(std::move(schema));
  }

  std::shared_ptr<const BoundOperator> Bound() {
    std::vector<std::vector<int>> columns;
    const bool by_event_time = plan_->time_column >= 0;
    bool can_fail = by_event_time;
    const auto read = [&](const ExpressionPtr& e) {
      columns.push_back(e->columns());
      can_fail |= e->can_fail();
    };
    for (const ExpressionPtr& key : plan_->keys) read(key);
    for (const AggregateCall& call : plan_->calls) {
      for (const ExpressionPtr& input : call.Inputs()) read(input);
      if (call.filter) read(call.filter);
    }
    // Sums may overflow.
    can_fail |= !plan_->calls.empty();
    if (by_event_time) plan_->late = LateSchema(*input_);
    auto bound = std::make_shared<BoundAggregate>(plan_, std::move(columns));
    bound->ports = {{"ok", PortRole::kData, "One row for each group."}};
    bound->outputs = {plan_->output};
    if (plan_->late) {
      bound->ports.push_back({"late", PortRole::kError, "Rows that came after their window was closed."});
      bound->outputs.push_back(plan_->late);
    }
    bound->exchanges = {{plan_->keys.empty() ? Exchange::Kind::kSingle : Exchange::Kind::kHash, plan_->keys}};
    bound->states = StatesOf(*plan_);
    bound->facts = AggregationFacts(*plan_);
    bound->can_fail = can_fail;
    if (!plan_->keys.empty() && CanPreAggregate(*plan_)) AddCombiner(bound.get());
    bound->preserves_order = false;
    bound->spill_above = config_.spills_above();
    return bound;
  }

  // Groups instead of rows may cross the exchange, dealt by the same keys.
  void AddCombiner(BoundAggregate* bound) {
    bound->partial = PartialSchema(*plan_);
    const Scope scope(bound->partial);
    for (size_t i = 0; i < plan_->keys.size(); ++i) {
      ExprProblem problem;
      auto key = BindExpression(bound->partial->field(static_cast<int>(i) + 1).name, scope, &problem);
      SR_CHECK(key.ok());
      bound->partial_keys.push_back(*std::move(key));
    }
  }

  const Config& config_;
  BindContext& context_;
  SchemaPtr input_;
  Scope scope_;
  std::shared_ptr<AggregationPlan> plan_ = std::make_shared<AggregationPlan>();
  DataType time_type_;
  std::vector<Field> group_fields_;
  std::vector<Field> select_fields_;
  std::vector<std::string> names_;
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  return PlanBuilder(config, context).Build();
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Raw(
      "window", &Config::window,
      "Which rows are computed together: {tumbling: 10s}, {sliding: {size: 1h, every: 1m}}, {session: 30m}, "
      "{count: 100}, {cumulative: {size: 1d, every: 1h}}; beside it offset, zone, time (event or processing) "
      "and as (names of the columns with the bounds). Without a window: all rows.");
  spec.Raw("group_by", &Config::group_by,
           "Columns, and {name: expression} for what is computed. Without: one group.");
  spec.ExpressionMap("select", &Config::select, "Result columns: expressions over aggregates and groups.")
      .Required();
  spec.Expression("having", &Config::having,
                  "Condition over aggregates and groups; other groups give no row.");
  spec.Raw(
      "emit", &Config::emit,
      "When results are given: on_close, on_update, or every and a duration (`every 5s`). Default: on_close "
      "with a window or a bounded input, else on_update.");
  spec.DurationField(
          "allowed_lateness", &Config::allowed_lateness,
          "How long after the watermark passed its end a window still takes rows; each gives a change.")
      .AtLeast(0);
  spec.DurationField("ttl", &Config::ttl,
                     "Without a window, or with one that counts rows: groups that got no row for so long are "
                     "forgotten, by event time where the input has it. 0s: never.")
      .AtLeast(0);
  AddStateLimit(spec);

  OperatorDefinition d;
  d.name = "aggregate";
  d.summary = "Computes one row for each group of rows, in windows of time or over everything.";
  d.description =
      "Result rows have the columns `window_start` and `window_end` (with a window), the groups, then "
      "`select`. A window is given when the watermark passes its end. Rows that come later leave by `late`, "
      "unless `allowed_lateness` lets them change the result. The bounds of a window that counts rows are "
      "numbers of rows of its key, from 0.\n\n"
      "With `emit: on_update` or `every`, or with an allowed lateness, results are changes: the old row and "
      "the new one. Inputs may carry changes: rows that they take back are taken out of their groups, and a "
      "group whose last row is taken out is deleted. Sessions and windows that count rows cannot do that.\n\n"
      "`docs/semantics.md` states every rule with an example.";
  d.guarantee =
      "Each row counts once in each of its windows. Windows come in the order of their ends, groups of a "
      "window "
      "in the order of their first rows.";
  d.example = R"(pipeline: bids-per-channel
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, price: bigint, channel: text, date_time: timestamp}
    event_time: {column: date_time, out_of_order: 2s}
operators:
  per_channel:
    operator: aggregate
    input: bids
    on_error: dead_letter
    window: {tumbling: 10s}
    group_by: [channel]
    select:
      bids: count(*)
      dearest: max(price)
      mean: avg(price)
sinks:
  out: {connector: stdout, input: per_channel, format: json}
)";
  d.ports = {{"late", PortRole::kError, "Rows that came after their window was closed, with `late_by`."}};
  d.takes_changes = true;
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(aggregate, Define());

}  // namespace
}  // namespace streamrun
