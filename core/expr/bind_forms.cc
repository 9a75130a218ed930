// AND, OR, NOT, CASE, COALESCE, NULLIF, GREATEST, IN, BETWEEN, IS DISTINCT FROM.
#include <algorithm>

#include "core/expr/bind.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

// "is_not_true" -> "IS NOT TRUE".
std::string Spelled(std::string_view function) {
  std::string name;
  for (const char c : function) name += c == '_' ? ' ' : static_cast<char>(c - 'a' + 'A');
  return name;
}

// Types of one family that PostgreSQL compares without a conversion.
bool ComparedAsTheyAre(TypeId a, TypeId b) {
  const auto whole = [](TypeId id) { return id == TypeId::kInteger || id == TypeId::kBigint; };
  return (whole(a) && whole(b)) || (TypeCategory(a) == 'D' && TypeCategory(b) == 'D');
}

}  // namespace

NodePtr Binder::Condition(NodePtr node, std::string_view what) {
  if (!node) return nullptr;
  if (node->type.id() == TypeId::kUnknown || node->type.id() == TypeId::kBoolean) {
    return Coerce(node, TypeId::kBoolean, CastContext::kImplicit);
  }
  return Fail(node->offset, "expr.type",
              "argument of " + std::string(what) + " must be type boolean, not type " + PgName(node->type),
              "compare it with something");
}

NodePtr Binder::Logic(const Ast& ast) {
  const bool is_not = ast.kind == Ast::Kind::kNot;
  const std::string_view name = is_not ? "NOT" : ast.kind == Ast::Kind::kAnd ? "AND" : "OR";
  MutableNode node = New(ast.kind == Ast::Kind::kAnd ? Kind::kAnd : Kind::kOr, TypeId::kBoolean, ast);
  for (const AstPtr& arg : ast.args) {
    NodePtr condition = Condition(Bind(*arg), name);
    if (!condition) return nullptr;
    node->args.push_back(std::move(condition));
  }
  if (is_not) return Named(ast, "not", std::move(node->args));
  return Finish(node);
}

NodePtr Binder::Case(const Ast& ast) {
  size_t at = 0;
  NodePtr operand;
  if (ast.number == 1) {
    operand = Bind(*ast.args[at++]);
    // An untyped operand is text, as in PostgreSQL.
    operand = operand ? Settle(operand) : nullptr;
    if (!operand) return nullptr;
    operand = Share(operand);
  }
  std::vector<NodePtr> conditions;
  std::vector<NodePtr> results;
  for (; at + 1 < ast.args.size(); at += 2) {
    NodePtr condition = Bind(*ast.args[at]);
    if (condition && operand) {
      condition = Operator(*ast.args[at], "=", {operand, condition});
    } else {
      condition = Condition(condition, "CASE/WHEN");
    }
    NodePtr result = condition ? Bind(*ast.args[at + 1]) : nullptr;
    if (!result) return nullptr;
    conditions.push_back(std::move(condition));
    results.push_back(std::move(result));
  }
  if (ast.args.back()) {
    NodePtr otherwise = Bind(*ast.args.back());
    if (!otherwise) return nullptr;
    results.push_back(std::move(otherwise));
  } else {
    MutableNode null = New(Kind::kConstant, TypeId::kUnknown, ast);
    null->value = Column::Nulls(TypeId::kText, 1);
    results.push_back(std::move(null));
  }
  // PostgreSQL looks at ELSE first, so its type wins ties of preference.
  std::rotate(results.begin(), results.end() - 1, results.end());
  const auto type = Unify(results, "CASE");
  if (!type) return nullptr;
  std::rotate(results.begin(), results.begin() + 1, results.end());
  MutableNode node = New(Kind::kCase, *type, ast);
  for (size_t i = 0; i < conditions.size(); ++i) {
    node->args.push_back(conditions[i]);
    node->args.push_back(results[i]);
  }
  node->args.push_back(results.back());
  return Finish(node);
}

NodePtr Binder::Coalesce(const Ast& ast) {
  MutableNode node = New(Kind::kCoalesce, TypeId::kUnknown, ast);
  if (!BindAll(ast, &node->args)) return nullptr;
  const auto type = Unify(node->args, "COALESCE");
  if (!type) return nullptr;
  node->type = *type;
  return Finish(node);
}

NodePtr Binder::Extreme(const Ast& ast) {
  std::vector<NodePtr> args;
  if (!BindAll(ast, &args)) return nullptr;
  const bool greatest = ast.kind == Ast::Kind::kGreatest;
  if (!Unify(args, greatest ? "GREATEST" : "LEAST")) return nullptr;
  return Named(ast, greatest ? "greatest" : "least", std::move(args));
}

NodePtr Binder::NullTest(const Ast& ast) {
  if (ast.kind == Ast::Kind::kBooleanTest) {
    NodePtr arg = Condition(Bind(*ast.args[0]), Spelled(ast.text));
    return arg ? Named(ast, ast.text, {arg}) : nullptr;
  }
  const bool is_null = ast.kind == Ast::Kind::kIsNull;
  Operand operand;
  if (!BindOperand(*ast.args[0], &operand)) return nullptr;
  const std::string_view test = is_null ? "is_null" : "is_not_null";
  if (!operand.is_row) return Named(ast, test, std::move(operand.nodes));
  // A row is null when all its fields are, and not null when none is: neither may hold.
  if (operand.nodes.empty()) return ConstantBool(true, ast);
  MutableNode all = New(Kind::kAnd, TypeId::kBoolean, ast);
  for (const NodePtr& field : operand.nodes) {
    all->args.push_back(Named(ast, test, {field}));
    if (!all->args.back()) return nullptr;
  }
  return Finish(all);
}

