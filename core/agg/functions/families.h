// The files of this folder, in the order of the documentation.
#pragma once

#include "core/agg/aggregate_function.h"

namespace streamrun {

using AggregateTable = std::vector<AggregateFunction>;

void AddCountAggregates(AggregateTable& table);
void AddSumAggregates(AggregateTable& table);
void AddExtremeAggregates(AggregateTable& table);
void AddLogicAggregates(AggregateTable& table);
void AddBestAggregates(AggregateTable& table);
void AddCollectAggregates(AggregateTable& table);
void AddSpreadAggregates(AggregateTable& table);
void AddRegressionAggregates(AggregateTable& table);
void AddQuantileAggregates(AggregateTable& table);
void AddHistogramAggregates(AggregateTable& table);
void AddApproxCountAggregates(AggregateTable& table);
void AddApproxQuantileAggregates(AggregateTable& table);
void AddApproxTopAggregates(AggregateTable& table);

/// The entry of double precision of a function of the variance family (spread.cc has the others).
void AddDoubleSpreads(AggregateTable& table, std::string_view name, std::string_view help,
                      std::string_view example);

inline constexpr void (*kAggregateFamilies[])(AggregateTable&) = {
    AddCountAggregates,     AddSumAggregates,       AddExtremeAggregates,     AddLogicAggregates,
    AddBestAggregates,      AddCollectAggregates,   AddSpreadAggregates,      AddRegressionAggregates,
    AddQuantileAggregates,  AddHistogramAggregates, AddApproxCountAggregates, AddApproxQuantileAggregates,
    AddApproxTopAggregates,
};

}  // namespace streamrun
