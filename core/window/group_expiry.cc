#include "core/window/group_expiry.h"

#include <algorithm>

namespace streamrun {

void GroupExpiry::Touch(uint32_t slot, Timestamp at) {
  if (slot >= touched_.size()) {
    touched_.resize(slot + 1, kGone);
    queued_.resize(slot + 1, false);
  }
  touched_[slot] = std::max({touched_[slot], at, kUnset});
  if (queued_[slot]) return;
  queued_[slot] = true;
  queue_.push({touched_[slot], slot});
}

std::vector<uint32_t> GroupExpiry::Take(Timestamp now) {
  std::vector<uint32_t> expired;
  while (now != kMinTimestamp && !queue_.empty() && Due(queue_.top().first) <= now) {
    const auto [touched, slot] = queue_.top();
    queue_.pop();
    queued_[slot] = false;
    if (touched_[slot] == kGone) continue;
    if (touched_[slot] > touched || touched == kUnset) {
      Touch(slot, touched == kUnset ? now : touched_[slot]);
      continue;
    }
    touched_[slot] = kGone;
    expired.push_back(slot);
  }
  return expired;
}

}  // namespace streamrun
