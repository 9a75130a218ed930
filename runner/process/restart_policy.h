// When a failed region may start again (RELIABILITY 5). A pure function of times, so tests need no waiting.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "core/base/time.h"

namespace streamrun {

/// Delay 100 ms, doubled each time up to 60 s, 10 % jitter, back to 100 ms after an attempt of 10 minutes
/// that took an epoch. Gives up after more than 10 failures within 10 minutes, or 5 in a row between which no
/// epoch was completed (a crash loop: rows alone are no progress, the next attempt reads them again).
class RestartPolicy {
 public:
  struct Decision {
    bool restart = false;
    Duration delay = 0;
    std::string reason;  // why not, one sentence
  };

  /// A region failed at `now` (monotonic) after it had run since `started`. `progressed`: an epoch was
  /// completed in that time, so the next attempt does not begin where this one did. `random` gives the
  /// jitter.
  Decision OnFailure(Timestamp now, Timestamp started, bool progressed, uint64_t random);

  static constexpr Duration kFirstDelay = 100 * kMillisecond;
  static constexpr Duration kLongestDelay = 60 * kSecond;
  static constexpr Duration kWindow = 10 * kMinute;
  static constexpr size_t kMaxInWindow = 10;
  static constexpr int kMaxFruitless = 5;

 private:
  std::deque<Timestamp> failures_;  // within the window
  int fruitless_ = 0;
  Duration next_delay_ = kFirstDelay;
};

}  // namespace streamrun
