#include "core/agg/aggregate_call.h"

#include <algorithm>

#include "core/agg/distinct_accumulator.h"
#include "core/agg/ordered_accumulator.h"
#include "core/base/suggest.h"
#include "core/data/text_io.h"
#include "core/expr/bind.h"
#include "core/expr/canonical_text.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

// The same computation from the same columns. A volatile one is the same as nothing else.
bool SameTree(const ExprNode& a, const ExprNode& b) {
  if (a.kind != b.kind || !(a.type == b.type) || a.column != b.column || a.function != b.function ||
      a.is_volatile || b.is_volatile || a.args.size() != b.args.size() || !a.each != !b.each ||
      !a.value != !b.value) {
    return false;
  }
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (!SameTree(*a.args[i], *b.args[i])) return false;
  }
  if (a.each && !SameTree(*a.each, *b.each)) return false;
  if (!a.value) return true;
  if (a.value->IsNull(0) || b.value->IsNull(0)) return a.value->IsNull(0) == b.value->IsNull(0);
  std::string texts[2];
  PrintValue(*a.value, 0, texts[0]);
  PrintValue(*b.value, 0, texts[1]);
  return texts[0] == texts[1];
}

std::unique_ptr<Accumulator> MakePlain(const AggregateFunction& function, const AggregateTypes& types) {
  auto made = function.make(types);
  SR_CHECK(made.ok());  // was made once at bind
  return std::move(*made);
}

// DISTINCT gives its values sorted, as PostgreSQL's does, where their order can be seen.
bool Sorts(const AggregateCall& call) {
  return !call.order.empty() || (call.distinct && call.function->has(kOrderMatters));
}

// The columns to sort by, among those that the accumulator is given.
std::vector<SortKey> SortKeys(const AggregateCall& call) {
  std::vector<SortKey> keys;
  for (size_t i = 0; i < call.order.size(); ++i) {
    const size_t column = call.distinct ? call.order_args[i] : call.args.size() + i;
    keys.push_back({column, call.order[i].descending, call.order[i].nulls_first});
  }
  // What ORDER BY leaves equal: values are distinct, so that this settles all.
  for (size_t i = 0; call.distinct && i < call.args.size(); ++i) keys.push_back({i, false, false});
  return keys;
}

std::vector<DataType> OrderTypes(const AggregateCall& call) {
  std::vector<DataType> types;
  for (size_t i = 0; !call.distinct && i < call.order.size(); ++i) {
    types.push_back(call.order[i].key->type());
  }
  return types;
}

}  // namespace

std::vector<DataType> AggregateCall::StateTypes() const {
  if (distinct) return DistinctAccumulator::States(types);
  if (!order.empty()) return OrderedAccumulator::States(types, OrderTypes(*this));
  return function->states(types);
}

std::vector<ColumnPtr> AggregateCall::EmptyState() const {
  const std::unique_ptr<Accumulator> states = Make();
  states->Resize(1);
  const uint32_t slot = 0;
  return states->SaveStates(&slot, 1);
}

std::vector<ExpressionPtr> AggregateCall::Inputs() const {
  std::vector<ExpressionPtr> inputs = args;
  for (size_t i = 0; !distinct && i < order.size(); ++i) inputs.push_back(order[i].key);
  return inputs;
}

std::unique_ptr<Accumulator> AggregateCall::Make() const {
  std::unique_ptr<Accumulator> made;
  if (Sorts(*this)) {
    AggregateTypes fresh = types;
    fresh.retracting = false;
    made = std::make_unique<OrderedAccumulator>(
        types, OrderTypes(*this), SortKeys(*this),
        [function = function, fresh] { return MakePlain(*function, fresh); });
  } else {
    made = MakePlain(*function, types);
  }
  if (!distinct) return made;
  return std::make_unique<DistinctAccumulator>(types, std::move(made));
}

bool AggregateCall::can_retract() const {
  if (Sorts(*this)) return types.retracting;
  if (types.retracting) return function->has(kRetracts) || function->has(kRetractsIfTold);
  return function->has(kRetracts) && !distinct;
}

bool AggregateCall::order_matters() const { return function->has(kOrderMatters) && !distinct; }

bool AggregateCall::can_fail() const {
  const auto fails = [](const ExpressionPtr& e) { return e && e->can_fail(); };
  const std::vector<ExpressionPtr> inputs = Inputs();
  return fails(filter) || std::any_of(inputs.begin(), inputs.end(), fails);
}

