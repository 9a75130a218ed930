#include "runner/process/beater.h"

#include <signal.h>

#include <chrono>
#include <utility>

namespace streamrun {

Beater::~Beater() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Beater::Publish(BeatMessage beat) {
  const std::lock_guard lock(mutex_);
  beat_ = std::move(beat);
}

void Beater::Run() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  // Timeouts of condition variables run on the monotonic clock here (C++20, glibc).
  while (!wake_.wait_for(lock, std::chrono::seconds(1), [this] { return stop_; })) {
    BeatMessage beat = beat_;
    if (!waits_.load(std::memory_order_relaxed)) beat.blocked_on.clear();
    lock.unlock();
    // A full socket means a supervisor that does not read now; the next beat says the same and more.
    (void)control_->Send(beat).ok();
    lock.lock();
  }
}

}  // namespace streamrun
