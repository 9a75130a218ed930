#include "runner/process/restart_policy.h"

#include <algorithm>

namespace streamrun {

RestartPolicy::Decision RestartPolicy::OnFailure(Timestamp now, Timestamp started, bool progressed,
                                                 uint64_t random) {
  while (!failures_.empty() && failures_.front() < now - kWindow) failures_.pop_front();
  failures_.push_back(now);
  fruitless_ = progressed ? 0 : fruitless_ + 1;
  if (progressed && now - started >= kWindow) next_delay_ = kFirstDelay;
  if (failures_.size() > kMaxInWindow) {
    return {false, 0, "it failed " + std::to_string(failures_.size()) + " times within 10 minutes"};
  }
  if (fruitless_ >= kMaxFruitless) {
    return {false, 0,
            "it failed " + std::to_string(fruitless_) + " times in a row without completing a checkpoint"};
  }
  // Between 90 % and 110 %, so that regions that failed together do not come back together.
  const auto tenth = static_cast<uint64_t>(next_delay_ / 10);
  const Duration delay = next_delay_ - next_delay_ / 10 + static_cast<Duration>(random % (2 * tenth + 1));
  next_delay_ = std::min(2 * next_delay_, kLongestDelay);
  return {true, delay, {}};
}

}  // namespace streamrun