// Takes the calls of aggregates out of an expression: each becomes a column behind the group's.
class SelectBinder::Hook final : public CallHook {
 public:
  Hook(SelectBinder& select, std::string_view sql, ExprProblem* problem)
      : select_(select), sql_(sql), problem_(problem) {}

  bool Claims(std::string_view name) const override { return !AggregatesNamed(name).empty(); }

  NodePtr BindCall(Binder& binder, const Ast& ast, bool* failed) override {
    const std::vector<const AggregateFunction*> entries = AggregatesNamed(ast.text);
    if (entries.empty()) return nullptr;
    *failed = true;
    if (inside_) {
      return binder.Fail(ast.offset, "expr.aggregate", "aggregate function calls cannot be nested",
                         "compute the inner one in an aggregate of its own");
    }
    AggregateCall call;
    call.types.retracting = select_.retracting_ || select_.input_.relations[0].schema->changes;
    if (!BindParts(ast, entries, &call)) return nullptr;
    const int column = select_.groups_->size() + Place(std::move(call));
    *failed = false;
    const AggregateCall& placed = select_.calls_[static_cast<size_t>(column - select_.groups_->size())];
    return binder.MakeColumn(column, placed.types.result, ast);
  }

 private:
  bool BindParts(const Ast& ast, const std::vector<const AggregateFunction*>& entries, AggregateCall* call) {
    inside_ = true;
    Binder inner(sql_, select_.input_, problem_, this);
    const bool fine = BindArguments(inner, ast, entries, call) && BindFilter(inner, ast, call) &&
                      BindOrder(inner, ast, call) && CheckMake(inner, ast, call);
    inside_ = false;
    call->text = CanonicalText(ast);
    return fine;
  }

  bool BindArguments(Binder& inner, const Ast& ast, const std::vector<const AggregateFunction*>& entries,
                     AggregateCall* call) {
    std::vector<NodePtr> nodes;
    if (!inner.BindAll(ast, &nodes)) return false;
    if (ast.within_group) {
      for (const streamrun::OrderKey& key : ast.order) {
        NodePtr node = inner.Bind(*key.expr);
        if (!node) return false;
        nodes.push_back(std::move(node));
        call->types.descending = key.descending;
      }
    }
    if (ast.star && ast.text != "count") {
      inner.Fail(ast.offset, "expr.aggregate", ast.text + "(*) is not an aggregate", "only count(*) is");
      return false;
    }
    std::vector<const Function*> signatures;
    signatures.reserve(entries.size());
    for (const AggregateFunction* entry : entries) signatures.push_back(&entry->signature);
    bool ambiguous = false;
    const auto resolution = Resolve(signatures, inner.TypesOf(nodes, false), false, &ambiguous);
    if (!resolution || (nodes.empty() && !ast.star)) return NoSuchAggregate(inner, ast, nodes, entries);
    for (const AggregateFunction* entry : entries) {
      if (&entry->signature == resolution->function) call->function = entry;
    }
    if (call->function->has(kWithinGroup) != ast.within_group) {
      inner.Fail(
          ast.offset, "expr.aggregate",
          ast.within_group ? ast.text + " takes no WITHIN GROUP" : ast.text + " needs WITHIN GROUP",
          call->function->has(kWithinGroup) ? "write " + ast.text + "(...) WITHIN GROUP (ORDER BY x)" : "");
      return false;
    }
    call->types.result = resolution->result;
    for (size_t i = 0; i < nodes.size(); ++i) {
      NodePtr node = inner.Coerce(nodes[i], resolution->args[i], CastContext::kImplicit);
      if (!node || !AddArgument(inner, node, call)) return false;
    }
    return AddTime(inner, ast, call);
  }

  bool AddArgument(Binder& inner, const NodePtr& node, AggregateCall* call) {
    if (!inner.CheckConstants(*node)) return false;
    auto expression = std::make_shared<const Expression>(node, std::string(sql_));
    call->types.args.push_back(node->type);
    call->types.constants.push_back(expression->constant());
    call->args.push_back(std::move(expression));
    return true;
  }

  // Functions that go by event time get it as one more argument.
  bool AddTime(Binder& inner, const Ast& ast, AggregateCall* call) {
    if (!call->function->has(kTakesTime)) return true;
    const SchemaPtr& schema = select_.input_.relations[0].schema;
    if (select_.event_time_ < 0) {
      inner.Fail(ast.offset, "expr.aggregate", ast.text + " goes by event time, and the input has none",
                 "give the source an event_time, or use " +
                     std::string(ast.text == "first" ? "min_by" : "max_by") + "(value, order)");
      return false;
    }
    return AddArgument(
        inner, inner.MakeColumn(select_.event_time_, schema->field(select_.event_time_).type, ast), call);
  }

