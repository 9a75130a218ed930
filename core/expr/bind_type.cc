// Casts that are asked for: the type's name and modifiers, x::numeric(10,2), interval '10' minute.
#include <algorithm>

#include "core/data/column_builder.h"
#include "core/expr/bind.h"
#include "core/expr/interval_fields.h"
#include "core/expr/token.h"

namespace streamrun {

namespace {

// Types of PostgreSQL that are not there, and what to write.
struct OtherType {
  std::string_view name;  // as the grammar gives it
  std::string_view shown;
  std::string_view instead;
};
constexpr OtherType kOtherTypes[] = {{"int2", "smallint", "use integer"},
                                     {"float4", "real", "use double precision"},
                                     {"bpchar", "character", "use text, or varchar(n) to cut"},
                                     {"char", "\"char\"", "use text"},
                                     {"name", "name", "use text"},
                                     {"json", "json", "use jsonb"},
                                     {"time", "time", "use interval: time of day since midnight"},
                                     {"timetz", "time with time zone", "use timestamptz"},
                                     {"money", "money", "use numeric"},
                                     {"bit", "bit", "use integer or bytea"},
                                     {"varbit", "bit varying", "use integer or bytea"},
                                     {"xml", "xml", "use text"},
                                     {"oid", "oid", "use bigint"},
                                     {"regclass", "regclass", "use text"},
                                     {"regtype", "regtype", "use text"},
                                     {"cidr", "cidr", "use inet"},
                                     {"macaddr", "macaddr", "use text"},
                                     {"macaddr8", "macaddr8", "use text"},
                                     {"point", "point", "use two columns of type double precision"},
                                     {"tsvector", "tsvector", "use regular expressions"},
                                     {"tsquery", "tsquery", "use regular expressions"},
                                     {"record", "record", "use jsonb"},
                                     {"int4range", "int4range", "use two columns and BETWEEN"},
                                     {"int8range", "int8range", "use two columns and BETWEEN"},
                                     {"numrange", "numrange", "use two columns and BETWEEN"},
                                     {"daterange", "daterange", "use two columns and BETWEEN"},
                                     {"tsrange", "tsrange", "use two columns and BETWEEN"},
                                     {"tstzrange", "tstzrange", "use two columns and BETWEEN"}};

std::string_view BaseName(std::string_view name) {
  return name.ends_with("[]") ? name.substr(0, name.size() - 2) : name;
}

// The nearest type if the message knows one, else all there are.
std::string TypeHint(const std::string& message) {
  const size_t near = message.find("did you mean");
  if (near != std::string::npos) return message.substr(near);
  return "types: boolean, integer, bigint, double precision, numeric, text, bytea, date, timestamp, "
         "timestamptz, "
         "interval, jsonb, uuid, inet, and arrays of them";
}

}  // namespace

std::optional<DataType> Binder::CastType(const Ast& ast) {
  const std::string_view base = BaseName(ast.text);
  for (const OtherType& other : kOtherTypes) {
    if (other.name != base) continue;
    Fail(ast.type_offset, "expr.unsupported", "type " + std::string(other.shown) + " is not supported",
         std::string(other.instead));
    return std::nullopt;
  }
  std::string name = ast.text;
  // A JSON path is checked where it is used.
  if (base == "jsonpath") name.replace(0, base.size(), "text");
  const std::vector<int>& m = ast.modifiers;
  if (base == "numeric" && !m.empty()) {
    const int scale = m.size() > 1 ? m[1] : 0;
    if (m[0] < 1 || m[0] > 38) {
      const bool ours = m[0] > 38 && m[0] <= 1000;
      Fail(ast.type_offset, "expr.type",
           "NUMERIC precision " + std::to_string(m[0]) + " must be between 1 and " + (ours ? "38" : "1000"),
           "numeric has at most 38 digits here");
      return std::nullopt;
    }
    if (scale < -1000 || scale > 1000) {
      Fail(ast.type_offset, "expr.type",
           "NUMERIC scale " + std::to_string(scale) + " must be between -1000 and 1000");
      return std::nullopt;
    }
    const bool column_type = scale >= 0 && scale <= m[0];
    if (column_type) {
      const DataType decimal = DataType::Decimal(m[0], scale);
      return base == ast.text ? decimal : DataType::List(decimal);
    }
  }
  const auto type = DataType::Parse(name);
  if (type.ok()) return *type;
  Fail(ast.type_offset, "expr.unknown_type", "type \"" + ast.text + "\" does not exist",
       TypeHint(type.status().message()));
  return std::nullopt;
}

NodePtr Binder::CastArray(const Ast& array, const DataType& type) {
  if (array.args.empty()) {
    ColumnBuilder builder(type);
    builder.CloseList();
    return Constant(type, builder.Finish(), array.offset, 1);
  }
  // ARRAY[...]::t[] casts the elements, so that their common type does not matter.
  std::vector<NodePtr> elements;
  if (!BindAll(array, &elements)) return nullptr;
  for (NodePtr& element : elements) {
    if (element->type.id() == TypeId::kList) {
      return Fail(element->offset, "expr.unsupported", "arrays of arrays are not supported", "use jsonb");
    }
    element = Coerce(element, type.element(), CastContext::kExplicit);
    if (!element) return nullptr;
  }
  return Named(array, "array", std::move(elements));
}

NodePtr Binder::Cast(const Ast& ast) {
  const auto type = CastType(ast);
  if (!type) return nullptr;
  const Ast& argument = *ast.args[0];
  if (argument.kind == Ast::Kind::kArray && type->id() == TypeId::kList) {
    NodePtr array = CastArray(argument, *type);
    return array ? Modified(ast, array) : nullptr;
  }
  NodePtr node;
  if (type->id() == TypeId::kInterval && argument.kind == Ast::Kind::kString && !ast.modifiers.empty()) {
    MutableNode literal = New(Kind::kConstant, TypeId::kUnknown, argument);
    literal->literal = WithIntervalUnits(argument.text, ast.modifiers[0]);
    node = literal;
  } else {
    node = Bind(argument);
  }
  node = Coerce(std::move(node), *type, CastContext::kExplicit);
  if (node && node->decimal_literal) {
    // 1.5::double precision has said what it is.
    auto typed = std::make_shared<ExprNode>(*node);
    typed->decimal_literal = false;
    node = std::move(typed);
  }
  return node ? Modified(ast, node) : nullptr;
}

// What a modifier does beyond the type: varchar(3), timestamp(0), interval day, numeric(3,-2).
NodePtr Binder::Modified(const Ast& ast, NodePtr node) {
  const std::vector<int>& m = ast.modifiers;
  const TypeId id = node->type.id();
  if (m.empty() || id == TypeId::kDecimal) return node;
  if (id == TypeId::kList) {
    if (node->type.element().id() == TypeId::kDecimal) return node;
    return Fail(ast.type_offset, "expr.unsupported", "type modifiers of array elements are not supported",
                "leave the modifier out");
  }
  std::vector<NodePtr> args{std::move(node)};
  for (const int modifier : m) args.push_back(ConstantInteger(modifier, ast));
  switch (id) {
    case TypeId::kNumeric:
      if (m.size() == 1) args.push_back(ConstantInteger(0, ast));
      return Named(ast, "numeric_modifier", std::move(args));
    case TypeId::kText:
      if (m[0] < 1) {
        return Fail(ast.type_offset, "expr.type", "length for type varchar must be at least 1");
      }
      return Named(ast, "left", std::move(args));
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return Named(ast, "timestamp_modifier", std::move(args));
    case TypeId::kInterval:
      if (m.size() == 1) args.push_back(ConstantInteger(6, ast));
      return Named(ast, "interval_modifier", std::move(args));
    default:
      return Fail(ast.type_offset, "expr.unsupported",
                  "type modifier is not allowed for type \"" + ast.text + "\"");
  }
}

}  // namespace streamrun
