// Directories below the state directory that have the name of their node: they follow `renamed_from`.
#pragma once

#include <string>

#include "core/base/env.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// Moves what sinks staged and what sources logged under a node's earlier name, before a worker looks for it.
/// Done again after a crash it does what is left.
Status MoveRenamed(Env* env, const std::string& state_directory, const Plan& plan);

}  // namespace streamrun
