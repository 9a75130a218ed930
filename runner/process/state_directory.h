// A pipeline's place on disk: state directory (lock, generation, dead letters) and run directory (sockets).
//
// RELIABILITY 1.8: LOCK is held with flock for the whole life of the supervisor; `gen` counts its starts;
// what an older generation left running is found by process id and start time and killed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

/// $XDG_STATE_HOME/streamrun/<pipeline>, else ~/.local/state/streamrun/<pipeline>.
Result<std::string> DefaultStateDirectory(const std::string& pipeline);

/// Path of the admin socket of the pipeline whose state directory this is; kNotFound when none runs. For
/// clients.
Result<std::string> FindAdminSocket(const std::string& state_directory);

/// A process by id and start time (clock ticks since boot, /proc/PID/stat field 22): ids are reused, pairs
/// are not.
struct ProcessIdentity {
  int64_t pid = 0;
  uint64_t start_time = 0;
  /// Start time of a running process, 0 when there is none.
  static uint64_t StartTime(int64_t pid);
};

class StateDirectory {
 public:
  /// Makes the directories (0700), takes the lock, kills what an older generation left, and counts the
  /// generation up. `directory` empty: the default. kAlreadyExists "... is locked by pid N" when another
  /// supervisor runs; kPermissionDenied when a directory is not private to this user.
  static Result<std::unique_ptr<StateDirectory>> Open(Env* env, const std::string& pipeline,
                                                      std::string directory);
  ~StateDirectory();
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;

  const std::string& path() const { return path_; }
  const std::string& run_path() const { return run_path_; }
  std::string dead_letter_path() const { return path_ + "/dlq"; }
  /// For files of operators that need not outlive them; not made yet.
  std::string scratch_path() const { return path_ + "/scratch"; }
  /// Where sinks stage what a checkpoint has decided or will decide.
  std::string stage_path() const { return path_ + "/stage"; }
  std::string admin_socket() const { return run_path_ + "/admin.sock"; }
  uint64_t generation() const { return generation_; }
  /// The supervisor before this one did not leave by itself: it was killed, or the power failed.
  bool left_by_force() const { return left_by_force_; }

  /// A fresh directory for the endpoints of an attempt: run/<generation>.<attempt>.
  Result<std::string> MakeEndpoints(uint64_t attempt);
  void RemoveEndpoints(uint64_t attempt);
  /// Remembers the running workers for the next generation. Lost in a power failure, as they are.
  Status RecordWorkers(const std::vector<ProcessIdentity>& workers);

 private:
  StateDirectory(Env* env, std::string path) : env_(env), path_(std::move(path)) {}
  Status Lock();
  Status ChooseRunDirectory(const std::string& pipeline, bool is_default);
  Status KillLeftovers();
  Status CountGeneration();
  void RemoveOldEndpoints();

  Env* env_;
  std::string path_;
  std::string run_path_;
  uint64_t generation_ = 0;
  bool left_by_force_ = false;
  int lock_fd_ = -1;
};

}  // namespace streamrun
