// Whole rows that are kept for later, each under a number.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/data/batch.h"
#include "core/data/slot_column.h"

namespace streamrun {

/// Rows of one shape in columns that change in place; the numbers of freed rows are used again. A column that
/// is pruned in the rows that come in is pruned in those that come out. Not thread-safe.
class RowStore {
 public:
  explicit RowStore(std::vector<DataType> types) : types_(std::move(types)), columns_(types_.size()) {}

  /// Copies the chosen rows of `columns` (one a type; null pointers are pruned); slots[i] is the number of
  /// rows[i].
  void Put(const std::vector<ColumnPtr>& columns, const std::vector<uint32_t>& rows,
           std::vector<uint32_t>* slots);
  /// Changes one value of a stored row; the column must have been put.
  void Set(size_t column, uint32_t slot, const Column& from, int64_t row) {
    columns_[column]->Set(slot, from, row);
  }
  void Free(uint32_t slot) { free_.push_back(slot); }

  /// The columns [begin, end) of some rows, in that order.
  std::vector<ColumnPtr> Gather(const std::vector<uint32_t>& slots, size_t begin, size_t end) const;
  /// The same with nulls in place of pruned columns: what a checkpoint holds.
  std::vector<ColumnPtr> GatherAll(const std::vector<uint32_t>& slots, size_t begin, size_t end) const;

  /// Must not be pruned, and some row must have been put.
  const SlotColumn& column(size_t i) const { return *columns_[i]; }
  /// Numbers are below this.
  uint32_t slots() const { return size_; }
  uint32_t rows() const { return size_ - static_cast<uint32_t>(free_.size()); }
  size_t MemoryBytes() const;

 private:
  std::vector<DataType> types_;
  std::vector<std::optional<SlotColumn>> columns_;
  std::vector<uint32_t> free_;
  uint32_t size_ = 0;
};

}  // namespace streamrun
