#include "core/agg/value_counts.h"

#include <algorithm>

#include "core/data/selection.h"

namespace streamrun {

namespace {

std::vector<DataType> WithSlot(const std::vector<DataType>& types) {
  std::vector<DataType> keys = {TypeId::kInteger};
  keys.insert(keys.end(), types.begin(), types.end());
  return keys;
}

// The chosen rows' slots, then their values: the keys of the table of values.
std::vector<ColumnPtr> KeysOf(const std::vector<ColumnPtr>& columns, const GroupedRows& rows) {
  const auto bytes = static_cast<size_t>(rows.count) * sizeof(uint32_t);
  BufferBuilder slots;
  slots.Append(rows.slots, bytes);
  std::vector<ColumnPtr> keys = {
      std::make_shared<const Column>(DataType(TypeId::kInteger), rows.count, 0, nullptr, slots.Finish())};
  if (rows.rows == nullptr) {
    keys.insert(keys.end(), columns.begin(), columns.end());
    return keys;
  }
  const Selection chosen(rows.rows, rows.rows + rows.count);
  for (const ColumnPtr& column : columns) keys.push_back(Take(column, chosen));
  return keys;
}

}  // namespace

ValueCounts::ValueCounts(const std::vector<DataType>& columns, const AggregateTypes& types)
    : weight_(types), most_(types.largest), values_(WithSlot(columns)) {}

void ValueCounts::Resize(uint32_t slots) {
  first_.Resize(slots, kEnd);
  last_.Resize(slots, kEnd);
  weights_.Resize(slots);
}

void ValueCounts::Clear(uint32_t slot) {
  for (uint32_t value = first_[slot]; value != kEnd;) {
    const uint32_t next = links_[value].next;
    links_[value] = {};
    values_.Erase(value);
    value = next;
  }
  first_[slot] = last_[slot] = kEnd;
  weights_[slot] = 0;
}

void ValueCounts::Append(uint32_t slot, uint32_t value, size_t weight) {
  Link& link = links_[value];
  link.weight = static_cast<uint32_t>(std::min<size_t>(weight, ~uint32_t{0}));
  weights_[slot] += link.weight;
  link.slot = slot;
  link.previous = last_[slot];
  link.next = kEnd;
  (last_[slot] == kEnd ? first_[slot] : links_[last_[slot]].next) = value;
  last_[slot] = value;
}

void ValueCounts::Unlink(uint32_t value) {
  const Link link = links_[value];
  (link.previous == kEnd ? first_[link.slot] : links_[link.previous].next) = link.next;
  (link.next == kEnd ? last_[link.slot] : links_[link.next].previous) = link.previous;
  weights_[link.slot] -= link.weight;
  links_[value] = {};
}

void ValueCounts::Change(const std::vector<ColumnPtr>& columns, const GroupedRows& rows, int64_t by,
                         const Column* counts, std::vector<uint32_t>* turned) {
  if (turned != nullptr) turned->clear();
  if (rows.count == 0) return;
  const std::vector<ColumnPtr> keys = KeysOf(columns, rows);
  values_.Hash(keys, rows.count, &hashes_);
  found_.resize(static_cast<size_t>(rows.count));
  values_.FindOrInsert(keys, hashes_, nullptr, rows.count, found_.data());
  links_.Resize(values_.slots());
  bool some_zero = false;
  refused_.clear();
  for (int64_t i = 0; i < rows.count; ++i) {
    const uint32_t value = found_[static_cast<size_t>(i)];
    if (Full(rows.slots[i])) {
      if (links_[value].slot == kEnd) refused_.push_back(value);
      continue;
    }
    if (links_[value].slot == kEnd) {
      Append(rows.slots[i], value, weight_.Of(columns, static_cast<int64_t>(rows.row(i))));
    }
    int64_t& count = links_[value].count;
    const bool was = count > 0;
    count += counts != nullptr ? by * counts->values<int64_t>()[rows.row(i)] : by;
    some_zero |= count == 0;
    if (turned != nullptr && was != (count > 0)) turned->push_back(static_cast<uint32_t>(i));
  }
  for (const uint32_t value : refused_) {
    if (values_.Holds(value)) values_.Erase(value);
  }
  // Only now: a value may stand in more than one row.
  if (!some_zero) return;
  for (const uint32_t value : found_) {
    if (links_[value].slot == kEnd || links_[value].count != 0) continue;
    Unlink(value);
    values_.Erase(value);
  }
}

SlotRows ValueCounts::Gather(const uint32_t* slots, int64_t count, bool all) const {
  std::vector<uint32_t> values;
  BufferBuilder counts;
  SlotRows out;
  for (int64_t i = 0; i < count; ++i) {
    for (uint32_t value = first_[slots[i]]; value != kEnd; value = links_[value].next) {
      if (!all && links_[value].count <= 0) continue;
      values.push_back(value);
      counts.Push(links_[value].count);
    }
    out.ends.push_back(static_cast<int64_t>(values.size()));
  }
  const auto rows = static_cast<int64_t>(values.size());
  for (size_t i = 1; i < values_.key_columns(); ++i) {
    out.columns.push_back(values_.key(i).Gather(values.data(), rows));
  }
  out.columns.push_back(
      std::make_shared<const Column>(DataType(TypeId::kBigint), rows, 0, nullptr, counts.Finish()));
  return out;
}

int64_t ValueCounts::Fitting(const uint32_t* slots, int64_t count) const {
  return FittingSlots(slots, count, most_, [&](uint32_t slot) { return weights_[slot]; });
}

size_t ValueCounts::MemoryBytes() const {
  return values_.MemoryBytes() + links_.MemoryBytes() + first_.MemoryBytes() + last_.MemoryBytes() +
         weights_.MemoryBytes() + hashes_.capacity() * 8 + found_.capacity() * 4;
}

}  // namespace streamrun
