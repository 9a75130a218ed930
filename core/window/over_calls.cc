#include "core/window/over_calls.h"

#include "core/expr/bind.h"
#include "core/expr/canonical_text.h"

namespace streamrun {

// Takes the calls out of an expression: each becomes a column behind the input's.
class OverBinder::Hook final : public CallHook {
 public:
  Hook(OverBinder& over, std::string_view sql, ExprProblem* problem)
      : over_(over), sql_(sql), problem_(problem) {}

  bool Claims(std::string_view name) const override {
    return name == "lag" || name == "lead" || name == "first_value" || name == "row_number" ||
           !AggregatesNamed(name).empty();
  }

  NodePtr BindCall(Binder& binder, const Ast& ast, bool* failed) override {
    if (!Claims(ast.text)) return nullptr;
    *failed = true;
    if (inside_) {
      return binder.Fail(ast.offset, "over.nested", "calls over other rows cannot be nested",
                         "compute the inner one in an over of its own");
    }
    OverCall call;
    inside_ = true;
    Binder inner(sql_, over_.input_, problem_, this);
    const bool fine = AggregatesNamed(ast.text).empty() ? BindNeighbour(inner, ast, &call)
                                                        : BindAggregate(inner, ast, &call);
    inside_ = false;
    if (!fine) return nullptr;
    *failed = false;
    call.text = CanonicalText(ast);
    const int column = schema().size() + static_cast<int>(over_.calls_.size());
    over_.calls_.push_back(std::move(call));
    return binder.MakeColumn(column, over_.calls_.back().type, ast);
  }

 private:
  const Schema& schema() const { return *over_.input_.relations[0].schema; }

  bool BindNeighbour(Binder& inner, const Ast& ast, OverCall* call) {
    const size_t most = ast.text == "row_number" ? 0 : ast.text == "first_value" ? 1 : 3;
    const size_t least = most == 0 ? 0 : 1;
    if (ast.args.size() < least || ast.args.size() > most || ast.star || ast.distinct || ast.filter ||
        !ast.order.empty()) {
      inner.Fail(ast.offset, "over.arguments", ast.text + " takes other arguments",
                 most == 0 ? "write row_number()"
                 : most == 1
                     ? "write first_value(x)"
                     : "write " + ast.text + "(x), " + ast.text + "(x, 2) or " + ast.text + "(x, 2, 0)");
      return false;
    }
    call->type = DataType(TypeId::kBigint);
    if (ast.text == "row_number") return true;
    call->kind = ast.text == "lag"    ? OverCall::Kind::kLag
                 : ast.text == "lead" ? OverCall::Kind::kLead
                                      : OverCall::Kind::kFirstValue;
    NodePtr arg = inner.Bind(*ast.args[0]);
    arg = arg ? inner.Settle(arg) : nullptr;
    if (!arg) return false;
    call->type = arg->type;
    call->arg = Bound(inner, arg);
    if (!call->arg) return false;
    return BindDistance(inner, ast, call) && BindFallback(inner, ast, call);
  }

  bool BindDistance(Binder& inner, const Ast& ast, OverCall* call) {
    if (ast.args.size() < 2) return true;
    NodePtr node = inner.Bind(*ast.args[1]);
    node = node ? inner.Coerce(node, TypeId::kInteger, CastContext::kImplicit) : nullptr;
    const ExpressionPtr distance = node ? Bound(inner, node) : nullptr;
    if (!distance) return false;
    const int32_t* rows = distance->constant() ? std::get_if<int32_t>(&distance->constant()->data) : nullptr;
    if (rows != nullptr && *rows >= 1 && *rows <= kMaxDistance) {
      call->distance = static_cast<uint32_t>(*rows);
      return true;
    }
    inner.Fail(ast.args[1]->offset, "over.distance",
               "how far to look is a constant from 1 to " + std::to_string(kMaxDistance));
    return false;
  }

  bool BindFallback(Binder& inner, const Ast& ast, OverCall* call) {
    if (ast.args.size() < 3) return true;
    NodePtr node = inner.Bind(*ast.args[2]);
    node = node ? inner.Coerce(node, call->type, CastContext::kImplicit) : nullptr;
    call->fallback = node ? Bound(inner, node) : nullptr;
    return call->fallback != nullptr;
  }