  bool BindFilter(Binder& inner, const Ast& ast, AggregateCall* call) {
    if (!ast.filter) return true;
    NodePtr node = inner.Condition(inner.Bind(*ast.filter), "FILTER");
    if (!node) return false;
    call->filter = std::make_shared<const Expression>(node, std::string(sql_));
    return true;
  }

  bool BindOrder(Binder& inner, const Ast& ast, AggregateCall* call) {
    // An order that cannot change the result is as good as none, and DISTINCT the same.
    call->distinct = ast.distinct && !call->function->has(kIgnoresDistinct);
    if (ast.within_group || !call->function->has(kOrderMatters)) return true;
    for (const streamrun::OrderKey& key : ast.order) {
      NodePtr node = inner.Bind(*key.expr);
      node = node ? inner.Settle(node) : nullptr;
      if (!node) return false;
      if (call->distinct && !AddOrderArg(inner, ast, *node, call)) return false;
      call->order.push_back(
          {std::make_shared<const Expression>(node, std::string(sql_)), key.descending, key.nulls_first});
    }
    return true;
  }

  bool AddOrderArg(Binder& inner, const Ast& ast, const ExprNode& key, AggregateCall* call) {
    for (size_t i = 0; i < call->args.size(); ++i) {
      if (!SameTree(call->args[i]->root(), key)) continue;
      call->order_args.push_back(i);
      return true;
    }
    inner.Fail(ast.offset, "expr.aggregate",
               "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list");
    return false;
  }

  bool CheckMake(Binder& inner, const Ast& ast, AggregateCall* call) {
    const auto made = call->function->make(call->types);
    if (made.ok()) return true;
    inner.Fail(ast.offset, "expr.aggregate", made.status().message());
    return false;
  }

  bool NoSuchAggregate(Binder& inner, const Ast& ast, const std::vector<NodePtr>& nodes,
                       const std::vector<const AggregateFunction*>& entries) {
    std::string given;
    for (const NodePtr& node : nodes) given += (given.empty() ? "" : ", ") + PgName(node->type);
    std::string have;
    for (const AggregateFunction* entry : entries) {
      have += (have.empty() ? "" : ", ") + entry->signature.Signature();
    }
    inner.Fail(ast.offset, "expr.unknown_function", "function " + ast.text + "(" + given + ") does not exist",
               "there is: " + have);
    return false;
  }

  int Place(AggregateCall call) {
    // The same text over the same input is the same call, unless it gives something else each time.
    const std::vector<ExpressionPtr> inputs = call.Inputs();
    const auto varies = [](const ExpressionPtr& e) { return e && e->is_volatile(); };
    const bool same = !varies(call.filter) && std::none_of(inputs.begin(), inputs.end(), varies);
    for (size_t i = 0; same && i < select_.calls_.size(); ++i) {
      if (select_.calls_[i].text == call.text) return static_cast<int>(i);
    }
    select_.calls_.push_back(std::move(call));
    return static_cast<int>(select_.calls_.size()) - 1;
  }

  SelectBinder& select_;
  std::string_view sql_;
  ExprProblem* problem_;
  bool inside_ = false;
};

SelectBinder::SelectBinder(const Scope& input, SchemaPtr groups)
    : input_(input), groups_(std::move(groups)) {}
SelectBinder::~SelectBinder() = default;

ExpressionPtr SelectBinder::Bind(std::string_view sql, ExprProblem* problem) {
  const AstPtr ast = ParseExpression(sql, problem, {.aggregates = true});
  if (!ast) return nullptr;
  Hook hook(*this, sql, problem);
  const Scope scope(groups_);
  Binder binder(sql, scope, problem, &hook);
  NodePtr node = binder.Bind(*ast);
  node = node ? binder.Settle(node) : nullptr;
  if (!node) {
    // A column of the input that is no group: say so rather than that it does not exist.
    if (problem->code == "expr.unknown_column") {
      const std::string name(sql.substr(problem->offset, problem->length));
      if (input_.relations[0].schema->Find(name) >= 0) {
        problem->message =
            "column \"" + name + "\" must appear in group_by or be used in an aggregate function";
        problem->suggestion = "write any_value(" + name + ") or max(" + name + "), or add it to group_by";
      }
    }
    return nullptr;
  }
  if (!binder.CheckConstants(*node)) return nullptr;
  return std::make_shared<const Expression>(node, std::string(sql));
}

}  // namespace streamrun
