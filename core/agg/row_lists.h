// Rows by slot in the order in which they came: what array_agg, exact quantiles and ORDER BY keep.
#pragma once

#include <vector>

#include "core/agg/kept_weight.h"
#include "core/agg/list_states.h"
#include "core/data/slot_array.h"
#include "core/data/slot_column.h"

namespace streamrun {

/// A chain of rows a slot, all in the same columns: 4 bytes a row and 16 a slot beside the values.
/// Not thread-safe.
class RowLists {
 public:
  /// Rows of a slot that weighs more than `most` are not kept.
  RowLists(const std::vector<DataType>& types, const KeptWeight& weight, size_t most);

  void Resize(uint32_t slots);
  void Clear(uint32_t slot);
  void Append(std::span<const ColumnPtr> columns, const GroupedRows& rows);
  SlotRows Gather(const uint32_t* slots, int64_t count) const;
  /// Of the slot's rows; above `most` when not all of them are there.
  size_t weight(uint32_t slot) const { return weights_[slot]; }
  /// Rows of all slots.
  uint32_t size() const { return size_; }
  size_t MemoryBytes() const;

 private:
  static constexpr uint32_t kEnd = ~uint32_t{0};

  uint32_t NewRow();

  KeptWeight weight_;
  size_t most_;
  std::vector<SlotColumn> columns_;  // by row
  SlotArray<uint32_t> next_;         // by row: the one behind it, of its slot or of the free ones
  SlotArray<uint32_t> first_;        // by slot
  SlotArray<uint32_t> last_;
  SlotArray<uint64_t> weights_;
  uint32_t free_ = kEnd;
  uint32_t size_ = 0;
};

}  // namespace streamrun
