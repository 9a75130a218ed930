// Groups by the time they were last touched, so that those past their time to live are found without a
// search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "core/base/time.h"

namespace streamrun {

/// A queue with one entry a group, put back when it is reached before its time: touching a group costs a
/// store. Not thread-safe.
class GroupExpiry {
 public:
  explicit GroupExpiry(Duration ttl) : ttl_(ttl) {}

  /// The groups got rows at `now`. kMinTimestamp, a clock that has not been set, stands for whatever time
  /// Take gets first.
  void Touch(const std::vector<uint32_t>& slots, Timestamp now) {
    for (const uint32_t slot : slots) Touch(slot, now);
  }
  /// The group got a row at a time, which may lie before that of another one.
  void Touch(uint32_t slot, Timestamp at);
  /// A group from a checkpoint.
  void Restore(uint32_t slot, Timestamp touched_at) { Touch(slot, touched_at); }
  /// The group is there no more.
  void Remove(uint32_t slot) { touched_[slot] = kGone; }
  /// Groups that were not touched since now - ttl; they are removed.
  std::vector<uint32_t> Take(Timestamp now);
  /// Would Take(now) give any?
  bool HasDue(Timestamp now);
  /// No group expires before; kMaxTimestamp without groups. Groups touched since may expire later.
  Timestamp Next() const { return queue_.empty() ? kMaxTimestamp : Due(queue_.top().first); }

  /// Groups touched before there was a clock, whose time Take or HasDue set since this was called last.
  std::vector<uint32_t> TakeDated() { return std::exchange(dated_, {}); }

  Timestamp touched_at(uint32_t slot) const { return touched_[slot]; }
  size_t MemoryBytes() const {
    return (touched_.capacity() + queued_.capacity()) * sizeof(Timestamp) + queue_.size() * sizeof(Entry);
  }

 private:
  using Entry = std::pair<Timestamp, uint32_t>;  // touched, slot
  static constexpr Timestamp kGone = kMinTimestamp;
  static constexpr Timestamp kUnset = kMinTimestamp + 1;

  void Queue(uint32_t slot);
  void PutBack(Timestamp now);
  Timestamp Due(Timestamp touched) const {
    return touched > kMaxTimestamp - ttl_ ? kMaxTimestamp : touched + ttl_;
  }

  Duration ttl_;
  std::vector<Timestamp> touched_;  // by slot
  std::vector<uint32_t> dated_;
  std::vector<Timestamp> queued_;  // by slot: its entry in the queue, kGone without; others mean nothing
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> queue_;
};

}  // namespace streamrun
