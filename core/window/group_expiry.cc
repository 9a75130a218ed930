#include "core/window/group_expiry.h"

#include <algorithm>

namespace streamrun {

void GroupExpiry::Touch(uint32_t slot, Timestamp at) {
  if (slot >= touched_.size()) {
    touched_.resize(slot + 1, kGone);
    queued_.resize(slot + 1, kGone);
  }
  touched_[slot] = std::max({touched_[slot], at, kUnset});
  // The entry may be that of a group which had the slot before, and later.
  if (queued_[slot] == kGone || queued_[slot] > touched_[slot]) Queue(slot);
}

void GroupExpiry::Queue(uint32_t slot) {
  queued_[slot] = touched_[slot];
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
    const bool valid = queued_[slot] == touched;
    if (valid && touched_[slot] == touched && touched != kUnset) return;
    queue_.pop();
    if (!valid) continue;
    queued_[slot] = kGone;
    if (touched_[slot] == kUnset) dated_.push_back(slot);
    if (touched_[slot] != kGone) Touch(slot, touched_[slot] == kUnset ? now : touched_[slot]);
  }
}

std::vector<uint32_t> GroupExpiry::Take(Timestamp now) {
  std::vector<uint32_t> expired;
  while (HasDue(now)) {
    const uint32_t slot = queue_.top().second;
    queue_.pop();
    queued_[slot] = touched_[slot] = kGone;
    expired.push_back(slot);
  }
  return expired;
}

}  // namespace streamrun
