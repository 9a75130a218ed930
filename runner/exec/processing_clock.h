// Processing time: the wall clock as operators see it, which never goes back (RELIABILITY 5, Clocks).
//
// A clock that is set back stands still until the time it has shown comes again, so windows of processing
// time close in order. A clock that is set forward is followed. Timeouts never look here.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/env.h"
#include "core/base/logging.h"

namespace streamrun {

class ProcessingClock {
 public:
  /// A jump that is longer than this is said in the log.
  static constexpr Duration kJump = 5 * kMinute;

  Timestamp Now(Env* env) {
    const Timestamp wall = env->WallNow();
    if (wall - seen_ > kJump || seen_ - wall > kJump) Look(env, wall);
    seen_ = wall;
    time_ = std::max(time_, wall);
    return time_;
  }
  /// Not before this: what it was at the checkpoint.
  void Restore(Timestamp time) { time_ = std::max(time_, time); }

 private:
  // The wall clock moved by more than kJump since the last look: did the time pass, or was it set?
  void Look(Env* env, Timestamp wall) {
    const Duration offset = wall - env->MonotonicNow();
    const Duration jump = offset - std::exchange(offset_, offset);
    if (std::exchange(looked_, true) && (jump > kJump || jump < -kJump)) {
      LogWarning(jump > 0 ? "the clock was set forward by " + std::to_string(jump / kSecond) +
                                " s: windows of processing time close early"
                          : "the clock was set back by " + std::to_string(-jump / kSecond) +
                                " s: processing time stands still until it has caught up");
    }
  }

  Timestamp seen_ = 0;  // of the wall clock
  Timestamp time_ = kMinTimestamp;
  Duration offset_ = 0;  // between the wall clock and the one that is never set
  bool looked_ = false;
};

}  // namespace streamrun
