#include "core/stream/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace streamrun {

RetryPolicy::Decision RetryPolicy::OnFailure(int64_t attempts, Duration elapsed, Duration asked,
                                             uint64_t random) const {
  if (options_.max_attempts > 0 && attempts >= options_.max_attempts) return {};
  // In doubles: past some attempts the power is infinite and the maximum holds.
  const double grown = static_cast<double>(options_.initial) *
                       std::pow(options_.multiplier, static_cast<double>(std::max<int64_t>(attempts, 1) - 1));
  const double full = std::min(grown, static_cast<double>(options_.max));
  const double chance = std::ldexp(static_cast<double>(random >> 11), -53);  // [0, 1)
  const auto spread = static_cast<Duration>(full * options_.jitter * chance);
  Duration pause = static_cast<Duration>(full) - spread;
  // Never before the time that the peer named: chance comes on top.
  if (asked > pause) pause = std::min(asked, kLongestWish) + spread;
  if (options_.max_elapsed > 0 && elapsed + pause > options_.max_elapsed) return {};
  return {true, pause};
}

}  // namespace streamrun
