// Control groups (cgroup v2) for the workers, one per attempt: whatever a worker has started is in its group
// and ends with it, in one step and without a race, even when the supervisor is killed and the next one finds
// it (RELIABILITY 5).
//
// Only where such groups were delegated to us; elsewhere everything goes on without. Rules and files: Linux
// admin-guide/cgroup-v2 (Delegation, cgroup.kill); systemd CGROUP_DELEGATION.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace streamrun {

class WorkerGroups;

/// The group of one attempt.
class WorkerGroup {
 public:
  /// Ends what is still in it; it goes as soon as it is empty.
  ~WorkerGroup();
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  /// The open directory, for WorkerProcess::Spawn.
  int fd() const { return fd_; }
  /// SIGKILL to everything in it.
  void Kill();

 private:
  friend class WorkerGroups;
  WorkerGroup(WorkerGroups* owner, std::string path, int fd)
      : owner_(owner), path_(std::move(path)), fd_(fd) {}

  WorkerGroups* owner_;
  const std::string path_;
  const int fd_;
};

/// The groups of one pipeline, below the one that this process is in. Outlives them. One thread.
class WorkerGroups {
 public:
  /// What the kernel says about this process; tests say something else.
  struct Facts {
    std::string mounts = "/proc/self/mountinfo";
    std::string own = "/proc/self/cgroup";
  };

  /// `name` is this pipeline's alone on this machine, and its state is locked: what is found under it was
  /// left by an older generation, and is ended. kUnsupported: groups cannot be had here, with the reason.
  static Result<std::unique_ptr<WorkerGroups>> Open(const std::string& name, const Facts& facts);
  /// Removes all of it; waits up to a second for what still dies.
  ~WorkerGroups();
  WorkerGroups(const WorkerGroups&) = delete;
  WorkerGroups& operator=(const WorkerGroups&) = delete;

  /// A fresh and empty group.
  Result<std::unique_ptr<WorkerGroup>> Make();
  const std::string& path() const { return path_; }

 private:
  friend class WorkerGroup;
  explicit WorkerGroups(std::string path) : path_(std::move(path)) {}
  void RemoveEnded();
  bool RemoveAll();
  Status EndLeftovers();

  const std::string path_;
  uint64_t last_ = 0;
  std::vector<std::string> ended_;  // groups that were not empty when they were let go
};

}  // namespace streamrun
