// A bounded table held in memory, indexed by key: the right-hand side of a look-up.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/base/env.h"
#include "core/data/key_index.h"
#include "core/data/row_failure.h"
#include "core/expr/expression.h"
#include "core/stream/table.h"

namespace streamrun {

/// One side of an equi-join: expressions, and casts to the type both sides share (null where there is none).
struct KeySide {
  std::vector<ExpressionPtr> expressions;
  std::vector<ExpressionPtr> casts;  // over one column, the expression's result

  bool can_fail() const;
};

/// Splits a bound `a = x AND b = y` over two relations into its sides and settles a common type for each
/// pair. InvalidArgument says in one sentence why that cannot be done.
Status SplitKey(const Expression& on, const Scope& scope, KeySide* left, KeySide* right);

/// Computes one side for many rows. One per thread.
class KeyColumns {
 public:
  KeyColumns(const KeySide& side, Env* env);
  /// `columns` in flat numbering. `failures` is ascending, each row once.
  std::vector<ColumnPtr> Evaluate(const std::vector<ColumnPtr>& columns, int64_t rows,
                                  std::vector<RowFailure>* failures);

 private:
  std::vector<Evaluator> keys_;
  std::vector<std::optional<Evaluator>> casts_;
};

/// The loaded rows; all columns are one row longer than the table: the last one is null everywhere, for rows
/// that find no partner.
struct LookupTable {
  std::vector<ColumnPtr> columns;  // null where not used
  int64_t rows = 0;
  KeyIndex index;
};

/// Loads a table whole, again and again when it changes. One per thread.
class LookupLoader {
 public:
  /// `used`: which columns to hold, one per column of the table; must include those that the key reads. `key`
  /// is in flat numbering behind `before` columns of another relation.
  LookupLoader(const std::shared_ptr<const TableFactory>& table, const KeySide& key, int before,
               std::vector<bool> used, Env* env);

  /// TableReader::Version.
  Result<std::string> Version() { return reader_->Version(); }
  /// An unreadable table, a malformed record, a key that cannot be computed, a key that is there twice (both
  /// rows are named) or a column beyond 1 GiB is an error.
  Result<std::unique_ptr<LookupTable>> Load();

 private:
  Result<std::vector<ColumnPtr>> JoinBatches(const std::vector<BatchPtr>& batches, int64_t* rows) const;

  SchemaPtr schema_;
  std::vector<bool> used_;
  int before_;
  KeyColumns key_;
  std::unique_ptr<TableReader> reader_;
};

}  // namespace streamrun
