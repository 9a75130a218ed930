#include "core/agg/row_lists.h"

namespace streamrun {

RowLists::RowLists(const std::vector<DataType>& types, const KeptWeight& weight, size_t most)
    : weight_(weight), most_(most) {
  for (const DataType& type : types) columns_.emplace_back(type);
}

void RowLists::Resize(uint32_t slots) {
  first_.Resize(slots, kEnd);
  last_.Resize(slots, kEnd);
  weights_.Resize(slots);
}

void RowLists::Clear(uint32_t slot) {
  for (uint32_t row = first_[slot]; row != kEnd; row = next_[row]) {
    for (SlotColumn& column : columns_) column.SetNull(row);
    --size_;
  }
  if (first_[slot] != kEnd) {
    next_[last_[slot]] = free_;
    free_ = first_[slot];
  }
  first_[slot] = last_[slot] = kEnd;
  weights_[slot] = 0;
}

uint32_t RowLists::NewRow() {
  ++size_;
  if (free_ != kEnd) {
    const uint32_t row = free_;
    free_ = next_[row];
    next_[row] = kEnd;
    return row;
  }
  const auto row = static_cast<uint32_t>(next_.size());
  next_.Resize(row + 1, kEnd);
  for (SlotColumn& column : columns_) column.Resize(row + 1);
  return row;
}

void RowLists::Append(std::span<const ColumnPtr> columns, const GroupedRows& rows) {
  for (int64_t i = 0; i < rows.count; ++i) {
    const uint32_t slot = rows.slots[i];
    if (weights_[slot] > most_) continue;
    const auto from = static_cast<int64_t>(rows.row(i));
    weights_[slot] += weight_.Of(columns, from);
    const uint32_t row = NewRow();
    for (size_t c = 0; c < columns_.size(); ++c) columns_[c].Set(row, *columns[c], from);
    (first_[slot] == kEnd ? first_[slot] : next_[last_[slot]]) = row;
    last_[slot] = row;
  }
}

SlotRows RowLists::Gather(const uint32_t* slots, int64_t count) const {
  std::vector<uint32_t> rows;
  SlotRows out;
  for (int64_t i = 0; i < count; ++i) {
    for (uint32_t row = first_[slots[i]]; row != kEnd; row = next_[row]) rows.push_back(row);
    out.ends.push_back(static_cast<int64_t>(rows.size()));
  }
  for (const SlotColumn& column : columns_) {
    out.columns.push_back(column.Gather(rows.data(), static_cast<int64_t>(rows.size())));
  }
  return out;
}

size_t RowLists::MemoryBytes() const {
  size_t bytes = next_.MemoryBytes() + first_.MemoryBytes() + last_.MemoryBytes() + weights_.MemoryBytes();
  for (const SlotColumn& column : columns_) bytes += column.MemoryBytes();
  return bytes;
}

}  // namespace streamrun
