// Which keys were seen, and when: the state of `dedupe`.
#pragma once

#include <vector>

#include "core/base/time.h"
#include "core/data/key_table.h"
#include "core/data/slot_array.h"
#include "core/data/slot_changes.h"

namespace streamrun {

/// Intervals by key. The first row of a key opens one at its time; rows of that key less than `within` before
/// or after that time belong to it. With `within` 0 a key has one interval, for ever. Numbers of closed
/// intervals are used again. Not thread-safe.
class SeenIntervals {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  SeenIntervals(const std::vector<DataType>& key_types, Duration within)
      : keys_(key_types), within_(within) {}

  /// intervals[i] = the interval of row rows[i] with the time times[rows[i]]; fresh[i]: the row opened it.
  void FindOrOpen(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes,
                  const std::vector<uint32_t>& rows, const std::vector<int64_t>& times,
                  std::vector<uint32_t>* intervals, std::vector<bool>* fresh);
  void Hash(const std::vector<ColumnPtr>& keys, int64_t rows, std::vector<uint64_t>* hashes) const {
    keys_.Hash(keys, rows, hashes);
  }

  /// Start of the interval that ends first; kMaxTimestamp when none ends.
  Timestamp FirstStart() const { return ends_.empty() ? kMaxTimestamp : ends_.front().start; }
  /// Forgets intervals into which no row behind the watermark can fall, at most so many, and appends their
  /// numbers: ascending starts, of equal ones the one that was opened first.
  void Close(Timestamp watermark, size_t most, std::vector<uint32_t>* closed);
  /// Forgets intervals of a table without ends.
  void Forget(const std::vector<uint32_t>& intervals);

  int64_t size() const { return static_cast<int64_t>(starts_.size() - free_.size()); }
  /// All intervals, in the order in which they were opened where that decides anything.
  std::vector<uint32_t> Live() const;
  Timestamp start(uint32_t interval) const { return starts_[interval]; }
  /// The keys of some intervals.
  std::vector<ColumnPtr> Keys(const std::vector<uint32_t>& intervals) const;
  /// Numbers are below this.
  uint32_t slots() const { return static_cast<uint32_t>(starts_.size()); }
  size_t MemoryBytes() const;

  /// Intervals that were opened, by number, and key and start of those that went. Who keeps more of an
  /// interval marks what changes of that.
  SlotChanges& changes() { return changes_; }
  const SlotChanges& changes() const { return changes_; }
  /// Live ones among those that are marked, in the order of Live().
  std::vector<uint32_t> Changed() const;

 private:
  uint32_t Open(uint32_t key, Timestamp time);
  uint32_t Find(uint32_t key, Timestamp time) const;
  struct End {
    Timestamp start;
    uint32_t serial;  // of opening; it may come round
    uint32_t interval;
    bool operator>(const End& other) const {
      return start != other.start ? start > other.start : static_cast<int32_t>(serial - other.serial) > 0;
    }
  };
  bool FirstIsClosed(Timestamp watermark) const;
  void Remove(const uint32_t* intervals, size_t count);
  static std::vector<uint32_t> InOrderOfOpening(std::vector<End> ends);

  KeyTable keys_;
  Duration within_;
  // By key: its intervals are a chain; mostly there is one.
  SlotArray<uint32_t> first_;
  // By interval.
  SlotArray<Timestamp> starts_;
  SlotArray<uint32_t> next_;
  SlotArray<uint32_t> key_;  // kNone: free
  std::vector<uint32_t> free_;
  std::vector<End> ends_;  // a heap, the first one to close in front
  uint32_t serial_ = 0;
  SlotChanges changes_;
};

}  // namespace streamrun
