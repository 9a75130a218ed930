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

bool GroupExpiry::HasDue(Timestamp now) {
  PutBack(now);
  return now != kMinTimestamp && !queue_.empty() && Due(queue_.top().first) <= now;
}

// Entries that are reached and whose groups are gone or were touched since are none, or due later.
void GroupExpiry::PutBack(Timestamp now) {
  while (now != kMinTimestamp && !queue_.empty() && Due(queue_.top().first) <= now) {
    const auto [touched, slot] = queue_.top();
    if (touched_[slot] == touched && touched != kUnset) return;
    queue_.pop();
    queued_[slot] = false;
    if (touched_[slot] == kGone) continue;
    Touch(slot, touched == kUnset ? now : touched_[slot]);
  }
}

std::vector<uint32_t> GroupExpiry::Take(Timestamp now) {
  std::vector<uint32_t> expired;
  while (HasDue(now)) {
    const uint32_t slot = queue_.top().second;
    queue_.pop();
    queued_[slot] = false;
    touched_[slot] = kGone;
    expired.push_back(slot);
  }
  return expired;
}

}  // namespace streamrun
