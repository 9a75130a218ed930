// Arrays: constructors, subscripts, ANY and ALL.
#include <algorithm>
#include <limits>

#include "core/data/column_builder.h"
#include "core/expr/bind.h"
#include "core/expr/types.h"

namespace streamrun {

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

NodePtr Binder::JsonSubscript(const Ast& ast, const NodePtr& json) {
  if (ast.kind == Ast::Kind::kSlice) {
    return Fail(ast.offset, "expr.type", "jsonb subscript does not support slices",
                "take one element: value[0]");
  }
  NodePtr key = Bind(*ast.args[1]);
  if (!key) return nullptr;
  // A subscript is a path of one step: '1' finds an element of an array, 1 a member of an object.
  const TypeId id = key->type.id();
  if (id == TypeId::kUnknown || id == TypeId::kText || id == TypeId::kInteger) {
    NodePtr step = Coerce(key, TypeId::kText, CastContext::kAssignment);
    NodePtr path = step ? Named(ast, "array", {step}) : nullptr;
    return path ? Operator(ast, "#>", {json, path}) : nullptr;
  }
  return Fail(key->offset, "expr.type", "subscript type " + PgName(key->type) + " is not supported",
              "jsonb subscript must be coercible to either integer or text");
}

// x[1][2]: arrays have one dimension, so a second bracket finds nothing.
NodePtr Binder::SubscriptTwice(const Ast& ast, const DataType& list) {
  bool slice = false;
  const Ast* at = &ast;
  for (;; at = at->args[0].get()) {
    slice |= at->kind == Ast::Kind::kSlice;
    if (at->number == 0) break;
  }
  if (!slice) return Constant(list.element(), Column::Nulls(list.element(), 1), ast.offset, 1);
  ColumnBuilder builder(list);
  builder.CloseList();
  return Constant(list, builder.Finish(), ast.offset, 1);
}

NodePtr Binder::Subscript(const Ast& ast) {
  const Ast* base = &ast;
  while (base->number == 1) base = base->args[0].get();
  NodePtr array = Bind(*base->args[0]);
  if (!array) return nullptr;
  if (array->type.id() == TypeId::kJsonb) {
    if (ast.number == 1) array = Bind(*ast.args[0]);
    return array ? JsonSubscript(ast, array) : nullptr;
  }
  if (array->type.id() != TypeId::kList) {
    return Fail(ast.offset, "expr.type",
                "cannot subscript type " + PgName(array->type) + " because it does not support subscripting",
                array->type.id() == TypeId::kText ? "use substring(text from 1 for 1)"
                                                  : "only arrays and jsonb have elements");
  }
  std::vector<NodePtr> args{array};
  for (size_t i = 1; i < ast.args.size(); ++i) {
    // An absent bound reaches to the end of the array.
    NodePtr index = ConstantInteger(
        i == 1 ? std::numeric_limits<int32_t>::min() : std::numeric_limits<int32_t>::max(), ast);
    if (ast.args[i]) index = Bind(*ast.args[i]);
    if (index && !ImplicitlyCastable(index->type, TypeId::kInteger) && index->type.id() != TypeId::kBigint &&
        !index->type.is_numeric()) {
      return Fail(index->offset, "expr.type", "array subscript must have type integer");
    }
    index = index ? Coerce(index, TypeId::kInteger, CastContext::kAssignment) : nullptr;
    if (!index) return nullptr;
    args.push_back(std::move(index));
  }
  if (ast.number == 1) return SubscriptTwice(ast, array->type);
  return Named(ast, ast.kind == Ast::Kind::kSubscript ? "array_element" : "array_slice", std::move(args));
}

namespace {

// Longest constant list that becomes a chain of comparisons: each of them is prepared on its own (a pattern
// compiled), and the chain stops at the first that decides.
constexpr int64_t kMaxChain = 32;

bool IsComparison(std::string_view op) {
  return op == "=" || op == "<>" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=";
}

// The elements of a constant list, one row each.
std::vector<ColumnPtr> ElementsOf(const Column& list) {
  const auto* offsets = list.values<int32_t>();
  std::vector<ColumnPtr> out;
  for (int32_t i = offsets[0]; i < offsets[1]; ++i) {
    ColumnBuilder builder(list.type().element());
    list.child()->IsNull(i) ? builder.AppendNull() : builder.AppendFrom(*list.child(), i);
    out.push_back(builder.Finish());
  }
  return out;
}

}  // namespace

std::vector<NodePtr> Binder::ConstantElements(const NodePtr& list) const {
  std::vector<NodePtr> out;
  for (ColumnPtr& value : ElementsOf(*list->value)) {
    out.push_back(Constant(list->type.element(), std::move(value), list->offset, list->length));
  }
  return out;
}

// Null without a problem: the list is too long for this form.
NodePtr Binder::AnyAllConstants(const Ast& ast, const NodePtr& x, const NodePtr& list) {
  const bool any = ast.kind == Ast::Kind::kAny;
  std::vector<NodePtr> elements = ConstantElements(list);
  if (elements.empty()) return x->can_fail ? nullptr : ConstantBool(!any, ast);
  const bool member = any ? ast.text == "=" : ast.text == "<>" || ast.text == "!=";
  if (member && CommonType({x->type, list->type.element()})) {
    elements.insert(elements.begin(), x);
    if (!Unify(elements, "ANY")) return nullptr;
    return Named(ast, any ? "in" : "not_in", std::move(elements));
  }
  if (elements.size() > static_cast<size_t>(kMaxChain)) return nullptr;
  MutableNode chain = New(any ? Kind::kOr : Kind::kAnd, TypeId::kBoolean, ast);
  const NodePtr shared = Share(x);
  for (const NodePtr& element : elements) {
    chain->args.push_back(Operator(ast, ast.text, {shared, element}));
    if (!chain->args.back()) return nullptr;
  }
  return chain->args.size() == 1 ? chain->args[0] : Finish(chain);
}

NodePtr Binder::AnyAll(const Ast& ast) {
  NodePtr x = Bind(*ast.args[0]);
  NodePtr list = x ? Bind(*ast.args[1]) : nullptr;
  if (!list) return nullptr;
  const bool untyped = list->type.id() == TypeId::kUnknown;
  if (!untyped && list->type.id() != TypeId::kList) {
    return Fail(ast.offset, "expr.type", "op ANY/ALL (array) requires array on right side",
                "the right side is of type " + PgName(list->type));
  }
  // The operator between x and an element decides everything.
  const NodePtr left = x->is_constant() ? x : MakeColumn(1, x->type, ast);
  MutableNode null = New(Kind::kConstant, TypeId::kUnknown, ast);
  null->value = Column::Nulls(TypeId::kText, 1);
  std::vector<NodePtr> args{left, untyped ? NodePtr(null) : MakeColumn(0, list->type.element(), ast)};
  Resolution resolution;
  if (!ResolveOperator(ast, ast.text, &args, &resolution)) return nullptr;
  if (resolution.result.id() != TypeId::kBoolean) {
    return Fail(ast.offset, "expr.type", "op ANY/ALL (array) requires operator to yield boolean");
  }
  if (untyped) list = Coerce(list, DataType::List(args[1]->type), CastContext::kImplicit);
  if (!list) return nullptr;
  if (list->is_null()) return Constant(TypeId::kBoolean, Column::Nulls(TypeId::kBoolean, 1), ast.offset, 1);
  if (list->is_constant()) {
    problem_->message.clear();
    NodePtr node = AnyAllConstants(ast, x, list);
    if (node || !problem_->message.empty()) return node;
  }
  const bool any = ast.kind == Ast::Kind::kAny;
  const DataType& element = list->type.element();
  const auto common = CommonType({x->type, element});
  if (IsComparison(ast.text) && common && *common == element && resolution.args[1] == element) {
    x = Coerce(x, element, CastContext::kImplicit);
    const std::string op = ast.text == "!=" ? "<>" : ast.text;
    return x ? Named(ast, (any ? "any " : "all ") + op, {x, list}) : nullptr;
  }
  MutableNode node = New(any ? Kind::kAny : Kind::kAll, TypeId::kBoolean, ast);
  node->each = Operator(ast, ast.text, {left, MakeColumn(0, element, ast)});
  if (!node->each) return nullptr;
  node->args = {Settle(x), list};
  return Finish(node);
}

}  // namespace streamrun
