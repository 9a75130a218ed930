// A child process as the supervisor sees it: spawned, watched by pidfd, spoken to over its control channel.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runner/process/control_channel.h"
#include "runner/process/state_directory.h"

namespace streamrun {

class WorkerProcess {
 public:
  /// Starts this program anew as a worker called `title`, with `log_fd` as its stderr and `times_fd`
  /// (SharedCells) for the time board, in the control group `group_fd` (WorkerGroup; -1: in that of this
  /// process, as where the kernel cannot do it). Call from the main thread: the child dies when the thread
  /// that made it ends.
  static Result<std::unique_ptr<WorkerProcess>> Spawn(const std::string& title, int log_fd, int times_fd,
                                                      int group_fd);
  /// Kills and reaps what still runs.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  ControlChannel& control() { return control_; }
  int pidfd() const { return pidfd_; }
  ProcessIdentity identity() const { return identity_; }
  void Signal(int signal);
  /// How it ended ("killed by signal 9 (Killed)", "exited with code 1"), once it has.
  std::optional<std::string> Reap();
  /// The signal that ended it, 0: none did, or it has not ended.
  int ended_by() const { return ended_by_; }

 private:
  explicit WorkerProcess(int control_fd) : control_(control_fd) {}

  ControlChannel control_;
  ProcessIdentity identity_;
  int pidfd_ = -1;
  bool reaped_ = false;
  int ended_by_ = 0;
};

}  // namespace streamrun
