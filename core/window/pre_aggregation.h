// Aggregation before the exchange: each worker upstream combines its own rows, and only groups cross.
//
// (Local aggregation, as in Apache Flink's two-phase aggregation and DuckDB's radix-partitioned hash
// aggregate.) Where keys hardly repeat it costs more than it saves: then rows are turned into states one by
// one, without a table.
#pragma once

#include <memory>

#include "core/stream/operator.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

/// May rows be combined before they are spread? True where results are given once, when a window closes.
bool CanPreAggregate(const AggregationPlan& plan);

/// What a combiner gives: start of the slice (without windows: 0), keys, then the states of all calls. A
/// batch holds one slice; links may join batches.
SchemaPtr PartialSchema(const AggregationPlan& plan);

std::unique_ptr<Operator> MakePreAggregation(AggregationPlanPtr plan, SchemaPtr partial);

}  // namespace streamrun
