// From groups to rows of the output: select and having over the results of a window.
#pragma once

#include <vector>

#include "core/agg/group_table.h"
#include "core/stream/operator.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

/// Evaluates; one per operator instance.
class ResultRows {
 public:
  ResultRows(const AggregationPlan& plan, Env* env);

  /// One row for each of the groups in `slots` that passes `having`, in that order. Rows that cannot be
  /// computed fail through `out`. `kept`, if given, gets the positions in `slots` that have a row.
  BatchPtr Build(const GroupTable& table, const std::vector<uint32_t>& slots, const Window& window,
                 Output& out, Selection* kept = nullptr);

 private:
  std::vector<ColumnPtr> GroupColumns(const GroupTable& table, const std::vector<uint32_t>& slots,
                                      const Window& window, std::vector<RowFailure>* failures) const;

  const AggregationPlan& plan_;
  std::vector<Evaluator> select_;
  std::optional<Evaluator> having_;
};

}  // namespace streamrun