  bool BindAggregate(Binder& inner, const Ast& ast, OverCall* call) {
    call->kind = OverCall::Kind::kAggregate;
    if (ast.within_group || !ast.order.empty()) {
      inner.Fail(ast.offset, "over.order",
                 "a running aggregate takes its rows in the order of their event time", "leave ORDER BY out");
      return false;
    }
    std::vector<NodePtr> nodes;
    if (!inner.BindAll(ast, &nodes)) return false;
    AggregateCall& made = call->aggregate;
    std::vector<const Function*> signatures;
    const std::vector<const AggregateFunction*> entries = AggregatesNamed(ast.text);
    signatures.reserve(entries.size());
    for (const AggregateFunction* entry : entries) signatures.push_back(&entry->signature);
    bool ambiguous = false;
    const auto resolution = Resolve(signatures, inner.TypesOf(nodes, false), false, &ambiguous);
    if (!resolution || (nodes.empty() && !ast.star) || (ast.star && ast.text != "count")) {
      std::string have;
      for (const Function* entry : signatures) have += (have.empty() ? "" : ", ") + entry->Signature();
      inner.Fail(ast.offset, "expr.unknown_function", ast.text + " does not take these arguments",
                 "there is: " + have);
      return false;
    }
    for (const AggregateFunction* entry : entries) {
      if (&entry->signature == resolution->function) made.function = entry;
    }
    if (made.function->has(kWithinGroup)) {
      inner.Fail(ast.offset, "over.order", ast.text + " needs an order of its own and cannot run along");
      return false;
    }
    made.types.result = resolution->result;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (!AddArgument(inner, inner.Coerce(nodes[i], resolution->args[i], CastContext::kImplicit), &made)) {
        return false;
      }
    }
    const int time = schema().event_time;
    if (made.function->has(kTakesTime) &&
        !AddArgument(inner, inner.MakeColumn(time, schema().field(time).type, ast), &made)) {
      return false;
    }
    made.distinct = ast.distinct && !made.function->has(kIgnoresDistinct);
    if (!BindFilter(inner, ast, &made)) return false;
    const auto accumulator = made.function->make(made.types);
    if (!accumulator.ok()) {
      inner.Fail(ast.offset, "expr.aggregate", accumulator.status().message());
      return false;
    }
    call->type = made.types.result;
    return true;
  }

  bool AddArgument(Binder& inner, const NodePtr& node, AggregateCall* call) {
    ExpressionPtr expression = node ? Bound(inner, node) : nullptr;
    if (!expression) return false;
    call->types.args.push_back(node->type);
    call->types.constants.push_back(expression->constant());
    call->args.push_back(std::move(expression));
    return true;
  }

  bool BindFilter(Binder& inner, const Ast& ast, AggregateCall* call) {
    if (!ast.filter) return true;
    const NodePtr node = inner.Condition(inner.Bind(*ast.filter), "FILTER");
    call->filter = node ? Bound(inner, node) : nullptr;
    return call->filter != nullptr;
  }

  ExpressionPtr Bound(Binder& inner, const NodePtr& node) {
    if (!inner.CheckConstants(*node)) return nullptr;
    return std::make_shared<const Expression>(node, std::string(sql_));
  }

  OverBinder& over_;
  std::string_view sql_;
  ExprProblem* problem_;
  bool inside_ = false;
};

ExpressionPtr OverBinder::Bind(std::string_view sql, ExprProblem* problem) {
  const AstPtr ast = ParseExpression(sql, problem, {.aggregates = true});
  if (!ast) return nullptr;
  Hook hook(*this, sql, problem);
  Binder binder(sql, input_, problem, &hook);
  NodePtr node = binder.Bind(*ast);
  node = node ? binder.Settle(node) : nullptr;
  if (!node || !binder.CheckConstants(*node)) return nullptr;
  return std::make_shared<const Expression>(node, std::string(sql));
}

}  // namespace streamrun
