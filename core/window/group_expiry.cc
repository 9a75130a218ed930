#include "core/window/group_expiry.h"

#include <algorithm>

namespace streamrun {

void GroupExpiry::Grow(uint32_t slot) {
  while (next_.size() <= slot) {
    next_.push_back(static_cast<uint32_t>(next_.size()));
    previous_.push_back(kNone);
    touched_.push_back(kMinTimestamp);
  }
}

void GroupExpiry::Unlink(uint32_t slot) {
  if (!Holds(slot)) return;
  const uint32_t before = previous_[slot];
  const uint32_t behind = next_[slot];
  (before == kNone ? first_ : next_[before]) = behind;
  (behind == kNone ? last_ : previous_[behind]) = before;
  next_[slot] = slot;
}

void GroupExpiry::Append(uint32_t slot, Timestamp at) {
  previous_[slot] = last_;
  next_[slot] = kNone;
  (last_ == kNone ? first_ : next_[last_]) = slot;
  last_ = slot;
  touched_[slot] = at;
}

void GroupExpiry::Touch(const std::vector<uint32_t>& slots, Timestamp now) {
  if (!sorted_) Sort();
  for (const uint32_t slot : slots) {
    Grow(slot);
    if (slot == last_) {
      touched_[slot] = now;
      continue;
    }
    Unlink(slot);
    Append(slot, now);
  }
}

void GroupExpiry::Remove(uint32_t slot) { Unlink(slot); }

std::vector<uint32_t> GroupExpiry::Take(Timestamp now) {
  if (!sorted_) Sort();
  std::vector<uint32_t> expired;
  if (now == kMinTimestamp) return expired;
  for (uint32_t slot = first_; slot != kNone && touched_[slot] == kMinTimestamp; slot = next_[slot]) {
    touched_[slot] = now;
  }
  while (first_ != kNone && now - ttl_ >= touched_[first_]) {
    expired.push_back(first_);
    Unlink(first_);
  }
  return expired;
}

Timestamp GroupExpiry::Next() const {
  if (first_ == kNone) return kMaxTimestamp;
  // Without order any group may be next.
  return sorted_ ? touched_[first_] + ttl_ : kMinTimestamp;
}

void GroupExpiry::Restore(uint32_t slot, Timestamp touched_at) {
  Grow(slot);
  Unlink(slot);
  Append(slot, touched_at);
  sorted_ = false;
}

void GroupExpiry::Sort() {
  std::vector<uint32_t> all;
  for (uint32_t slot = first_; slot != kNone; slot = next_[slot]) all.push_back(slot);
  std::stable_sort(all.begin(), all.end(), [&](uint32_t a, uint32_t b) { return touched_[a] < touched_[b]; });
  first_ = last_ = kNone;
  for (const uint32_t slot : all) Append(slot, touched_[slot]);
  sorted_ = true;
}

}  // namespace streamrun
