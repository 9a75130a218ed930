// Groups by the time they were last touched, so that those past their time to live are found at no search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/time.h"

namespace streamrun {

/// A list through all groups, the one that was touched longest ago first: 16 bytes a group. The clock that
/// Touch is given never goes back; kMinTimestamp means that it has not been set yet, and stands for whatever
/// time it gets first. Not thread-safe.
class GroupExpiry {
 public:
  explicit GroupExpiry(Duration ttl) : ttl_(ttl) {}

  void Touch(const std::vector<uint32_t>& slots, Timestamp now);
  /// The group is there no more.
  void Remove(uint32_t slot);
  /// Groups that were not touched since now - ttl; they are removed.
  std::vector<uint32_t> Take(Timestamp now);
  /// When the first group may expire; kMaxTimestamp without groups.
  Timestamp Next() const;

  Timestamp touched_at(uint32_t slot) const { return touched_[slot]; }
  /// A group from a checkpoint, in any order.
  void Restore(uint32_t slot, Timestamp touched_at);
  size_t MemoryBytes() const {
    return touched_.capacity() * 8 + (next_.capacity() + previous_.capacity()) * 4;
  }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};

  bool Holds(uint32_t slot) const { return slot < next_.size() && (next_[slot] != slot); }
  void Grow(uint32_t slot);
  void Unlink(uint32_t slot);
  void Append(uint32_t slot, Timestamp at);
  void Sort();

  Duration ttl_;
  std::vector<Timestamp> touched_;  // by slot
  // Neighbours in the list, by slot; a slot that is its own successor is not in it.
  std::vector<uint32_t> next_;
  std::vector<uint32_t> previous_;
  uint32_t first_ = kNone;
  uint32_t last_ = kNone;
  bool sorted_ = true;
};

}  // namespace streamrun
