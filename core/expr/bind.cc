// The forms of the language, one method each. Overloads and casts: bind_call.cc.
#include "core/expr/bind.h"

#include <algorithm>
#include <limits>

#include "core/base/suggest.h"
#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/resolve.h"
#include "core/expr/token.h"
#include "core/expr/types.h"

namespace streamrun {

std::nullptr_t Binder::Fail(size_t offset, std::string code, std::string message, std::string suggestion) {
  const size_t length = std::max<size_t>(1, TokenLength(sql_, offset));
  *problem_ = {offset, length, std::move(code), std::move(message), std::move(suggestion)};
  return nullptr;
}

Binder::MutableNode Binder::New(Kind kind, DataType type, size_t offset, size_t length) const {
  auto node = std::make_shared<ExprNode>();
  node->kind = kind;
  node->type = std::move(type);
  node->offset = offset;
  node->length = std::max<size_t>(1, length);
  return node;
}

Binder::MutableNode Binder::New(Kind kind, DataType type, const Ast& ast) const {
  return New(kind, std::move(type), ast.offset, TokenLength(sql_, ast.offset));
}

NodePtr Binder::Constant(const DataType& type, ColumnPtr value, size_t offset, size_t length) const {
  MutableNode node = New(Kind::kConstant, type, offset, length);
  node->value = std::move(value);
  return node;
}

NodePtr Binder::ConstantBool(bool value, const Ast& ast) const {
  ColumnBuilder builder(TypeId::kBoolean);
  builder.AppendBool(value);
  return Constant(TypeId::kBoolean, builder.Finish(), ast.offset, TokenLength(sql_, ast.offset));
}

NodePtr Binder::Share(const NodePtr& node) {
  if (node->kind == Kind::kColumn || node->is_constant() || node->shared) return node;
  auto copy = std::make_shared<ExprNode>(*node);
  copy->shared = true;
  return copy;
}

bool Binder::BindAll(const Ast& ast, std::vector<NodePtr>* out) {
  for (const AstPtr& arg : ast.args) {
    NodePtr node = Bind(*arg);
    if (!node) return false;
    out->push_back(std::move(node));
  }
  return true;
}

NodePtr Binder::Bind(const Ast& ast) {
  switch (ast.kind) {
    case Ast::Kind::kNull:
    case Ast::Kind::kBoolean:
    case Ast::Kind::kInteger:
    case Ast::Kind::kDecimal:
    case Ast::Kind::kString:
      return Literal(ast);
    case Ast::Kind::kColumn:
      return Column(ast);
    case Ast::Kind::kOperator: {
      std::vector<NodePtr> args;
      return BindAll(ast, &args) ? Operator(ast, ast.text, std::move(args)) : nullptr;
    }
    case Ast::Kind::kAnd:
    case Ast::Kind::kOr:
    case Ast::Kind::kNot:
      return Logic(ast);
    case Ast::Kind::kIsNull:
      return Named(ast, "is_null", {});
    case Ast::Kind::kIsNotNull:
      return Named(ast, "is_not_null", {});
    case Ast::Kind::kBooleanTest: {
      NodePtr arg = Condition(Bind(*ast.args[0]), "IS TRUE and its like");
      return arg ? Named(ast, ast.text, {arg}) : nullptr;
    }
    case Ast::Kind::kDistinct:
    case Ast::Kind::kNotDistinct:
      return Distinct(ast);
    case Ast::Kind::kNullIf:
      return NullIf(ast);
    case Ast::Kind::kIn:
    case Ast::Kind::kNotIn:
      return In(ast);
    case Ast::Kind::kBetween:
      return Between(ast);
    case Ast::Kind::kAny:
    case Ast::Kind::kAll:
      return AnyAll(ast);
    case Ast::Kind::kCase:
      return Case(ast);
    case Ast::Kind::kCoalesce:
      return Coalesce(ast);
    case Ast::Kind::kGreatest:
    case Ast::Kind::kLeast:
      return Extreme(ast);
    case Ast::Kind::kCast:
      return Cast(ast);
    case Ast::Kind::kArray:
      return Array(ast);
    case Ast::Kind::kCall:
      return FunctionCall(ast);
    case Ast::Kind::kSubscript:
    case Ast::Kind::kSlice:
      return Subscript(ast);
  }
  return nullptr;
}

NodePtr Binder::Literal(const Ast& ast) {
  const size_t length = TokenLength(sql_, ast.offset);
  switch (ast.kind) {
    case Ast::Kind::kBoolean:
      return ConstantBool(ast.number != 0, ast);
    case Ast::Kind::kInteger: {
      ColumnBuilder builder(TypeId::kInteger);
      builder.Append(static_cast<int32_t>(ast.number));
      return Constant(TypeId::kInteger, builder.Finish(), ast.offset, length);
    }
    case Ast::Kind::kDecimal: {
      MutableNode node = New(Kind::kConstant, TypeId::kUnknown, ast);
      node->literal = ast.text;
      const bool whole = ast.text.find_first_of(".eE") == std::string::npos;
      if (whole) {
        // The smallest of integer, bigint, numeric that holds it; -2147483648 is an integer.
        for (const TypeId type : {TypeId::kInteger, TypeId::kBigint}) {
          ColumnBuilder builder(type);
          if (AppendParsed(ast.text, builder).ok()) return ParseLiteral(*node, type);
        }
        return ParseLiteral(*node, TypeId::kNumeric);
      }
      NodePtr value = ParseLiteral(*node, TypeId::kDouble);
      if (!value) return ParseLiteral(*node, TypeId::kNumeric);
      auto copy = std::make_shared<ExprNode>(*value);
      copy->literal = ast.text;
      copy->decimal_literal = true;
      return copy;
    }
    default: {  // a string or NULL: of unknown type until its place tells
      MutableNode node = New(Kind::kConstant, TypeId::kUnknown, ast);
      node->literal = ast.text;
      if (ast.kind == Ast::Kind::kNull) node->value = Column::Nulls(TypeId::kText, 1);
      return node;
    }
  }
}

NodePtr Binder::Column(const Ast& ast) {
  const std::string& name = ast.names.back();
  int base = 0;
  int found = -1;
  int matches = 0;
  DataType type;
  for (const Scope::Relation& relation : scope_.relations) {
    const bool qualified = ast.names.size() == 2;
    if (!qualified || relation.name == ast.names[0]) {
      const int index = relation.schema->Find(name);
      if (index == -2) matches += 2;
      if (index >= 0) {
        ++matches;
        found = base + index;
        type = relation.schema->field(index).type;
      }
    }
    base += relation.schema->size();
  }
  if (matches == 0) return NoColumn(ast);
  if (matches > 1) {
    return Fail(ast.offset, "expr.ambiguous_column", "column reference \"" + name + "\" is ambiguous",
                "put the input's name in front: input." + name + ", or quote the exact column name");
  }
  MutableNode node = New(Kind::kColumn, type, ast);
  node->column = found;
  return node;
}

NodePtr Binder::NoColumn(const Ast& ast) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> relations;
  for (const Scope::Relation& relation : scope_.relations) {
    if (!relation.name.empty()) relations.push_back(relation.name);
    if (ast.names.size() == 2 && relation.name != ast.names[0]) continue;
    for (const Field& field : relation.schema->fields()) names.push_back(field.name);
  }
  const std::string& name = ast.names.back();
  if (ast.names.size() == 2 &&
      std::find(relations.begin(), relations.end(), ast.names[0]) == relations.end()) {
    std::string hint;
    if (const auto near = Nearest(ast.names[0], relations))
      hint = "did you mean \"" + std::string(*near) + "\"?";
    return Fail(
        ast.offset, "expr.unknown_input", "missing FROM-clause entry for table \"" + ast.names[0] + "\"",
        hint.empty() ? "a field of a jsonb column is written " + ast.names[0] + " ->> '" + name + "'" : hint);
  }
  const std::string shown = ast.names.size() == 2 ? ast.names[0] + "." + name : "\"" + name + "\"";
  std::string hint;
  if (const auto near = Nearest(name, names)) {
    hint = "did you mean \"" + std::string(*near) + "\"?";
  } else if (!names.empty()) {
    hint = "columns:";
    for (size_t i = 0; i < names.size() && i < 8; ++i) hint += (i > 0 ? ", " : " ") + std::string(names[i]);
    if (names.size() > 8) hint += ", ...";
  }
  return Fail(ast.offset, "expr.unknown_column", "column " + shown + " does not exist", hint);
}

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

