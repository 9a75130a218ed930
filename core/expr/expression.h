// SQL scalar expressions: text -> bound tree -> columns.
//
// The language is PostgreSQL 15's scalar expression syntax, parsed by PostgreSQL's own grammar (libpg_query),
// with its types, null logic and results. Binding needs only schemas, so everything is type-checked when a
// pipeline file is validated; evaluation works on whole columns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/data/batch.h"
#include "core/data/row_failure.h"
#include "core/data/selection.h"
#include "core/data/value.h"

namespace streamrun {

/// What names an expression may use: relations in order; column i of relation r has the flat number
/// (sum of earlier sizes) + i.
struct Scope {
  struct Relation {
    std::string name;  // qualifier, "" for none
    SchemaPtr schema;
  };
  std::vector<Relation> relations;

  Scope() = default;
  explicit Scope(SchemaPtr schema) { relations.push_back({"", std::move(schema)}); }
};

/// Why an expression does not bind, with the place inside its text.
struct ExprProblem {
  size_t offset = 0;  // bytes into the expression text
  size_t length = 1;
  std::string code;        // "expr.syntax", "expr.unknown_column", "expr.type", ...
  std::string message;     // PostgreSQL's wording where it has one
  std::string suggestion;  // may be empty
};

struct ExprNode;  // the tree, internal to core/expr

/// A bound, type-checked, constant-folded expression. Immutable, safe to share between threads.
class Expression {
 public:
  explicit Expression(std::shared_ptr<const ExprNode> root, std::string text);
  ~Expression();

  const DataType& type() const;
  /// Flat column numbers it reads, ascending, each once.
  const std::vector<int>& columns() const { return columns_; }
  /// May a row fail (division, overflow, cast)?
  bool can_fail() const { return can_fail_; }
  /// Depends on something else than its columns (random(), clock_timestamp()).
  bool is_volatile() const { return volatile_; }
  /// The value when it reads no column and cannot fail or vary.
  const std::optional<Value>& constant() const { return constant_; }
  /// The flat column when the expression is nothing but that column, else -1.
  int column() const { return column_; }
  /// As written.
  const std::string& text() const { return text_; }
  const ExprNode& root() const { return *root_; }

 private:
  std::shared_ptr<const ExprNode> root_;
  std::string text_;
  std::vector<int> columns_;
  bool can_fail_ = false;
  bool volatile_ = false;
  std::optional<Value> constant_;
  int column_ = -1;
};
using ExpressionPtr = std::shared_ptr<const Expression>;

/// Parses and binds `sql`. On failure returns InvalidArgument and fills `problem` (which must not be null).
/// A result of unknown type (a bare string literal or NULL) becomes text, as in PostgreSQL.
Result<ExpressionPtr> BindExpression(std::string_view sql, const Scope& scope, ExprProblem* problem);

/// The same, with the result assignment-cast to `type` where PostgreSQL's INSERT would; an expression of
/// another kind of type is a problem that names both types.
Result<ExpressionPtr> BindExpressionAs(std::string_view sql, const Scope& scope, const DataType& type,
                                       ExprProblem* problem);

/// `a AND b AND ...` of a bound predicate split into `left = right` pairs where left reads only relation 0
/// and right only relation 1. Returns false when a conjunct has another form. Used by look-ups and joins.
bool SplitEquiJoin(const Expression& predicate, const Scope& scope, std::vector<ExpressionPtr>* left,
                   std::vector<ExpressionPtr>* right);

/// Evaluates one expression; keeps scratch memory between batches. One per thread.
class Evaluator {
 public:
  Evaluator(ExpressionPtr expression, Env* env);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;

  const Expression& expression() const { return *expression_; }

  /// One value per row of `columns` (flat numbering; pruned ones may be null pointers if unused). Rows that
  /// fail are appended to `failures` in ascending order, once each, and are null in the result. A plain
  /// column reference returns the column itself.
  ColumnPtr Evaluate(const std::vector<ColumnPtr>& columns, int64_t rows, std::vector<RowFailure>* failures);
  /// Rows for which a boolean expression is true (null counts as false).
  Selection Select(const std::vector<ColumnPtr>& columns, int64_t rows, std::vector<RowFailure>* failures);

 private:
  struct State;
  ExpressionPtr expression_;
  std::unique_ptr<State> state_;
};

}  // namespace streamrun
