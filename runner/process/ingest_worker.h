// The process of one source with a buffer: it owns the socket and the log and does nothing else (RELIABILITY
// 2.2). It belongs to no region, so that restarts of the pipeline do not touch it.
#pragma once

#include <string>

#include "runner/plan/plan.h"
#include "runner/process/worker_control.h"

namespace streamrun {

/// Where the log of a source lies below the state directory.
std::string IngestDirectory(const std::string& state_directory, const std::string& node);

/// The plan of an assignment. The worker plans for itself from the resolved pipeline; equal hashes prove that
/// both mean the same.
Result<PlanPtr> PlanOf(const AssignMessage& assign);

/// Until EXIT, after ASSIGN. An error: FAIL, and then the process must end.
Status RunIngest(Env* env, WorkerControl* control);

}  // namespace streamrun
