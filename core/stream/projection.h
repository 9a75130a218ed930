// New columns out of old ones: what map and enrich have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/data/batch.h"
#include "core/data/row_failure.h"
#include "core/data/selection.h"
#include "core/expr/expression.h"

namespace streamrun {

/// One output column: an input column as it is (shared, never copied) or an expression over the input
/// columns. An expression that is nothing but a column counts as that column.
struct ProjectedColumn {
  std::string name;
  int source = -1;           // flat input column, or -1: see expression
  ExpressionPtr expression;  // null when source >= 0

  static ProjectedColumn Of(std::string name, int source) { return {std::move(name), source, nullptr}; }
  static ProjectedColumn Of(std::string name, ExpressionPtr expression) {
    const int column = expression->column();
    return {std::move(name), column, column >= 0 ? nullptr : std::move(expression)};
  }
  bool can_fail() const { return expression && expression->can_fail(); }
};

/// Marks in `needed` (one per flat input column) what the columns read when `wanted` of them are wanted. A
/// column that can fail counts as wanted always: which rows leave by `errors` must not depend on what is read
/// downstream.
void AddNeeded(const std::vector<ProjectedColumn>& columns, const std::vector<bool>& wanted,
               std::vector<bool>* needed);

/// The schema of the columns. The event-time and window marks of `input` move with their columns (to the
/// first place where one is passed on); `input` is the relation that flat columns count from and gives
/// `changes`.
SchemaPtr ProjectedSchema(const std::vector<ProjectedColumn>& columns, const Scope& scope,
                          const Schema& input);

/// Evaluates such columns; keeps scratch memory between batches. One per thread.
class Projection {
 public:
  /// `wanted` says which results anyone reads; null for all. Copied.
  Projection(std::vector<ProjectedColumn> columns, const std::vector<bool>* wanted, Env* env);

  /// One column per result, `rows` long. A result that is not wanted, or reads a pruned column, is pruned
  /// itself unless it can fail. `failures` gets the rows that failed in any expression: ascending, each once,
  /// with the reason of the first expression that failed.
  std::vector<ColumnPtr> Evaluate(const std::vector<ColumnPtr>& columns, int64_t rows,
                                  std::vector<RowFailure>* failures);

 private:
  bool Skipped(size_t i, const std::vector<ColumnPtr>& columns) const;

  std::vector<ProjectedColumn> columns_;
  std::vector<bool> wanted_;
  std::vector<std::optional<Evaluator>> evaluators_;
};

/// Adds `more` to `failures`, both ascending; a row that is in both keeps its entry in `failures`.
void MergeFailures(std::vector<RowFailure> more, std::vector<RowFailure>* failures);

/// The rows of [0, rows) that did not fail.
Selection RowsWithout(int64_t rows, const std::vector<RowFailure>& failures);

}  // namespace streamrun