NodePtr Binder::In(const Ast& ast) {
  std::vector<NodePtr> nodes;
  if (!BindAll(ast, &nodes)) return nullptr;
  const bool negated = ast.kind == Ast::Kind::kNotIn;
  const auto constant = [](const NodePtr& n) { return n->is_constant(); };
  std::vector<NodePtr> unified = nodes;
  if (std::all_of(nodes.begin() + 1, nodes.end(), constant) && CommonType(TypesOf(nodes, false))) {
    const auto type = Unify(unified, "IN");
    if (!type) return nullptr;
    if (type->id() != TypeId::kList) return Named(ast, negated ? "not_in" : "in", std::move(unified));
  }
  // Terms of several types, or that vary: x = a OR x = b ...
  MutableNode node = New(negated ? Kind::kAnd : Kind::kOr, TypeId::kBoolean, ast);
  const NodePtr x = Share(nodes[0]);
  for (size_t i = 1; i < nodes.size(); ++i) {
    NodePtr term = Operator(ast, negated ? "<>" : "=", {x, nodes[i]});
    if (!term) return nullptr;
    node->args.push_back(std::move(term));
  }
  return Finish(node);
}

NodePtr Binder::Between(const Ast& ast) {
  std::vector<NodePtr> nodes;
  if (!BindAll(ast, &nodes)) return nullptr;
  const bool negated = (ast.number & 1) != 0;
  const bool symmetric = (ast.number & 2) != 0;
  for (NodePtr& node : nodes) node = Share(node);
  // x BETWEEN a AND b is x >= a AND x <= b; the negation is x < a OR x > b.
  const auto range = [&](const NodePtr& low, const NodePtr& high) -> NodePtr {
    MutableNode node = New(negated ? Kind::kOr : Kind::kAnd, TypeId::kBoolean, ast);
    NodePtr from = Operator(ast, negated ? "<" : ">=", {nodes[0], low});
    NodePtr to = from ? Operator(ast, negated ? ">" : "<=", {nodes[0], high}) : nullptr;
    if (!to) return nullptr;
    node->args = {std::move(from), std::move(to)};
    return Finish(node);
  };
  NodePtr straight = range(nodes[1], nodes[2]);
  if (!straight || !symmetric) return straight;
  NodePtr swapped = range(nodes[2], nodes[1]);
  if (!swapped) return nullptr;
  MutableNode both = New(negated ? Kind::kAnd : Kind::kOr, TypeId::kBoolean, ast);
  both->args = {std::move(straight), std::move(swapped)};
  return Finish(both);
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

NodePtr Binder::NullIf(const Ast& ast) {
  std::vector<NodePtr> args;
  if (!BindAll(ast, &args)) return nullptr;
  const NodePtr value = Share(args[0]);
  NodePtr equal = Operator(ast, "=", {value, args[1]});
  // The result has the type that the comparison gave the first argument when that was untyped.
  NodePtr result = equal ? Settle(value) : nullptr;
  if (!result) return nullptr;
  MutableNode node = New(Kind::kCase, result->type, ast);
  node->args = {equal, Constant(result->type, Column::Nulls(result->type, 1), ast.offset, 1), result};
  return Finish(node);
}

NodePtr Binder::Distinct(const Ast& ast) {
  std::vector<NodePtr> args;
  if (!BindAll(ast, &args)) return nullptr;
  NodePtr equal = Operator(ast, "=", args);
  if (!equal) return nullptr;
  const bool negated = ast.kind == Ast::Kind::kNotDistinct;
  MutableNode node = New(Kind::kDistinct, TypeId::kBoolean, ast);
  if (equal->kind == Kind::kCall) {
    node->function = equal->function;
    node->args = equal->args;
  } else {
    // Both were constant: only their nulls are left to look at.
    const bool one_null = args[0]->is_null() != args[1]->is_null();
    const bool both_null = args[0]->is_null() && args[1]->is_null();
    const bool distinct = one_null || (!both_null && !equal->value->Bool(0));
    return ConstantBool(distinct != negated, ast);
  }
  NodePtr result = Finish(node);
  return negated ? Named(ast, "not", {result}) : result;
}

NodePtr Binder::Array(const Ast& ast) {
  std::vector<NodePtr> args;
  if (!BindAll(ast, &args)) return nullptr;
  if (args.empty()) {
    return Fail(ast.offset, "expr.type", "cannot determine type of empty array",
                "say its type: '{}'::bigint[]");
  }
  const auto type = Unify(args, "ARRAY");
  if (!type) return nullptr;
  if (type->id() == TypeId::kList) {
    return Fail(ast.offset, "expr.unsupported", "arrays of arrays are not supported", "use jsonb");
  }
  return Named(ast, "array", std::move(args));
}

NodePtr Binder::Subscript(const Ast& ast) {
  NodePtr array = Bind(*ast.args[0]);
  if (!array) return nullptr;
  if (array->type.id() == TypeId::kJsonb && ast.kind == Ast::Kind::kSubscript) {
    NodePtr key = Bind(*ast.args[1]);
    return key ? Operator(ast, "->", {array, key}) : nullptr;
  }
  if (array->type.id() != TypeId::kList) {
    return Fail(ast.offset, "expr.type",
                "cannot subscript type " + PgName(array->type) + " because it does not support subscripting");
  }
  std::vector<NodePtr> args{array};
  for (size_t i = 1; i < ast.args.size(); ++i) {
    NodePtr index;
    if (ast.args[i]) {
      index = Bind(*ast.args[i]);
      index = index ? Coerce(index, TypeId::kInteger, CastContext::kAssignment) : nullptr;
      if (!index) return nullptr;
    } else {
      // An absent bound reaches to the end of the array.
      ColumnBuilder builder(TypeId::kInteger);
      builder.Append(i == 1 ? std::numeric_limits<int32_t>::min() : std::numeric_limits<int32_t>::max());
      index = Constant(TypeId::kInteger, builder.Finish(), ast.offset, 1);
    }
    args.push_back(std::move(index));
  }
  return Named(ast, ast.kind == Ast::Kind::kSubscript ? "array_element" : "array_slice", std::move(args));
}

}  // namespace streamrun
