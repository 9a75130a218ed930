#include "core/data/row_store.h"

namespace streamrun {

void RowStore::Put(const std::vector<ColumnPtr>& columns, const std::vector<uint32_t>& rows,
                   std::vector<uint32_t>* slots) {
  slots->clear();
  slots->reserve(rows.size());
  while (slots->size() < rows.size() && !free_.empty()) {
    slots->push_back(free_.back());
    free_.pop_back();
  }
  while (slots->size() < rows.size()) slots->push_back(size_++);
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (columns[c] == nullptr) {
      columns_[c].reset();  // a checkpoint may have given nulls
      continue;
    }
    if (!columns_[c]) columns_[c].emplace(types_[c]);
    SlotColumn& to = *columns_[c];
    if (to.size() < size_) to.Resize(size_);
    for (size_t i = 0; i < rows.size(); ++i) to.Set((*slots)[i], *columns[c], rows[i]);
  }
}

std::vector<ColumnPtr> RowStore::Gather(const std::vector<uint32_t>& slots, size_t begin, size_t end) const {
  std::vector<ColumnPtr> columns;
  for (size_t c = begin; c < end; ++c) {
    columns.push_back(columns_[c] ? columns_[c]->Gather(slots.data(), static_cast<int64_t>(slots.size()))
                                  : nullptr);
  }
  return columns;
}

std::vector<ColumnPtr> RowStore::GatherAll(const std::vector<uint32_t>& slots, size_t begin,
                                           size_t end) const {
  std::vector<ColumnPtr> columns = Gather(slots, begin, end);
  for (size_t c = begin; c < end; ++c) {
    ColumnPtr& column = columns[c - begin];
    if (!column) column = Column::Nulls(types_[c], static_cast<int64_t>(slots.size()));
  }
  return columns;
}

size_t RowStore::MemoryBytes() const {
  size_t bytes = free_.capacity() * sizeof(uint32_t);
  for (const auto& column : columns_) bytes += column ? column->MemoryBytes() : 0;
  return bytes;
}

}  // namespace streamrun
