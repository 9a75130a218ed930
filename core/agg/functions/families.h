// The files of this folder, in the order of the documentation. Included by aggregate_function.cc only.
#pragma once

#include "core/agg/aggregate_function.h"

namespace streamrun {

using AggregateTable = std::vector<AggregateFunction>;

void AddCountAggregates(AggregateTable& table);
void AddSumAggregates(AggregateTable& table);
void AddExtremeAggregates(AggregateTable& table);

inline constexpr void (*kAggregateFamilies[])(AggregateTable&) = {
    AddCountAggregates,
    AddSumAggregates,
    AddExtremeAggregates,
};

}  // namespace streamrun
