// The thread of a worker that tells the supervisor every second that the process runs. The data thread leaves
// what it did in a slot; the beat carries it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "runner/process/control_channel.h"

namespace streamrun {

class Beater {
 public:
  /// `control` outlives it.
  explicit Beater(ControlChannel* control) : control_(control), thread_([this] { Run(); }) {}
  ~Beater();
  Beater(const Beater&) = delete;
  Beater& operator=(const Beater&) = delete;

  /// Replaces what the next beat says.
  void Publish(BeatMessage beat);
  /// Is the data thread at rest? Else a beat says that it computes, whatever it waited for last: the call
  /// that it makes next may not return.
  void Waits(bool waits) { waits_.store(waits, std::memory_order_relaxed); }

 private:
  void Run();

  ControlChannel* control_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::atomic<bool> waits_{false};
  BeatMessage beat_;
  std::thread thread_;
};

}  // namespace streamrun
