// Operators, functions and casts: from names and argument types to entries of the table.
#include <algorithm>

#include "core/base/suggest.h"
#include "core/data/text_io.h"
#include "core/expr/bind.h"
#include "core/expr/resolve.h"
#include "core/expr/token.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

std::string ListTypes(const std::vector<NodePtr>& args) {
  std::string out;
  for (size_t i = 0; i < args.size(); ++i) out += (i > 0 ? ", " : "") + PgName(args[i]->type);
  return out;
}

bool IsAggregateName(std::string_view name) {
  static constexpr std::string_view kNames[] = {"count",    "sum",       "avg",        "min",
                                                "max",      "array_agg", "string_agg", "stddev",
                                                "variance", "bool_and",  "bool_or"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// A cast that the user would most likely want, for the hint under a missing operator.
std::string OperatorHint(std::string_view name, const std::vector<NodePtr>& args) {
  if (args.size() != 2) return "add an explicit cast: (...)::type";
  const DataType& a = args[0]->type;
  const DataType& b = args[1]->type;
  if (name == "+" && a.id() == TypeId::kText && b.id() == TypeId::kText) return "text is joined with ||";
  if (name == "==") return "equality is written with one =";
  if (a.id() == TypeId::kText && b.is_numeric()) return "cast the text: (...)::" + b.ToString();
  if (b.id() == TypeId::kText && a.is_numeric()) return "cast the text: (...)::" + a.ToString();
  if (a.id() == TypeId::kJsonb || b.id() == TypeId::kJsonb) {
    return "take a value out of the jsonb first: (value ->> 'field')::type";
  }
  return "add an explicit cast: (...)::type";
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

NodePtr Binder::Call(const Function& function, const DataType& result, std::vector<NodePtr> args,
                     size_t offset, size_t length) {
  MutableNode node = New(Kind::kCall, result, offset, length);
  node->function = &function;
  node->args = std::move(args);
  node->can_fail = !function.has(kTotal);
  node->is_volatile = function.has(kVolatile);
  if (function.prepare != nullptr) {
    std::vector<ColumnPtr> constants;
    for (const NodePtr& arg : node->args) constants.push_back(arg->is_constant() ? arg->value : nullptr);
    auto prepared = function.prepare(constants);
    if (!prepared.ok()) {
      const size_t at = node->args.size() > 1 ? node->args[1]->offset : offset;
      return Fail(at, "expr.pattern", prepared.status().message());
    }
    node->prepared = std::move(prepared).value();
  }
  return Finish(node);
}

NodePtr Binder::Operator(const Ast& ast, std::string_view name, std::vector<NodePtr> args) {
  if (name == "!=") name = "<>";
  const std::span<const Function* const> entries = FunctionsNamed(name);
  bool ambiguous = false;
  auto resolution = Resolve(entries, TypesOf(args, false), true, &ambiguous);
  if (!resolution && !ambiguous) resolution = Resolve(entries, TypesOf(args, true), true, &ambiguous);
  if (!resolution) return NoOperator(ast, name, args, ambiguous);
  return Resolved(ast, *resolution, std::move(args));
}

NodePtr Binder::Resolved(const Ast& ast, const Resolution& resolution, std::vector<NodePtr> args) {
  for (size_t i = 0; i < args.size(); ++i) {
    const Arg want = resolution.arg(i);
    const bool output =
        want == Arg::kOutput && args[i]->type.id() != TypeId::kText && args[i]->type.id() != TypeId::kUnknown;
    if (output) {
      const size_t offset = args[i]->offset;
      const size_t length = args[i]->length;
      args[i] = Call(*FunctionsNamed("output")[0], TypeId::kText, {args[i]}, offset, length);
    } else {
      const bool cast = want == Arg::kCastText;
      args[i] = Coerce(args[i], resolution.args[i], cast ? CastContext::kAssignment : CastContext::kImplicit);
    }
    if (!args[i]) return nullptr;
  }
  return Call(*resolution.function, resolution.result, std::move(args), ast.offset,
              TokenLength(sql_, ast.offset));
}

NodePtr Binder::NoOperator(const Ast& ast, std::string_view name, const std::vector<NodePtr>& args,
                           bool ambiguous) {
  std::string shown = args.size() == 1
                          ? std::string(name) + " " + PgName(args[0]->type)
                          : PgName(args[0]->type) + " " + std::string(name) + " " + PgName(args[1]->type);
  if (ambiguous) {
    return Fail(ast.offset, "expr.ambiguous", "operator is not unique: " + shown,
                "could not choose a best candidate operator: add an explicit cast");
  }
  return Fail(ast.offset, "expr.type", "operator does not exist: " + shown, OperatorHint(name, args));
}

NodePtr Binder::Named(const Ast& ast, std::string_view function, std::vector<NodePtr> args) {
  if (args.empty() && !BindAll(ast, &args)) return nullptr;
  bool ambiguous = false;
  const auto resolution = Resolve(FunctionsNamed(function), TypesOf(args, false), false, &ambiguous);
  if (!resolution) {
    Ast named;
    named.text = function;
    named.offset = ast.offset;
    return NoFunction(named, args, ambiguous);
  }
  return Resolved(ast, *resolution, std::move(args));
}

NodePtr Binder::FunctionCall(const Ast& ast) {
  std::vector<NodePtr> args;
  if (!BindAll(ast, &args)) return nullptr;
  std::span<const Function* const> entries = FunctionsNamed(ast.text);
  if (!entries.empty() && (entries[0]->has(kNoHelp) && !ast.sql_syntax)) entries = {};
  bool ambiguous = false;
  auto resolution = Resolve(entries, TypesOf(args, false), false, &ambiguous);
  if (!resolution && !ambiguous) resolution = Resolve(entries, TypesOf(args, true), false, &ambiguous);
  if (!resolution) {
    // PostgreSQL takes type(x) for a cast when no function fits.
    const auto type = DataType::Parse(ast.text);
    if (args.size() == 1 && entries.empty() && type.ok())
      return Coerce(args[0], *type, CastContext::kExplicit);
    return NoFunction(ast, args, ambiguous);
  }
  return Resolved(ast, *resolution, std::move(args));
}

NodePtr Binder::NoFunction(const Ast& ast, const std::vector<NodePtr>& args, bool ambiguous) {
  const std::string shown = ast.text + "(" + ListTypes(args) + ")";
  if (ambiguous) {
    return Fail(ast.offset, "expr.ambiguous", "function " + shown + " is not unique",
                "could not choose a best candidate function: add an explicit cast");
  }
  std::string hint;
  if (const auto entries = FunctionsNamed(ast.text); !entries.empty()) {
    hint = "there is ";
    for (size_t i = 0; i < entries.size() && i < 4; ++i)
      hint += (i > 0 ? "; " : "") + entries[i]->Signature();
  } else if (IsAggregateName(ast.text)) {
    hint = "aggregates belong into an aggregate operator";
  } else if (const auto near = Nearest(ast.text, FunctionNames())) {
    hint = "did you mean \"" + std::string(*near) + "\"?";
  }
  return Fail(ast.offset, "expr.unknown_function", "function " + shown + " does not exist", hint);
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
    return Fail(node->offset, "expr.type", std::string(how) + PgName(node->type) + " to " + PgName(to));
  }
  const size_t offset = node->offset;
  const size_t length = node->length;
  return Call(*cast, to, {std::move(node)}, offset, length);
}

NodePtr Binder::Settle(NodePtr node) {
  if (node && node->type.id() == TypeId::kUnknown) return ParseLiteral(*node, TypeId::kText);
  return node;
}

NodePtr Binder::Cast(const Ast& ast) {
  const size_t type_offset = std::stoul(ast.names[0]);
  const auto type = DataType::Parse(ast.text);
  if (!type.ok()) {
    return Fail(type_offset, "expr.unknown_type", "type \"" + ast.text + "\" does not exist",
                type.status().message());
  }
  const Ast& argument = *ast.args[0];
  if (argument.kind == Ast::Kind::kArray && argument.args.empty() && type->id() == TypeId::kList) {
    ColumnBuilder builder(*type);
    builder.CloseList();
    return Constant(*type, builder.Finish(), ast.offset, 1);
  }
  if (argument.kind == Ast::Kind::kArray && type->id() == TypeId::kList) {
    // ARRAY[...]::t[] casts the elements, so that their common type does not matter.
    std::vector<NodePtr> elements;
    if (!BindAll(argument, &elements)) return nullptr;
    for (NodePtr& element : elements) {
      element = Coerce(element, type->element(), CastContext::kExplicit);
      if (!element) return nullptr;
    }
    return Named(argument, "array", std::move(elements));
  }
  NodePtr node = Coerce(Bind(argument), *type, CastContext::kExplicit);
  if (!node || ast.number == 0) return node;
  // varchar(n) keeps the first n characters.
  ColumnBuilder builder(TypeId::kInteger);
  builder.Append(static_cast<int32_t>(ast.number));
  return Named(ast, "left", {node, Constant(TypeId::kInteger, builder.Finish(), ast.offset, 1)});
}

std::optional<DataType> Binder::Unify(std::vector<NodePtr>& nodes, std::string_view what) {
  const std::vector<DataType> types = TypesOf(nodes, false);
  const auto type = CommonType(types);
  if (!type) {
    for (size_t i = 1; i < nodes.size(); ++i) {
      if (CommonType({types[0], types[i]})) continue;
      Fail(nodes[i]->offset, "expr.type",
           std::string(what) + " types " + PgName(types[0]) + " and " + PgName(types[i]) +
               " cannot be matched",
           "cast one of them: (...)::" + types[0].ToString());
      return std::nullopt;
    }
    Fail(nodes[0]->offset, "expr.type", std::string(what) + " types cannot be matched");
    return std::nullopt;
  }
  for (NodePtr& node : nodes) {
    node = Coerce(node, *type, CastContext::kImplicit);
    if (!node) return std::nullopt;
  }
  return type;
}

NodePtr Binder::AnyAll(const Ast& ast) {
  NodePtr x = Bind(*ast.args[0]);
  NodePtr list = x ? Bind(*ast.args[1]) : nullptr;
  if (!list) return nullptr;
  if (list->type.id() == TypeId::kUnknown) {
    list = Coerce(list, DataType::List(x->type.id() == TypeId::kUnknown ? DataType(TypeId::kText) : x->type),
                  CastContext::kImplicit);
    if (!list) return nullptr;
  }
  if (list->type.id() != TypeId::kList) {
    return Fail(ast.offset, "expr.type", "op ANY/ALL (array) requires array on right side");
  }
  const bool any = ast.kind == Ast::Kind::kAny;
  static constexpr std::string_view kComparisons[] = {"=", "<>", "<", "<=", ">", ">="};
  if (std::find(std::begin(kComparisons), std::end(kComparisons), ast.text) == std::end(kComparisons)) {
    return Fail(ast.offset, "expr.unsupported",
                "operator " + ast.text + " cannot be used with ANY and ALL here",
                "use one of = <> < <= > >=");
  }
  const auto type = CommonType({x->type, list->type.element()});
  if (!type || !(*type == list->type.element())) {
    return Fail(
        ast.offset, "expr.type",
        "operator does not exist: " + PgName(x->type) + " " + ast.text + " " + PgName(list->type.element()),
        "cast the left side: (...)::" + list->type.element().ToString());
  }
  x = Coerce(x, *type, CastContext::kImplicit);
  return x ? Named(ast, std::string(any ? "any " : "all ") + ast.text, {x, list}) : nullptr;
}

}  // namespace streamrun
