// Earlier values of each key: what lag and first_value look at.
#pragma once

#include <vector>

#include "core/data/slot_array.h"
#include "core/data/slot_column.h"

namespace streamrun {

/// The last `depth` values by key, or its first one. A batch is looked up as a whole: values that came in the
/// batch itself are taken from it, and only what the next batch may need is stored. Not thread-safe.
class RowHistory {
 public:
  enum class Keeps : uint8_t { kLast, kFirst };

  RowHistory(const DataType& type, Keeps keeps, uint32_t depth)
      : keeps_(keeps), depth_(depth), values_(type) {}

  void Grow(uint32_t keys);
  /// Row by row: a key that begins forgets what it knew. kLast: the value `depth` rows before, that of
  /// `missing` where there is none; then the row's own is remembered. kFirst: the key's first value.
  ColumnPtr Follow(const ColumnPtr& values, const std::vector<uint32_t>& keys,
                   const std::vector<bool>& begins, const ColumnPtr& missing);

  /// Types of a saved history: how many values a key has, then the values, the last one first.
  std::vector<DataType> SavedTypes() const;
  std::vector<ColumnPtr> Save(const std::vector<uint32_t>& keys) const;
  void Load(const std::vector<uint32_t>& keys, const std::vector<ColumnPtr>& saved);
  size_t MemoryBytes() const { return values_.MemoryBytes() + counts_.MemoryBytes() + rows_.MemoryBytes(); }

 private:
  static constexpr uint32_t kStored = ~uint32_t{0};

  uint32_t Cell(uint32_t key, int64_t at) const {
    return key * depth_ + static_cast<uint32_t>(at % static_cast<int64_t>(depth_));
  }

  Keeps keeps_;
  uint32_t depth_;
  SlotColumn values_;          // by cell: depth_ cells a key, used in turn
  SlotArray<int64_t> counts_;  // by key
  SlotArray<uint32_t> rows_;   // by cell: row of the batch under way that has its value, or kStored
};

}  // namespace streamrun
