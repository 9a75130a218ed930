// A worker process under watch: what it says, whether it still moves, and how it ended.
//
// RELIABILITY 5: a worker that is not heard of for 10 s, or whose component has not returned for 60 s, is
// ended with SIGABRT (a core, where they are on) and 5 s later with SIGKILL.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/base/env.h"
#include "runner/process/control_message.h"
#include "runner/process/worker_process.h"

struct pollfd;

namespace streamrun {

class WatchedWorker {
 public:
  WatchedWorker(Env* env, std::string name, std::unique_ptr<WorkerProcess> process)
      : env_(env), name_(std::move(name)), process_(std::move(process)) {
    last_beat_ = last_step_ = env_->MonotonicNow();
  }

  struct Listener {
    std::function<void(ControlMessage)> on_message;
    /// Its control channel says what nobody understands.
    std::function<void(Status)> on_broken;
    /// It has ended ("killed by signal 9 (Killed)"), after its last words were heard. Comes once.
    std::function<void(const std::string& how)> on_gone;
  };
  /// Hears what it said and whether it died. Never blocks.
  void Read(const Listener& listener);
  Result<bool> Send(const ControlMessage& message) { return process_->control().Send(message); }
  void Signal(int signal) { process_->Signal(signal); }
  /// Its components compute from now on: the clock of their calls starts.
  void Begin(Timestamp now) { last_step_ = now; }
  /// Ends it when it hangs. `computes`: its components are at work, so one of them may not return.
  void Watch(Timestamp now, bool computes);
  /// When Watch wants to be called next.
  Timestamp Deadline() const;

  const std::string& name() const { return name_; }
  ProcessIdentity identity() const { return process_->identity(); }
  bool gone() const { return gone_; }
  /// The signal of its own doing that ended it (none that it was sent because it hung), 0: something else
  /// did.
  int crashed_by() const { return hang_.empty() ? process_->ended_by() : 0; }
  Timestamp last_beat() const { return last_beat_; }
  int64_t steps() const { return steps_ < 0 ? 0 : steps_; }
  const std::string& blocked_on() const { return blocked_on_; }
  /// Nothing holds it up any more.
  void Unblock() { blocked_on_.clear(); }
  void AppendDescriptors(std::vector<pollfd>* fds) const;

 private:
  void Hear(const ControlMessage& message);

  Env* env_;
  std::string name_;
  std::unique_ptr<WorkerProcess> process_;
  bool listening_ = true;  // its control channel is open
  bool gone_ = false;
  Timestamp last_beat_ = 0;
  int64_t steps_ = -1;
  Timestamp last_step_ = 0;
  std::string blocked_on_;
  Timestamp abort_deadline_ = kMaxTimestamp;  // it hangs: SIGKILL then
  std::string hang_;
};

}  // namespace streamrun
