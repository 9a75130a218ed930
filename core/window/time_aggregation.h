// `aggregate` over time windows, or over everything: groups by slice, windows put together from slices.
//
// A row is added once, to the groups of its slice. A window fires when the watermark passes its last instant;
// with one slice to a window its groups are given as they are, else they are merged. Fired windows are kept
// for the allowed lateness, and rows that still come for them give changes.
#pragma once

#include <memory>

#include "core/stream/operator.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

std::unique_ptr<Operator> MakeTimeAggregation(AggregationPlanPtr plan);

}  // namespace streamrun
