#include "core/expr/canonical_text.h"

#include <algorithm>

namespace streamrun {

namespace {

using Kind = Ast::Kind;

std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) quoted.append(c == quote ? 2 : 1, c);
  return quoted + quote;
}

std::string Name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  const bool bare =
      !name.empty() && std::all_of(name.begin(), name.end(), plain) && (name[0] < '0' || name[0] > '9');
  return bare ? std::string(name) : Quoted(name, '"');
}

std::string Names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ".") + Name(name);
  return text;
}

std::string Text(const AstPtr& ast) { return ast ? CanonicalText(*ast) : std::string(); }

// What binds as closely as a function call needs no brackets among operands.
std::string Operand(const AstPtr& ast) {
  switch (ast->kind) {
    case Kind::kNull:
    case Kind::kBoolean:
    case Kind::kString:
    case Kind::kColumn:
    case Kind::kNullIf:
    case Kind::kCase:
    case Kind::kCoalesce:
    case Kind::kGreatest:
    case Kind::kLeast:
    case Kind::kCast:
    case Kind::kArray:
    case Kind::kRow:
    case Kind::kCall:
    case Kind::kSubscript:
    case Kind::kSlice:
      return CanonicalText(*ast);
    case Kind::kInteger:
      return ast->number < 0 ? "(" + CanonicalText(*ast) + ")" : CanonicalText(*ast);
    case Kind::kDecimal:
      return ast->text.starts_with('-') ? "(" + CanonicalText(*ast) + ")" : CanonicalText(*ast);
    default:
      return "(" + CanonicalText(*ast) + ")";
  }
}

std::string List(const std::vector<AstPtr>& args, size_t from = 0) {
  std::string text;
  for (size_t i = from; i < args.size(); ++i) text += (i > from ? ", " : "") + Text(args[i]);
  return text;
}

std::string Joined(const Ast& ast, std::string_view word) {
  std::string text;
  for (const AstPtr& arg : ast.args) text += (text.empty() ? "" : std::string(word)) + Operand(arg);
  return text;
}

std::string Operator(const Ast& ast) {
  if (ast.args.size() == 1) return ast.text + " " + Operand(ast.args[0]);
  return Joined(ast, " " + ast.text + " ");
}

std::string Between(const Ast& ast) {
  return Operand(ast.args[0]) + ((ast.number & 1) != 0 ? " not" : "") + " between" +
         ((ast.number & 2) != 0 ? " symmetric " : " ") + Operand(ast.args[1]) + " and " +
         Operand(ast.args[2]);
}

std::string Case(const Ast& ast) {
  size_t i = 0;
  std::string text = "case";
  if (ast.number == 1) text += " " + Operand(ast.args[i++]);
  for (; i + 1 < ast.args.size(); i += 2) {
    text += " when " + Text(ast.args[i]) + " then " + Text(ast.args[i + 1]);
  }
  if (ast.args.back()) text += " else " + Text(ast.args.back());
  return text + " end";
}

std::string Cast(const Ast& ast) {
  std::string text = "cast(" + Text(ast.args[0]) + " as " + ast.text;
  for (size_t i = 0; i < ast.modifiers.size(); ++i) {
    text += (i == 0 ? "(" : ",") + std::to_string(ast.modifiers[i]);
  }
  return text + (ast.modifiers.empty() ? ")" : "))");
}

std::string Arguments(const Ast& ast) {
  if (ast.star) return "*";
  std::string text;
  for (size_t i = 0; i < ast.args.size(); ++i) {
    if (i > 0) text += ", ";
    if (ast.variadic && i + 1 == ast.args.size()) text += "variadic ";
    if (i < ast.arg_names.size() && !ast.arg_names[i].empty()) text += Name(ast.arg_names[i]) + " => ";
    text += Text(ast.args[i]);
  }
  return text;
}