// x IN (constants) is one look-up in a set. *done = false: the list has another form.
NodePtr Binder::InConstants(const Ast& ast, std::vector<NodePtr> nodes, bool* done) {
  *done = false;
  const auto constant = [](const NodePtr& n) { return n->is_constant(); };
  if (!std::all_of(nodes.begin() + 1, nodes.end(), constant) || !CommonType(TypesOf(nodes, false))) {
    return nullptr;
  }
  *done = true;
  const auto type = Unify(nodes, "IN");
  if (!type) return nullptr;
  return Named(ast, ast.kind == Ast::Kind::kNotIn ? "not_in" : "in", std::move(nodes));
}

NodePtr Binder::In(const Ast& ast) {
  std::vector<Operand> operands(ast.args.size());
  std::vector<NodePtr> values;
  for (size_t i = 0; i < ast.args.size(); ++i) {
    if (!BindOperand(*ast.args[i], &operands[i])) return nullptr;
    if (!operands[i].is_row) values.push_back(operands[i].nodes[0]);
  }
  bool done = false;
  if (values.size() == operands.size()) {
    NodePtr looked_up = InConstants(ast, std::move(values), &done);
    if (done) return looked_up;
  }
  // Terms of several types, or that vary: x = a OR x = b ...
  const bool negated = ast.kind == Ast::Kind::kNotIn;
  MutableNode node = New(negated ? Kind::kAnd : Kind::kOr, TypeId::kBoolean, ast);
  for (NodePtr& field : operands[0].nodes) field = Share(field);
  for (size_t i = 1; i < operands.size(); ++i) {
    NodePtr term = Compare(ast, negated ? "<>" : "=", operands[0], operands[i]);
    if (!term) return nullptr;
    node->args.push_back(std::move(term));
  }
  return Finish(node);
}

NodePtr Binder::Between(const Ast& ast) {
  std::vector<Operand> operands(3);
  for (size_t i = 0; i < 3; ++i) {
    if (!BindOperand(*ast.args[i], &operands[i])) return nullptr;
    for (NodePtr& field : operands[i].nodes) field = Share(field);
  }
  const bool negated = (ast.number & 1) != 0;
  const bool symmetric = (ast.number & 2) != 0;
  // x BETWEEN a AND b is x >= a AND x <= b; the negation is x < a OR x > b.
  const auto range = [&](const Operand& low, const Operand& high) -> NodePtr {
    MutableNode node = New(negated ? Kind::kOr : Kind::kAnd, TypeId::kBoolean, ast);
    NodePtr from = Compare(ast, negated ? "<" : ">=", operands[0], low);
    NodePtr to = from ? Compare(ast, negated ? ">" : "<=", operands[0], high) : nullptr;
    if (!to) return nullptr;
    node->args = {std::move(from), std::move(to)};
    return Finish(node);
  };
  NodePtr straight = range(operands[1], operands[2]);
  if (!straight || !symmetric) return straight;
  NodePtr swapped = range(operands[2], operands[1]);
  if (!swapped) return nullptr;
  MutableNode both = New(negated ? Kind::kAnd : Kind::kOr, TypeId::kBoolean, ast);
  both->args = {std::move(straight), std::move(swapped)};
  return Finish(both);
}

NodePtr Binder::NullIf(const Ast& ast) {
  std::vector<NodePtr> args;
  if (!BindAll(ast, &args)) return nullptr;
  const NodePtr value = Share(args[0]);
  args[0] = value;
  Resolution resolution;
  if (!ResolveOperator(ast, "=", &args, &resolution)) return nullptr;
  // The result is the left operand as the comparison sees it.
  NodePtr result = ComparedAsTheyAre(value->type.id(), args[1]->type.id()) ? value : Share(args[0]);
  args[0] = Share(args[0]);
  NodePtr equal = Resolved(ast, resolution, std::move(args));
  if (!equal) return nullptr;
  MutableNode node = New(Kind::kCase, result->type, ast);
  node->args = {equal, Constant(result->type, Column::Nulls(result->type, 1), ast.offset, 1), result};
  return Finish(node);
}

NodePtr Binder::DistinctValues(const Ast& ast, const NodePtr& a, const NodePtr& b) {
  std::vector<NodePtr> args{a, b};
  Resolution resolution;
  if (!ResolveOperator(ast, "=", &args, &resolution)) return nullptr;
  if (args[1]->is_null()) return Named(ast, "is_not_null", {args[0]});
  if (args[0]->is_null()) return Named(ast, "is_not_null", {args[1]});
  MutableNode node = New(Kind::kDistinct, TypeId::kBoolean, ast);
  node->function = resolution.function;
  node->args = std::move(args);
  return Finish(node);
}

NodePtr Binder::Distinct(const Ast& ast) {
  Operand a;
  Operand b;
  if (!BindOperand(*ast.args[0], &a) || !BindOperand(*ast.args[1], &b)) return nullptr;
  if (a.is_row != b.is_row || a.nodes.size() != b.nodes.size()) return Compare(ast, "=", a, b);
  MutableNode any = New(Kind::kOr, TypeId::kBoolean, ast);
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    any->args.push_back(DistinctValues(ast, a.nodes[i], b.nodes[i]));
    if (!any->args.back()) return nullptr;
  }
  NodePtr result = any->args.empty()       ? ConstantBool(false, ast)
                   : any->args.size() == 1 ? any->args[0]
                                           : Finish(any);
  if (!result) return nullptr;
  return ast.kind == Ast::Kind::kNotDistinct ? Named(ast, "not", {result}) : result;
}

}  // namespace streamrun
