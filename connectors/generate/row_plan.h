// What the generate source makes its rows with: a plan fixed at validate time, and a filler per running
// instance.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/env.h"
#include "core/data/batch.h"
#include "core/data/row_failure.h"

namespace streamrun::generate {

/// Makes rows of one plan. One per instance; not thread-safe.
class RowFiller {
 public:
  virtual ~RowFiller() = default;
  /// Rows [first, first + rows) of the endless table that the plan describes. Rows whose expressions fail are
  /// listed in `failures`, ascending, once each, and stay in the batch.
  virtual std::vector<ColumnPtr> Fill(int64_t first, int64_t rows, std::vector<RowFailure>* failures) = 0;
};

/// Immutable, shared between threads.
class RowPlan {
 public:
  virtual ~RowPlan() = default;

  SchemaPtr schema;
  /// Rows that make about one batch (256 KiB).
  int64_t block_rows = 8192;
  /// The same row number gives the same row (no volatile expression).
  bool repeatable = true;

  /// `wanted` per schema column; false = may stay null (pruned). Empty = all.
  virtual std::unique_ptr<RowFiller> Create(Env* env, std::vector<bool> wanted) const = 0;
};
using RowPlanPtr = std::shared_ptr<const RowPlan>;

/// Batch target of the links (DECISIONS 8) in rows of `row_bytes`.
inline int64_t BlockRows(int64_t row_bytes) {
  const int64_t rows = 256 * 1024 / (row_bytes < 1 ? 1 : row_bytes);
  return rows < 64 ? 64 : (rows > 8192 ? 8192 : rows);
}

}  // namespace streamrun::generate
