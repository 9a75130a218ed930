// From groups to rows of the output: select and having over the results of a window.
#pragma once

#include <optional>
#include <vector>

#include "core/agg/group_table.h"
#include "core/stream/operator.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

/// Evaluates; one per operator instance.
class ResultRows {
 public:
  ResultRows(const AggregationPlan& plan, Env* env);

  /// One row for each of the groups in `slots` that has rows and passes `having`, in that order. `bounds`:
  /// the columns of the window's bounds (none without windows). Keys of the table behind those of the plan
  /// are left out. Rows that cannot be computed fail through `out`. `kept`, if given, gets the positions in
  /// `slots` that have a row; `empty` those whose rows were all taken back.
  BatchPtr Build(const GroupTable& table, const std::vector<uint32_t>& slots,
                 const std::vector<ColumnPtr>& bounds, Output& out, Selection* kept = nullptr,
                 Selection* empty = nullptr);

  /// Bounds and keys of some groups: what a Changelog over the output goes by.
  std::vector<ColumnPtr> Keys(const GroupTable& table, const std::vector<uint32_t>& slots,
                              const std::vector<ColumnPtr>& bounds) const;
  /// One window's bounds for `rows` rows; nothing without windows.
  std::vector<ColumnPtr> Bounds(const Window& window, int64_t rows) const;
  /// Bounds that differ from row to row.
  std::vector<ColumnPtr> Bounds(const std::vector<int64_t>& starts, const std::vector<int64_t>& ends) const;

 private:
  Selection WithRows(const ColumnPtr& counts, Selection* empty) const;

  const AggregationPlan& plan_;
  std::vector<Evaluator> select_;
  std::optional<Evaluator> having_;
};

}  // namespace streamrun
