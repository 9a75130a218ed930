// `aggregate` over sessions: rows of a key that follow each other within a gap.
//
// A session is [first row, last row + gap); two whose intervals overlap are one (Akidau et al., The Dataflow
// Model, VLDB 2015; Beam's Sessions). It fires when the watermark passes its last instant and is kept for the
// allowed lateness. A row is late when the session that it would be in has been closed.
#pragma once

#include <memory>

#include "core/stream/operator.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

std::unique_ptr<Operator> MakeSessionAggregation(AggregationPlanPtr plan);

}  // namespace streamrun
