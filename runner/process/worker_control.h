// A worker's end of its control channel, and what the supervisor has told it so far.
#pragma once

#include <functional>

#include "core/base/env.h"
#include "runner/process/beater.h"
#include "runner/process/control_channel.h"

namespace streamrun {

/// Used by the data thread; Send by any.
class WorkerControl {
 public:
  explicit WorkerControl(Env* env);
  WorkerControl(const WorkerControl&) = delete;
  WorkerControl& operator=(const WorkerControl&) = delete;

  /// What comes from START on, but EXIT.
  void SetHandler(std::function<Status(const ControlMessage&)> handler) { handler_ = std::move(handler); }

  Status Send(const ControlMessage& message);
  /// Replaces what the next beat says (sent every second by a thread of its own).
  void Publish(BeatMessage beat) { beater_.Publish(std::move(beat)); }
  /// Around each rest; between them a component computes.
  void Waits(bool waits) { beater_.Waits(waits); }
  /// Reads what has come. kCancelled after EXIT. Ends the process when the supervisor is gone.
  Status Read();
  /// Waits for something to read, until `deadline` (monotonic).
  Status Await(Timestamp deadline);
  /// Waits until `told` (assigned, connect, start) holds.
  Status AwaitUntil(bool WorkerControl::*told);
  /// Until EXIT, whatever else comes.
  Status AwaitExit();

  const AssignMessage& assignment() const { return assignment_; }
  bool exit() const { return exit_; }
  int fd() const { return channel_.fd(); }

  bool assigned = false, connect = false, start = false;

 private:
  Env* env_;
  ControlChannel channel_;
  AssignMessage assignment_;
  std::function<Status(const ControlMessage&)> handler_;
  bool exit_ = false;
  Beater beater_;  // last: its thread uses the channel
};

}  // namespace streamrun
