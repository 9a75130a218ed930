// What state stands for, in words that are compared when a checkpoint meets another version of the pipeline.
#pragma once

#include <string>
#include <vector>

#include "core/component/definition.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

/// The expressions that keys are computed from.
StateFact KeysFact(std::string name, const std::vector<ExpressionPtr>& keys);
/// "window": "tumbling 10s, zone europe/berlin", "none".
StateFact WindowFact(const WindowSpec& window);
/// "event_time": the column that tells the time of the input's rows, "none".
StateFact TimeFact(const Schema& input);
/// "input": rows that stay, or changes, for which functions keep more.
StateFact ChangesFact(const Schema& input);
/// The types that a call computes from: the columns of its state need not show them.
StateFact ArgumentsFact(const std::string& text, const AggregateCall& call);
std::vector<StateFact> AggregationFacts(const AggregationPlan& plan);

}  // namespace streamrun
