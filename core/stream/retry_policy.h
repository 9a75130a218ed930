// When a failed call to a peer is tried again: exponential back-off with jitter, within limits. A pure
// function of counts and times, so tests need no waiting.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace streamrun {

struct RetryOptions {
  Duration initial = 200 * kMillisecond;
  /// Longest pause of our own choosing; a peer may ask for more.
  Duration max = 30 * kSecond;
  double multiplier = 2;
  /// Share of a pause that chance takes off, 0..1, so that many callers of one peer do not come back
  /// together.
  double jitter = 0.2;
  /// Attempts in all, the first one included; 0: no limit.
  int64_t max_attempts = 0;
  /// From the begin of the first attempt; 0: no limit.
  Duration max_elapsed = 0;
};

class RetryPolicy {
 public:
  explicit RetryPolicy(RetryOptions options) : options_(options) {}

  struct Decision {
    bool again = false;
    Duration pause = 0;
  };
  /// The `attempts`-th attempt (from 1) failed, `elapsed` after the first one began. `asked`: how long the
  /// peer wants to be left alone (Retry-After), 0 for nothing; the pause is never shorter, up to
  /// kLongestWish. `random` is uniform over 64 bits.
  Decision OnFailure(int64_t attempts, Duration elapsed, Duration asked, uint64_t random) const;

  static constexpr Duration kLongestWish = kHour;

 private:
  RetryOptions options_;
};

}  // namespace streamrun
