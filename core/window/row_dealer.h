// Rows of a batch by the slice that they belong to: what windows of time do first.
#pragma once

#include <map>
#include <vector>

#include "core/stream/operator.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

/// One per operator instance. `plan` outlives it.
class RowDealer {
 public:
  struct Rows {
    Selection added;
    Selection taken_back;  // update_before and delete
  };

  explicit RowDealer(const AggregationPlan& plan);

  /// Null without windows.
  const Slices* windows() const { return windows_ ? &*windows_ : nullptr; }

  /// Reads the times of a batch's rows; those without one become failures. `now` is the time of all rows in
  /// windows of processing time.
  void ReadTimes(const Batch& batch, Timestamp now, std::vector<RowFailure>* failures);
  /// Rows by start of their slice (0 without windows), without those in `failures`. Rows whose windows all
  /// closed before `closed_end` leave by the late port. Counts the fate of both.
  const std::map<Timestamp, Rows>& Deal(const BatchPtr& batch, const std::vector<RowFailure>& failures,
                                        Timestamp closed_end, Timestamp watermark, Output& out);

 private:
  const AggregationPlan& plan_;
  std::optional<Slices> windows_;
  std::vector<int64_t> times_;
  std::vector<int64_t> starts_;
  std::map<Timestamp, Rows> dealt_;
};

}  // namespace streamrun
