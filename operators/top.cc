// top: the first rows of each group by an order.
#include <algorithm>

#include "core/component/key_list.h"
#include "core/component/registry.h"
#include "core/component/state_facts.h"
#include "core/component/state_limit.h"
#include "core/component/window_field.h"
#include "core/expr/bind.h"
#include "core/expr/canonical_text.h"
#include "core/window/aggregation_state.h"
#include "core/window/ranking.h"
#include "core/window/row_times.h"

namespace streamrun {
namespace {

using Method = RankingPlan::Method;
using Emit = RankingPlan::Emit;

// "": as the input suggests.
enum class EmitChoice : uint8_t { kAuto, kOnClose, kOnUpdate };

struct Config : StateLimit {
  ConfigValue window;
  ConfigValue per;
  Sql order_by;
  int64_t limit = 0;
  std::string rank;
  Method method = Method::kRowNumber;
  EmitChoice emit = EmitChoice::kAuto;
  Duration allowed_lateness = 0;
  Duration ttl = 0;
};

class BoundTop final : public BoundOperator {
 public:
  explicit BoundTop(std::shared_ptr<const RankingPlan> plan) : plan_(std::move(plan)) {}

  // All: what the order leaves equal is decided by the other columns.
  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>&) const override {
    return std::vector<bool>(static_cast<size_t>(plan_->received->size()), true);
  }
  std::unique_ptr<Operator> Create() const override { return MakeRanking(plan_); }

 private:
  std::shared_ptr<const RankingPlan> plan_;
};

class PlanBuilder {
 public:
  PlanBuilder(const Config& config, BindContext& context)
      : config_(config), context_(context), input_(context.inputs[0]), scope_(input_) {
    plan_->received = input_;
    plan_->limit = config.limit;
    plan_->method = config.method;
    plan_->with_rank = !config.rank.empty();
    plan_->allowed_lateness = config.allowed_lateness;
    plan_->ttl = config.ttl;
    plan_->ttl_by_event_time = input_->event_time >= 0;
    plan_->max_state = config.fails_above();
  }

  std::shared_ptr<const BoundOperator> Build() {
    bool fine = ReadKeys(config_.per, "per", scope_, context_, &keys_);
    plan_->per = keys_.expressions;
    plan_->per_schema = keys_.schema;
    if (!ReadOwnWindow()) return nullptr;
    plan_->input = input_;
    FindWindow();
    fine &= ReadOrder();
    fine &= ReadEmit();
    fine &= CheckStateLimit(config_, context_);
    fine &= CheckRank();
    if (!fine) return nullptr;
    AddTieBreakers();
    plan_->output = OutputSchema();
    return Bound();
  }

 private:
  bool Error(const char* field, std::string code, std::string message, std::string suggestion) {
    context_.diagnostics().ErrorAt(context_.config()[field], std::move(code), std::move(message),
                                   std::move(suggestion));
    return false;
  }

  bool IsPer(int column) const {
    return column >= 0 && std::any_of(plan_->per.begin(), plan_->per.end(),
                                      [column](const ExpressionPtr& key) { return key->column() == column; });
  }

  // `window`: rows get its bounds as two more columns, and their time is then the window's last instant.
  bool ReadOwnWindow() {
    if (!config_.window.present()) return true;
    WindowSpec spec;
    if (!ReadWindow(config_.window, &spec, context_.diagnostics())) return false;
    if (spec.kind != WindowSpec::Kind::kTumbling || spec.processing_time) {
      return Error("window", "top.window", "'top' puts rows in tumbling windows of event time only",
                   "write window: {tumbling: 10s}, or rank the windows of an aggregate");
    }
    if (input_->event_time < 0) {
      return Error("window", "plan.no_event_time", "the window goes by event time, but the input has none",
                   "give the source event_time: {column: ...}");
    }
    const DataType time = input_->field(input_->event_time).type;
    if (spec.zone && time.id() == TypeId::kTimestamp) {
      return Error("window", "window.zone", "a timestamp without time zone has no zone",
                   "declare the column as timestamptz");
    }
    std::vector<Field> fields = input_->fields();
    for (const std::string& name : {spec.start_name, spec.end_name}) {
      if (input_->Find(name) != -1) {
        return Error("window", "top.duplicate_column", "column '" + name + "' would be there twice",
                     "rename it with window: {..., as: [from, to]}");
      }
      fields.push_back({name, time});
    }
    Schema widened(std::move(fields));
    widened.window_start = input_->size();
    widened.window_end = widened.event_time = input_->size() + 1;
    widened.changes = input_->changes;
    input_ = std::make_shared<const Schema>(std::move(widened));
    plan_->window = std::move(spec);
    return true;
  }

