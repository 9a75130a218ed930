// `aggregate` over windows that count rows: the last `rows` rows of a key, at every `row_step`-th of them.
//
// Rows of a key are numbered from 0 in the order of arrival; a window is [start, end) in these numbers. As in
// Apache Flink (KeyedStream.countWindow) a window is given when it is complete, windows that slide begin with
// shorter ones, and what is incomplete at the end of the input is not given. Rows are added to panes that no
// bound of a window cuts.
#pragma once

#include <memory>

#include "core/stream/operator.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

std::unique_ptr<Operator> MakeCountAggregation(AggregationPlanPtr plan);

}  // namespace streamrun
