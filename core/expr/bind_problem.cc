// What the binder says about names and calls that mean nothing: PostgreSQL's sentence, and a way out.
#include <algorithm>

#include "core/base/suggest.h"
#include "core/expr/argument_names.h"
#include "core/expr/bind.h"
#include "core/expr/known_names.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

// Does an entry fit but for the type of an array, which nothing tells?
bool OnlyUntypedArrays(std::span<const Function* const> entries, const std::vector<NodePtr>& args) {
  for (const Function* f : entries) {
    if (f->arity() != args.size() || f->args[0] != Arg::kElements) continue;
    const bool untyped = args[0]->type.id() == TypeId::kUnknown;
    if (untyped && std::find(f->args.begin(), f->args.end(), Arg::kElement) == f->args.end()) return true;
  }
  return false;
}

// Overloads that a hint lists.
constexpr size_t kMaxSignatures = 6;

std::string ListTypes(const std::vector<NodePtr>& args) {
  std::string out;
  for (size_t i = 0; i < args.size(); ++i) out += (i > 0 ? ", " : "") + PgName(args[i]->type);
  return out;
}

bool IsPattern(std::string_view op) { return op.find('~') != std::string_view::npos && op != "~"; }

bool IsJsonOperator(std::string_view op) {
  return op.starts_with("->") || op.starts_with("#>") || op[0] == '?';
}

std::string PrefixHint(std::string_view name, const DataType& type) {
  if (name == "!") return "write NOT";
  if (type.id() == TypeId::kText) return "cast the text: (...)::numeric";
  return "add an explicit cast: (...)::numeric";
}

// A cast that the user would most likely want, for the hint under a missing operator.
std::string OperatorHint(std::string_view name, const std::vector<NodePtr>& args) {
  const DataType& a = args[0]->type;
  if (args.size() != 2) return PrefixHint(name, a);
  const DataType& b = args[1]->type;
  const auto either = [&](auto is) { return is(a.id()) || is(b.id()); };
  const auto is_text = [](TypeId id) { return id == TypeId::kText; };
  if (name == "+" && a.id() == TypeId::kText && b.id() == TypeId::kText) return "text is joined with ||";
  if (name == "==") return "equality is written with one =";
  if (name == "&&" && a.id() != TypeId::kList) return "write AND";
  if (name == "||") return "one side must be text: (...)::text";
  if (IsPattern(name) || name == "~") {
    return a.id() == TypeId::kText ? "the pattern must be text" : "only text is matched: (...)::text";
  }
  if (IsJsonOperator(name) && a.id() != TypeId::kJsonb) return "the left side must be jsonb: (...)::jsonb";
  if (either(is_text) && a.is_numeric() != b.is_numeric()) {
    return "cast the text: (...)::" + (a.is_numeric() ? a : b).ToString();
  }
  if (either([](TypeId id) { return id == TypeId::kJsonb; })) {
    return "take a value out of the jsonb first: (value ->> 'field')::type";
  }
  const bool time = either([](TypeId id) { return TypeCategory(id) == 'D' || id == TypeId::kInterval; });
  if (time && (a.is_numeric() || b.is_numeric())) return "use an interval: interval '1 day'";
  if (either([](TypeId id) { return id == TypeId::kBoolean; })) return "cast the boolean: (...)::integer";
  return "add an explicit cast: (...)::type";
}

}  // namespace

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

bool Binder::NotAnAggregate(const Ast& ast) {
  const auto refuse = [&](std::string message, std::string hint) {
    Fail(ast.offset, "expr.unsupported", std::move(message), std::move(hint));
    return true;
  };
  const bool known = !FunctionsNamed(ast.text).empty();
  const bool claimed = hook_ != nullptr && hook_->Claims(ast.text);
  if (!known && !claimed && IsAggregateName(ast.text)) {
    return refuse("aggregate functions are not allowed in expressions: " + ast.text,
                  "use an aggregate operator and refer to its result by name");
  }
  if (!known && IsWindowName(ast.text)) {
    return refuse("window functions are not allowed in expressions: " + ast.text,
                  "use an aggregate or top operator");
  }
  if (!known && IsSetName(ast.text)) {
    return refuse("set-returning functions are not allowed in expressions: " + ast.text,
                  "use the unnest operator: one row for every element");
  }
  std::string_view what = ast.star             ? "*"
                          : ast.distinct       ? "DISTINCT"
                          : ast.within_group   ? "WITHIN GROUP"
                          : !ast.order.empty() ? "ORDER BY"
                          : ast.filter         ? "FILTER"
                                               : "";
  if (what.empty()) return false;
  return refuse(std::string(what) + " specified, but " + ast.text + " is not an aggregate function",
                "leave " + std::string(what) + " out");
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

NodePtr Binder::NoNamed(const Ast& ast, const std::vector<NodePtr>& args) {
  std::string shown = ast.text + "(";
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0) shown += ", ";
    if (!ast.arg_names[i].empty()) shown += ast.arg_names[i] + " => ";
    shown += PgName(args[i]->type);
  }
  std::string hint = "its arguments have no names: write them in their order";
  if (const auto names = ArgumentNames(ast.text); !names.empty()) {
    hint = "its arguments are";
    for (size_t i = 0; i < names.size(); ++i) hint += (i > 0 ? ", " : " ") + std::string(names[i].name);
  } else if (FunctionsNamed(ast.text).empty()) {
    return NoFunction(ast, args, false);
  }
  return Fail(ast.offset, "expr.unknown_function", "function " + shown + ") does not exist", hint);
}

NodePtr Binder::NoFunction(const Ast& ast, const std::vector<NodePtr>& args, bool ambiguous) {
  const std::string shown = (ast.sql_syntax ? "pg_catalog." : "") + ast.text + "(" + ListTypes(args) + ")";
  if (ambiguous) {
    return Fail(ast.offset, "expr.ambiguous", "function " + shown + " is not unique",
                "could not choose a best candidate function: add an explicit cast");
  }
  if (OnlyUntypedArrays(FunctionsNamed(ast.text), args)) {
    return Fail(ast.offset, "expr.type",
                "could not determine polymorphic type because input has type unknown",
                "say the type of the array: (...)::text[]");
  }
  std::string hint = InsteadOf(ast.text);
  if (const auto entries = FunctionsNamed(ast.text); !entries.empty() && !entries[0]->has(kNoHelp)) {
    hint = "there is ";
    for (size_t i = 0; i < entries.size() && i < kMaxSignatures; ++i)
      hint += (i > 0 ? "; " : "") + entries[i]->Signature();
    if (entries.size() > kMaxSignatures) hint += "; ...";
  } else if (const auto near = Nearest(ast.text, FunctionNames()); near && hint.empty()) {
    hint = "did you mean \"" + std::string(*near) + "\"?";
  }
  return Fail(ast.offset, "expr.unknown_function", "function " + shown + " does not exist", hint);
}

}  // namespace streamrun