  // Groups that are windows are closed by the watermark.
  void FindWindow() {
    if (input_->window_end < 0) return;
    if (plan_->window || IsPer(input_->window_start) || IsPer(input_->window_end))
      plan_->window_end = input_->window_end;
  }

  bool ReadOrder() {
    ExprProblem problem;
    std::vector<OrderKey> keys = ParseOrderBy(config_.order_by.text, &problem);
    if (keys.empty()) {
      context_.Report(config_.order_by, problem);
      return false;
    }
    for (const OrderKey& key : keys) {
      Binder binder(config_.order_by.text, scope_, &problem);
      NodePtr node = binder.Bind(*key.expr);
      node = node ? binder.Settle(node) : nullptr;
      if (!node || !binder.CheckConstants(*node)) {
        context_.Report(config_.order_by, problem);
        return false;
      }
      auto expression = std::make_shared<const Expression>(node, config_.order_by.text);
      if (expression->is_volatile()) {
        return Error("order_by", "top.volatile", "an order that changes from call to call is none",
                     "compute it in a map before, and name that column here");
      }
      int column = expression->column();
      if (column < 0) {
        column = input_->size() + static_cast<int>(plan_->computed.size());
        plan_->computed.push_back(std::move(expression));
      }
      plan_->order.push_back({column, key.descending, key.nulls_first});
    }
    plan_->ranks = plan_->order.size();
    return true;
  }

  void AddTieBreakers() {
    for (int column = 0; column < plan_->received->size(); ++column) {
      const bool ordered = std::any_of(plan_->order.begin(), plan_->order.end(),
                                       [column](const RankKey& key) { return key.column == column; });
      if (!ordered && !IsPer(column)) plan_->order.push_back({column, false, false});
    }
  }

  bool ReadEmit() {
    if (config_.emit == EmitChoice::kAuto) {
      plan_->emit = plan_->windowed() || context_.bounded ? Emit::kOnClose : Emit::kOnUpdate;
    } else {
      plan_->emit = config_.emit == EmitChoice::kOnClose ? Emit::kOnClose : Emit::kOnUpdate;
    }
    if (!plan_->windowed() && plan_->emit == Emit::kOnClose && !context_.bounded) {
      return Error("emit", "top.never_closes",
                   "the groups are no windows and the input does not end: on_close "
                   "would never give a row",
                   "write emit: on_update, or add window_start to 'per'");
    }
    if (!plan_->windowed() && config_.allowed_lateness > 0) {
      return Error("allowed_lateness", "top.lateness", "nothing is late where the groups are no windows",
                   "leave it out, or add window_start to 'per'");
    }
    if (plan_->windowed() && config_.ttl > 0) {
      return Error("ttl", "top.ttl", "windows are forgotten when they close", "leave 'ttl' out");
    }
    if (plan_->emit == Emit::kOnClose && config_.ttl > 0) {
      return Error("ttl", "top.ttl",
                   "groups that are given at the end of the input cannot be forgotten before",
                   "leave 'ttl' out, or write emit: on_update");
    }
    return true;
  }

  bool CheckRank() {
    if (config_.rank.empty() || input_->Find(config_.rank) == -1) return true;
    return Error("rank", "top.duplicate_column", "column '" + config_.rank + "' would be there twice",
                 "choose another name");
  }

  SchemaPtr OutputSchema() const {
    std::vector<Field> fields = input_->fields();
    if (plan_->with_rank) fields.push_back({config_.rank, TypeId::kBigint});
    Schema schema(std::move(fields));
    if (plan_->windowed()) {
      schema.window_start = input_->window_start;
      schema.window_end = input_->window_end;
      schema.event_time = input_->event_time;
    }
    schema.changes = plan_->emit == Emit::kOnUpdate || plan_->allowed_lateness > 0;
    return std::make_shared<const Schema>(std::move(schema));
  }

  // What is kept of a group is what its first rows were: others are gone.
  std::vector<StateFact> Facts() const {
    ExprProblem none;
    const char* const methods[] = {"row_number", "rank", "dense_rank"};
    return {KeysFact("per", plan_->per),
            {"order_by", CanonicalText(ParseOrderBy(config_.order_by.text, &none))},
            {"limit", std::to_string(plan_->limit)},
            {"method", methods[static_cast<size_t>(plan_->method)]},
            WindowFact(plan_->window.value_or(WindowSpec())),
            TimeFact(*plan_->received),
            ChangesFact(*plan_->received)};
  }

