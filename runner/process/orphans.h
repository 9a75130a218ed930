// What workers leave behind: a process that a worker has started and that outlives it becomes a child of the
// supervisor (PR_SET_CHILD_SUBREAPER, RELIABILITY 5), which ends and reaps it.
//
// A process belongs to the worker whose session it is in, and lives as long as that one. One that left its
// session (setsid) belongs to nobody any more and goes when any worker does. What is no descendant of a
// worker is left alone: children this process had before it became a supervisor, and, where it is the first
// process of a container, whatever else ends up with it.
#pragma once

#include <sys/types.h>

#include <set>
#include <vector>

#include "core/base/env.h"
#include "runner/process/state_directory.h"

namespace streamrun {

/// Used by one thread, the one that spawns and reaps the workers.
class Orphans {
 public:
  /// From now on this process is the parent of what its workers leave behind. Call before the first starts.
  void Adopt();
  /// Reaps the dead and kills what belongs to no worker any more. `workers`: those that were not reaped,
  /// which are never touched. Call when a child died (SIGCHLD) and when the workers changed. Returns how many
  /// were killed: SIGCHLD tells when they are gone, and what they leave behind comes here in turn.
  int Tend(const std::vector<ProcessIdentity>& workers);
  /// All workers are gone: waits until everything they left is, at most for `patience`.
  void AwaitEnd(Env* env, Duration patience);

 private:
  bool IsToGo(pid_t child, const std::set<pid_t>& workers) const;

  bool only_sessions_ = false;  // the others that end up here are not ours
  std::set<pid_t> before_;      // children from before
  std::set<pid_t> workers_;     // at the last call
  std::set<pid_t> former_;      // workers that are gone
  bool bereaved_ = false;       // a worker has gone since nothing was left to kill
};

}  // namespace streamrun
