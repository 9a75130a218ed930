// Casts asked for and implied, literals whose type their place tells, common types.
#include <algorithm>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/bind.h"
#include "core/expr/resolve.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

// Another way to a type that a value cannot be cast to.
std::string CastHint(const DataType& from, const DataType& to) {
  const bool moment = TypeCategory(to.id()) == 'D';
  if (from.is_numeric() && moment) return "seconds since 1970 become a time with to_timestamp(...)";
  if (from.is_numeric() && to.id() == TypeId::kInterval) return "multiply: ... * interval '1 second'";
  if (TypeCategory(from.id()) == 'D' && to.is_numeric()) return "use extract(epoch from ...)";
  if (from.id() == TypeId::kInterval && to.is_numeric()) return "use extract(epoch from ...)";
  if (to.id() == TypeId::kJsonb) return "use to_jsonb(...)";
  if (from.id() == TypeId::kBoolean && to.is_numeric()) return "go by way of integer: (...)::integer";
  if (to.id() == TypeId::kBoolean && from.is_numeric()) return "compare it: ... <> 0";
  if (from.id() == TypeId::kJsonb) return "take the text out first: (value ->> 'field')::" + to.ToString();
  return "";
}

}  // namespace

std::vector<DataType> Binder::TypesOf(const std::vector<NodePtr>& nodes, bool decimals_as_numeric) const {
  const bool has_numeric = std::any_of(nodes.begin(), nodes.end(), [](const NodePtr& n) {
    return n->type.id() == TypeId::kNumeric || n->type.id() == TypeId::kDecimal;
  });
  std::vector<DataType> types;
  for (const NodePtr& node : nodes) {
    const bool numeric = node->decimal_literal && (has_numeric || decimals_as_numeric);
    types.push_back(numeric ? DataType(TypeId::kNumeric) : node->type);
  }
  return types;
}

NodePtr Binder::ParseLiteral(const ExprNode& literal, const DataType& type) {
  if (literal.value && literal.value->IsNull(0)) {
    return Constant(type, Column::Nulls(type, 1), literal.offset, literal.length);
  }
  ColumnBuilder builder(type);
  if (const Status status = AppendParsed(literal.literal, builder); !status.ok()) {
    return Fail(literal.offset, "expr.literal", status.message());
  }
  return Constant(type, builder.Finish(), literal.offset, literal.length);
}

NodePtr Binder::Coerce(NodePtr node, const DataType& to, CastContext context) {
  if (!node || node->type == to) return node;
  const TypeId from_id = node->type.id();
  if (from_id == TypeId::kUnknown) return ParseLiteral(*node, to);
  const bool to_numeric = to.id() == TypeId::kNumeric || to.id() == TypeId::kDecimal;
  if (node->decimal_literal && to_numeric) return ParseLiteral(*node, to);
  const Function* cast = FindCast(from_id, to.id());
  // A list is cast where its elements would be.
  const bool lists = from_id == TypeId::kList && to.id() == TypeId::kList;
  const Function* rule = lists ? FindCast(node->type.element().id(), to.element().id()) : cast;
  const bool allowed = rule != nullptr && (context == CastContext::kExplicit || rule->has(kImplicitCast) ||
                                           (context == CastContext::kAssignment && rule->has(kAssignCast)));
  if (!allowed) {
    const std::string_view how =
        context == CastContext::kAssignment ? "a value of type " : "cannot cast type ";
    if (context == CastContext::kAssignment) {
      return Fail(node->offset, "expr.type",
                  std::string(how) + PgName(node->type) + " does not fit type " + PgName(to),
                  cast != nullptr ? "cast it: (...)::" + to.ToString() : "");
    }
    return Fail(node->offset, "expr.type", std::string(how) + PgName(node->type) + " to " + PgName(to),
                CastHint(node->type, to));
  }
  const size_t offset = node->offset;
  const size_t length = node->length;
  return Call(*cast, to, {std::move(node)}, offset, length);
}

NodePtr Binder::Settle(NodePtr node) {
  if (node && node->type.id() == TypeId::kUnknown) return ParseLiteral(*node, TypeId::kText);
  return node;
}

std::optional<DataType> Binder::Unify(std::vector<NodePtr>& nodes, std::string_view what) {
  TypeClash clash;
  const std::vector<DataType> types = TypesOf(nodes, false);
  const auto type = CommonType(types, &clash);
  if (!type) {
    const std::string one = PgName(clash.common);
    const std::string other = PgName(types[clash.at]);
    const std::string message =
        clash.convert ? (what == "CASE" ? "CASE/WHEN" : std::string(what)) + " could not convert type " +
                            other + " to " + one
                      : std::string(what) + " types " + one + " and " + other + " cannot be matched";
    Fail(nodes[clash.at]->offset, "expr.type", message,
         "cast one of them: (...)::" + clash.common.ToString());
    return std::nullopt;
  }
  for (NodePtr& node : nodes) {
    node = Coerce(node, *type, CastContext::kImplicit);
    if (!node) return std::nullopt;
  }
  return type;
}

}  // namespace streamrun
