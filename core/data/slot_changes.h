// What happened to keyed rows since they were saved: which slots changed, which rows are no more.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/data/column.h"

namespace streamrun {

/// A bit a slot, so that marking a row costs about a nanosecond and nothing while tracking is off. Slots may
/// be freed and used again behind its back: what a marked slot holds when it is asked is what changed. Not
/// thread-safe.
class SlotChanges {
 public:
  /// Columns that name rows which are no more.
  struct Removed {
    std::vector<ColumnPtr> columns;
    int64_t rows = 0;
  };

  bool on() const { return on_; }
  /// Forgets what it knows; from now on it remembers, or does not.
  void Track(bool on) {
    on_ = on;
    on ? marked_.assign(marked_.size(), 0) : std::vector<uint64_t>().swap(marked_);
    removed_.clear();
    removed_rows_ = 0;
  }

  void Mark(uint32_t slot) {
    if (on_) Set(slot);
  }
  void Mark(const uint32_t* slots, int64_t count) {
    if (!on_) return;
    for (int64_t i = 0; i < count; ++i) Set(slots[i]);
  }
  void Mark(const std::vector<uint32_t>& slots) { Mark(slots.data(), static_cast<int64_t>(slots.size())); }
  /// Call only while on() says so, before the rows' columns are gone.
  void Remove(std::vector<ColumnPtr> columns, int64_t rows) {
    if (rows == 0) return;
    removed_rows_ += rows;
    removed_.push_back({std::move(columns), rows});
  }

  /// Marked slots, ascending; not all of them need still hold something.
  std::vector<uint32_t> Marked() const {
    std::vector<uint32_t> slots;
    for (size_t word = 0; word < marked_.size(); ++word) {
      for (uint64_t bits = marked_[word]; bits != 0; bits &= bits - 1) {
        slots.push_back(static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(bits))));
      }
    }
    return slots;
  }
  const std::vector<Removed>& removed() const { return removed_; }
  /// Marked slots and removed rows.
  int64_t count() const {
    int64_t count = removed_rows_;
    for (const uint64_t word : marked_) count += std::popcount(word);
    return count;
  }

 private:
  void Set(uint32_t slot) {
    const size_t word = slot >> 6;
    if (word >= marked_.size()) marked_.resize(word + word / 4 + 1);
    marked_[word] |= uint64_t{1} << (slot & 63);
  }

  bool on_ = false;
  std::vector<uint64_t> marked_;
  std::vector<Removed> removed_;
  int64_t removed_rows_ = 0;
};

}  // namespace streamrun
