#include "core/window/row_history.h"

#include <algorithm>

#include "core/data/schema.h"
#include "core/data/selection.h"
#include "core/window/aggregation_state.h"

namespace streamrun {

namespace {

// The values of several columns of one type, behind each other.
ColumnPtr Join(const std::vector<ColumnPtr>& columns) {
  const auto schema = std::make_shared<const Schema>(std::vector<Field>{{"value", columns[0]->type()}});
  std::vector<BatchPtr> batches;
  batches.reserve(columns.size());
  for (const ColumnPtr& column : columns) {
    batches.push_back(
        std::make_shared<const Batch>(schema, column->length(), std::vector<ColumnPtr>{column}));
  }
  return Concat(batches)->column(0);
}

}  // namespace

void RowHistory::Grow(uint32_t keys) {
  if (keys <= counts_.size()) return;
  counts_.Resize(keys);
  rows_.Resize(size_t{keys} * depth_, kStored);
  values_.Resize(keys * depth_);
}

ColumnPtr RowHistory::Follow(const ColumnPtr& values, const std::vector<uint32_t>& keys,
                             const std::vector<bool>& begins, const ColumnPtr& missing) {
  // Rows of the batch, then what was stored, then `missing`: the places behind the rows are known at last.
  const auto rows = static_cast<uint32_t>(keys.size());
  std::vector<uint32_t> from(rows), stored, of_stored, of_missing, touched;
  for (uint32_t row = 0; row < rows; ++row) {
    int64_t& count = counts_[keys[row]];
    if (begins[row]) count = 0;
    const uint32_t cell = Cell(keys[row], keeps_ == Keeps::kFirst ? 0 : count);
    const bool put = keeps_ == Keeps::kLast || count == 0;
    const bool known = keeps_ == Keeps::kFirst ? count > 0 : count >= static_cast<int64_t>(depth_);
    if (known && rows_[cell] != kStored) {
      from[row] = rows_[cell];
    } else if (known) {
      of_stored.push_back(row);
      stored.push_back(cell);
    } else if (keeps_ == Keeps::kFirst) {
      from[row] = row;
    } else {
      of_missing.push_back(row);
    }
    if (put) {
      rows_[cell] = row;
      touched.push_back(cell);
    }
    ++count;
  }
  for (size_t i = 0; i < of_stored.size(); ++i) from[of_stored[i]] = rows + static_cast<uint32_t>(i);
  for (const uint32_t row : of_missing) from[row] = rows + static_cast<uint32_t>(stored.size()) + row;
  std::vector<ColumnPtr> sources{values};
  if (!stored.empty()) sources.push_back(values_.Gather(stored.data(), static_cast<int64_t>(stored.size())));
  if (!of_missing.empty()) sources.push_back(missing);
  ColumnPtr out = Take(sources.size() == 1 ? values : Join(sources), from);
  for (const uint32_t cell : touched) {
    if (rows_[cell] == kStored) continue;  // a later row had its turn
    values_.Set(cell, *values, rows_[cell]);
    rows_[cell] = kStored;
  }
  return out;
}

std::vector<DataType> RowHistory::SavedTypes() const {
  std::vector<DataType> types(depth_ + 1, values_.type());
  types[0] = DataType(TypeId::kBigint);
  return types;
}

std::vector<ColumnPtr> RowHistory::Save(const std::vector<uint32_t>& keys) const {
  std::vector<int64_t> counts;
  counts.reserve(keys.size());
  for (const uint32_t key : keys) counts.push_back(std::min<int64_t>(counts_[key], depth_));
  std::vector<ColumnPtr> columns{BigintColumn(counts)};
  for (int64_t back = 1; back <= static_cast<int64_t>(depth_); ++back) {
    std::vector<uint32_t> cells;
    for (const uint32_t key : keys) {
      const int64_t at = keeps_ == Keeps::kFirst ? 0 : counts_[key] - back + static_cast<int64_t>(depth_);
      cells.push_back(Cell(key, at));
    }
    columns.push_back(values_.Gather(cells.data(), static_cast<int64_t>(cells.size())));
  }
  return columns;
}

void RowHistory::Load(const std::vector<uint32_t>& keys, const std::vector<ColumnPtr>& saved) {
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const int64_t count = saved[0]->values<int64_t>()[row];
    counts_[keys[i]] = count;
    for (int64_t back = 1; back <= count; ++back) {
      values_.Set(Cell(keys[i], count - back), *saved[static_cast<size_t>(back)], row);
    }
  }
}

}  // namespace streamrun
