// `over`: columns from the rows before and behind a row of its key, in order of event time.
#pragma once

#include <memory>
#include <vector>

#include "core/window/over_calls.h"
#include "core/window/sequence.h"

namespace streamrun {

struct OverPlan {
  SequencePlan sequence;
  std::vector<OverCall> calls;
  /// Over the input's columns and the calls' results; columns of the output behind the input's.
  std::vector<ExpressionPtr> set;

  /// Rows that a row waits for: the farthest lead.
  uint32_t ahead() const;
};

/// All shapes that the operator keeps.
std::vector<StateShape> OverStates(const OverPlan& plan);

std::unique_ptr<Operator> MakeOver(std::shared_ptr<const OverPlan> plan);

}  // namespace streamrun
