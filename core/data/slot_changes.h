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

  bool on() const { return most_ > 0; }
  /// Forgets what it knows; from now on it remembers. Of more than `most` removed rows it knows how many they
  /// are and no more; 0: it does not remember.
  void Track(int64_t most) {
    most_ = most;
    on() ? marked_.assign(marked_.size(), 0) : std::vector<uint64_t>().swap(marked_);
    removed_.clear();
    removed_rows_ = 0;
  }

  void Mark(uint32_t slot) {
    if (on()) Set(slot);
  }
  void Mark(const uint32_t* slots, int64_t count) {
    if (!on()) return;
    for (int64_t i = 0; i < count; ++i) Set(slots[i]);
  }
  void Mark(const std::vector<uint32_t>& slots) { Mark(slots.data(), static_cast<int64_t>(slots.size())); }
  /// Call only while on() says so, before the rows' columns are gone.
  void Remove(std::vector<ColumnPtr> columns, int64_t rows) {
    if (rows == 0) return;
    removed_rows_ += rows;
    if (removed_rows_ > most_) return removed_.clear();
    removed_.push_back({std::move(columns), rows});
  }

  /// Marked slots that still hold something, as held(slot) says; ascending.
  template <typename Held>
  std::vector<uint32_t> Marked(const Held& held) const {
    std::vector<uint32_t> slots;
    for (size_t word = 0; word < marked_.size(); ++word) {
      for (uint64_t bits = marked_[word]; bits != 0; bits &= bits - 1) {
        const auto slot = static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(bits)));
        if (held(slot)) slots.push_back(slot);
      }
    }
    return slots;
  }
  /// All of them, unless there are more than it was to remember.
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

  int64_t most_ = 0;
  std::vector<uint64_t> marked_;
  std::vector<Removed> removed_;
  int64_t removed_rows_ = 0;
};

}  // namespace streamrun
