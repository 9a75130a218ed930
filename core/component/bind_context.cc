#include "core/component/bind_context.h"

namespace streamrun {

ExpressionPtr BindContext::Report(const Sql& sql, const ExprProblem& problem) {
  if (sql.value.broken()) {
    diagnostics_.ErrorAt(sql.value, problem.code, problem.message);  // counts, says nothing
    return nullptr;
  }
  diagnostics_.Error(sql.value.At(problem.offset), problem.code, problem.message, problem.suggestion,
                     static_cast<int>(problem.length));
  return nullptr;
}

ExpressionPtr BindContext::Bind(const Sql& sql, const Scope& scope) {
  ExprProblem problem;
  Result<ExpressionPtr> bound = BindExpression(sql.text, scope, &problem);
  return bound.ok() ? *bound : Report(sql, problem);
}

ExpressionPtr BindContext::BindAs(const Sql& sql, const Scope& scope, const DataType& type) {
  ExprProblem problem;
  Result<ExpressionPtr> bound = BindExpressionAs(sql.text, scope, type, &problem);
  return bound.ok() ? *bound : Report(sql, problem);
}

bool BindContext::CheckRepeatable(const Sql& sql, const Expression& expression, const Schema& input) {
  if (!input.changes || !expression.is_volatile()) return true;
  diagnostics_.ErrorAt(
      sql.value, "expr.volatile_on_changes",
      "the input carries changes, and this expression may give another value for the same row",
      "compute it before the node that makes the changes");
  return false;
}

int BindContext::Column(const ConfigValue& name, const Schema& schema) {
  const int index = schema.Find(name.text());
  if (index >= 0) return index;
  if (index == -2) {
    diagnostics_.ErrorAt(name, "schema.ambiguous_column",
                         "column '" + name.text() + "' is ambiguous: several differ only in case",
                         "write it in the case it has in the schema");
    return -1;
  }
  std::vector<std::string_view> names;
  for (const Field& field : schema.fields()) names.push_back(field.name);
  std::string suggestion = DidYouMean(name.text(), names);
  if (suggestion.empty()) suggestion = "the columns are: " + schema.ToString();
  diagnostics_.ErrorAt(name, "schema.unknown_column", "column '" + name.text() + "' does not exist",
                       std::move(suggestion));
  return -1;
}

}  // namespace streamrun
