// Rows with an order: by the keys of an ORDER BY, and what those leave equal by the other columns.
#pragma once

#include <vector>

#include "core/data/row_store.h"
#include "core/data/slot_array.h"

namespace streamrun {

/// One column of the order, by its place in the rows.
struct RankKey {
  int column = 0;
  bool descending = false;
  bool nulls_first = false;
};

/// Stores rows and compares them. Each has a prefix, 8 bytes of its first key that decide most comparisons
/// without a look at the row. Not thread-safe.
class RankedRows {
 public:
  /// The first `ranks` of `order` are the keys that rows are ranked by; the others break ties.
  RankedRows(std::vector<DataType> types, std::vector<RankKey> order, size_t ranks);

  /// A row with a lesser prefix stands before one with a greater; equal prefixes say nothing.
  void Prefixes(const std::vector<ColumnPtr>& columns, int64_t rows, std::vector<uint64_t>* out) const;
  /// Stores rows[i] of the columns, with prefixes[rows[i]], as slots[i].
  void Put(const std::vector<ColumnPtr>& columns, const std::vector<uint32_t>& rows,
           const std::vector<uint64_t>& prefixes, std::vector<uint32_t>* slots);
  void Free(uint32_t slot) { store_.Free(slot); }

  /// < 0: `a` stands before `b`; 0: they are equal in every column of the order.
  int Compare(uint32_t a, uint32_t b) const { return CompareBy(a, b, order_.size()); }
  /// The same by the keys alone.
  int CompareRank(uint32_t a, uint32_t b) const { return CompareBy(a, b, ranks_); }
  uint64_t prefix(uint32_t slot) const { return prefixes_[slot]; }

  const RowStore& store() const { return store_; }
  size_t MemoryBytes() const { return store_.MemoryBytes() + prefixes_.MemoryBytes(); }

 private:
  int CompareBy(uint32_t a, uint32_t b, size_t keys) const;

  RowStore store_;
  std::vector<RankKey> order_;
  size_t ranks_;
  SlotArray<uint64_t> prefixes_;
};

}  // namespace streamrun
