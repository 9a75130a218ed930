// `aggregate` over time windows, or over everything: groups by slice, windows put together from slices.
//
// A row is added once, to the groups of its slice. A window fires when the watermark passes its last instant;
// with one slice to a window its groups are given as they are, else SliceMerger puts them together. Fired
// windows are kept for the allowed lateness, and rows that still come for them give changes.
#pragma once

#include <memory>

#include "core/stream/operator.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

std::unique_ptr<Operator> MakeTimeAggregation(AggregationPlanPtr plan);
/// The same behind combiners: takes batches of PartialSchema.
std::unique_ptr<Operator> MakeTimeMerger(AggregationPlanPtr plan);

/// Fails when `bytes` of state are more than the plan allows.
Status CheckStateSize(const AggregationPlan& plan, size_t bytes);

}  // namespace streamrun
