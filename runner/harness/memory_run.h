// Runs all workers of a cut plan inside this process, over channels in memory and in virtual time.
#pragma once

#include "core/base/status.h"
#include "runner/exec/task.h"
#include "runner/harness/virtual_env.h"
#include "runner/local/local_plan.h"

namespace streamrun {

/// Steps every worker until all are done. Sources are polled only when everybody else waits, so that what a
/// test says in order (rows, then `clock: +5s`) happens in order. `options` are those of every task; its env
/// is `env`. A pipeline that waits for something outside is an Internal error.
Status RunInMemory(const LocalPlanPtr& plan, const TaskOptions& options, VirtualEnv& env);

/// The same, but when the sources have been polled `polls` times a checkpoint is taken of all workers, they
/// are thrown away, and those of `then` (the same plan, cut for another parallelism maybe) go on from it.
Status RunInterrupted(const LocalPlanPtr& plan, int polls, const LocalPlanPtr& then,
                      const TaskOptions& options, VirtualEnv& env);

/// The plan with every operator and sink that may be spread running `parallelism` times; sources stay as one.
PlanPtr SpreadPlan(const Plan& plan, int parallelism);

}  // namespace streamrun