  std::shared_ptr<const BoundOperator> Bound() {
    if (plan_->windowed()) {
      plan_->late = LateSchema(*plan_->received);
    }
    auto bound = std::make_shared<BoundTop>(plan_);
    bound->ports = {{"ok", PortRole::kData, "The first rows of each group, in order."}};
    bound->outputs = {plan_->output};
    if (plan_->late) {
      bound->ports.push_back({"late", PortRole::kError, "Rows that came after their window was closed."});
      bound->outputs.push_back(plan_->late);
    }
    bound->exchanges = {{plan_->per.empty() ? Exchange::Kind::kSingle : Exchange::Kind::kHash, plan_->per}};
    bound->states = {RankingState(*plan_), TimeState()};
    bound->facts = Facts();
    bound->can_fail = plan_->windowed() || keys_.can_fail() ||
                      std::any_of(plan_->computed.begin(), plan_->computed.end(),
                                  [](const ExpressionPtr& key) { return key->can_fail(); });
    bound->preserves_order = false;
    bound->spill_above = config_.spills_above();
    return bound;
  }

  const Config& config_;
  BindContext& context_;
  SchemaPtr input_;
  Scope scope_;
  KeyList keys_;
  std::shared_ptr<RankingPlan> plan_ = std::make_shared<RankingPlan>();
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  return PlanBuilder(config, context).Build();
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Raw(
      "window", &Config::window,
      "Ranks each tumbling window of event time by itself: {tumbling: 10s}; beside it offset, zone and as "
      "(names of the columns with the bounds, which come behind the input's). Without: no window, or that "
      "which `per` names.");
  spec.Raw("per", &Config::per, "Columns (or expressions) whose values make a group. Without: one group.");
  spec.Expression(
          "order_by", &Config::order_by,
          "The order, as in SQL: `price DESC NULLS LAST, id`. Rows that it leaves equal are ordered by "
          "their other columns, ascending, nulls last.")
      .Required();
  spec.Integer("limit", &Config::limit, "How many rows (or ranks) of a group.").Required().AtLeast(1);
  spec.Text("rank", &Config::rank, "Adds a column of this name with the row's number in its group.");
  spec.OneOf(
      "method", &Config::method,
      {{"row_number", Method::kRowNumber}, {"rank", Method::kRank}, {"dense_rank", Method::kDenseRank}},
      "How rows are numbered that `order_by` leaves equal: one after the other (exactly `limit` rows), "
      "alike and leaving numbers out (1, 1, 3), or alike (1, 1, 2).");
  spec.OneOf(
      "emit", &Config::emit,
      {{"auto", EmitChoice::kAuto}, {"on_close", EmitChoice::kOnClose}, {"on_update", EmitChoice::kOnUpdate}},
      "When rows are given: when the window (or the input) has ended, or with every change. auto: "
      "on_close for windows and for an input that ends, else on_update.");
  spec.DurationField(
          "allowed_lateness", &Config::allowed_lateness,
          "How long after the watermark passed its end a window still takes rows; each may give changes.")
      .AtLeast(0);
  spec.DurationField("ttl", &Config::ttl,
                     "A group that got no row for this long is forgotten, by event time where the input has "
                     "it; 0: never.")
      .AtLeast(0);
  AddStateLimit(spec);

  OperatorDefinition d;
  d.name = "top";
  d.summary = "Gives the first rows of each group by an order.";
  d.description =
      "Passes all columns. With `window`, or when `per` names the `window_start` or `window_end` of an "
      "aggregate, a group is of one window: it is given once, when the watermark passes the window's end, "
      "and rows that come later leave by "
      "`late`. Other groups have no end: their rows are given when the input ends, or as changes "
      "(`emit: on_update`): a row that drops out is a delete and a new one an insert; with `rank` and "
      "`method: row_number` the row at a number is updated.\n\n"
      "Only the rows that are shown are kept, unless the input carries changes: then every row of a group "
      "is, "
      "since any may move up when another is taken back. Without windows state grows with the number of "
      "groups; `ttl` bounds it.";
  d.guarantee =
      "The result does not depend on the order of the rows nor on the parallelism. Groups are given in "
      "order.";
  d.takes_changes = true;
  d.ports = {{"late", PortRole::kError, "Rows that came after their window was closed, with `late_by`."}};
  d.example = R"(pipeline: dearest-bids
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint, channel: text}
operators:
  dearest:
    operator: top
    input: bids
    per: [channel]
    order_by: price DESC
    limit: 3
    rank: place
sinks:
  out: {connector: stdout, input: dearest, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(top, Define());

}  // namespace
}  // namespace streamrun