// Functions that came from syntax such as EXTRACT(... FROM ...) are told by their function.
std::string Call(const Ast& ast) {
  std::string text = Name(ast.text) + (ast.distinct ? "(distinct " : "(") + Arguments(ast);
  const std::string order = ast.order.empty() ? "" : "order by " + CanonicalText(ast.order);
  if (!order.empty() && !ast.within_group) text += " " + order;
  text += ")";
  if (ast.within_group) text += " within group (" + order + ")";
  if (ast.filter) text += " filter (where " + Text(ast.filter) + ")";
  return text;
}

std::string Brackets(const Ast& ast) {
  const std::string inside =
      ast.kind == Kind::kSlice ? Text(ast.args[1]) + ":" + Text(ast.args[2]) : Text(ast.args[1]);
  return Operand(ast.args[0]) + "[" + inside + "]";
}

std::string In(const Ast& ast) {
  return Operand(ast.args[0]) + (ast.kind == Kind::kNotIn ? " not in (" : " in (") + List(ast.args, 1) + ")";
}

std::string Quantified(const Ast& ast) {
  return Operand(ast.args[0]) + " " + ast.text + (ast.kind == Kind::kAny ? " any (" : " all (") +
         Text(ast.args[1]) + ")";
}

}  // namespace

std::string CanonicalText(const Ast& ast) {
  switch (ast.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return ast.number != 0 ? "true" : "false";
    case Kind::kInteger:
      return std::to_string(ast.number);
    case Kind::kDecimal:
      return ast.text;
    case Kind::kString:
      return Quoted(ast.text, '\'');
    case Kind::kColumn:
      return Names(ast.names);
    case Kind::kOperator:
      return Operator(ast);
    case Kind::kAnd:
      return Joined(ast, " and ");
    case Kind::kOr:
      return Joined(ast, " or ");
    case Kind::kNot:
      return "not " + Operand(ast.args[0]);
    case Kind::kIsNull:
      return Operand(ast.args[0]) + " is null";
    case Kind::kIsNotNull:
      return Operand(ast.args[0]) + " is not null";
    case Kind::kBooleanTest: {
      std::string test = ast.text;
      std::replace(test.begin(), test.end(), '_', ' ');
      return Operand(ast.args[0]) + " " + test;
    }
    case Kind::kDistinct:
      return Joined(ast, " is distinct from ");
    case Kind::kNotDistinct:
      return Joined(ast, " is not distinct from ");
    case Kind::kNullIf:
      return "nullif(" + List(ast.args) + ")";
    case Kind::kIn:
    case Kind::kNotIn:
      return In(ast);
    case Kind::kBetween:
      return Between(ast);
    case Kind::kAny:
    case Kind::kAll:
      return Quantified(ast);
    case Kind::kCase:
      return Case(ast);
    case Kind::kCoalesce:
      return "coalesce(" + List(ast.args) + ")";
    case Kind::kGreatest:
      return "greatest(" + List(ast.args) + ")";
    case Kind::kLeast:
      return "least(" + List(ast.args) + ")";
    case Kind::kCast:
      return Cast(ast);
    case Kind::kArray:
      return "array[" + List(ast.args) + "]";
    case Kind::kRow:
      return "row(" + List(ast.args) + ")";
    case Kind::kCollate:
      return Operand(ast.args[0]) + " collate " + Name(ast.text);
    case Kind::kCall:
      return Call(ast);
    case Kind::kSubscript:
    case Kind::kSlice:
      return Brackets(ast);
  }
  return {};
}

std::string CanonicalText(std::string_view sql) {
  ExprProblem problem;
  const AstPtr ast = ParseExpression(sql, &problem, {.aggregates = true});
  return ast ? CanonicalText(*ast) : std::string(sql);
}

std::string CanonicalText(const std::vector<OrderKey>& keys) {
  std::string text;
  for (const OrderKey& key : keys) {
    text += (text.empty() ? "" : ", ") + Operand(key.expr) + (key.descending ? " desc" : " asc") +
            (key.nulls_first ? " nulls first" : " nulls last");
  }
  return text;
}

std::string CanonicalTexts(const std::vector<ExpressionPtr>& expressions) {
  std::string text;
  for (const ExpressionPtr& expression : expressions) {
    text += (text.empty() ? "" : ", ") + CanonicalText(expression->text());
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace streamrun
