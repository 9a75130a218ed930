#include "core/window/changelog.h"

#include "core/data/selection.h"

namespace streamrun {

namespace {

std::vector<DataType> KeyTypes(const Schema& schema, int keys) {
  std::vector<DataType> types;
  types.reserve(static_cast<size_t>(keys));
  for (int i = 0; i < keys; ++i) types.push_back(schema.field(i).type);
  return types;
}

// Puts the chosen rows of two batches into one: row i comes from `old` when order[i] < 0, as row -1 -
// order[i].
BatchPtr Interleave(const BatchPtr& old, const BatchPtr& rows, const std::vector<int64_t>& order,
                    const std::vector<ChangeKind>& kinds) {
  const BatchPtr both = Concat({old, rows});
  Selection pick;
  for (const int64_t at : order) {
    pick.push_back(static_cast<uint32_t>(at < 0 ? -1 - at : old->rows() + at));
  }
  std::vector<ColumnPtr> columns;
  for (const ColumnPtr& column : both->columns()) columns.push_back(Take(column, pick));
  BufferBuilder changes;
  for (const ChangeKind kind : kinds) changes.Push(static_cast<int8_t>(kind));
  return std::make_shared<const Batch>(old->schema(), static_cast<int64_t>(pick.size()), std::move(columns),
                                       Origin{}, changes.Finish());
}

}  // namespace

Changelog::Changelog(SchemaPtr schema, int key_columns)
    : schema_(std::move(schema)),
      key_columns_(static_cast<size_t>(key_columns)),
      keys_(KeyTypes(*schema_, key_columns)) {
  for (int i = key_columns; i < schema_->size(); ++i) values_.emplace_back(schema_->field(i).type);
}

bool Changelog::Same(uint32_t slot, const Batch& rows, int64_t row) const {
  for (size_t i = 0; i < values_.size(); ++i) {
    if (!values_[i].EqualKey(slot, *rows.columns()[key_columns_ + i], row)) return false;
  }
  return true;
}

void Changelog::Store(uint32_t slot, const Batch& rows, int64_t row) {
  for (size_t i = 0; i < values_.size(); ++i) values_[i].Set(slot, *rows.columns()[key_columns_ + i], row);
}

BatchPtr Changelog::Join(const std::vector<uint32_t>& old_slots, const BatchPtr& rows,
                         const std::vector<int64_t>& order, const std::vector<ChangeKind>& kinds) const {
  if (order.empty()) return nullptr;
  return Interleave(Rows(old_slots), rows, order, kinds);
}

BatchPtr Changelog::Update(const BatchPtr& rows) {
  if (rows->rows() == 0) return nullptr;
  const std::vector<ColumnPtr> keys(rows->columns().begin(),
                                    rows->columns().begin() + static_cast<std::ptrdiff_t>(key_columns_));
  const uint32_t known = keys_.slots();
  std::vector<uint32_t> slots = keys_.Find(keys, rows->rows());
  std::vector<uint32_t> old_slots;
  std::vector<int64_t> order;
  std::vector<ChangeKind> kinds;
  for (int64_t row = 0; row < rows->rows(); ++row) {
    const uint32_t slot = slots[static_cast<size_t>(row)];
    if (slot == KeyTable::kNone) {
      order.push_back(row);
      kinds.push_back(ChangeKind::kInsert);
    } else if (!Same(slot, *rows, row)) {
      order.push_back(-1 - static_cast<int64_t>(old_slots.size()));
      kinds.push_back(ChangeKind::kUpdateBefore);
      old_slots.push_back(slot);
      order.push_back(row);
      kinds.push_back(ChangeKind::kUpdateAfter);
    }
  }
  BatchPtr changes = Join(old_slots, rows, order, kinds);
  slots = keys_.FindOrInsert(keys, rows->rows());
  if (keys_.slots() > known) {
    for (SlotColumn& value : values_) value.Resize(keys_.slots());
  }
  for (int64_t row = 0; row < rows->rows(); ++row) Store(slots[static_cast<size_t>(row)], *rows, row);
  changes_.Mark(slots);
  return changes;
}

BatchPtr Changelog::Delete(const std::vector<ColumnPtr>& keys, int64_t count) {
  std::vector<uint32_t> old_slots;
  std::vector<int64_t> order;
  for (const uint32_t slot : keys_.Find(keys, count)) {
    if (slot == KeyTable::kNone) continue;
    order.push_back(-1 - static_cast<int64_t>(old_slots.size()));
    old_slots.push_back(slot);
  }
  if (order.empty()) return nullptr;
  const std::vector<ChangeKind> kinds(order.size(), ChangeKind::kDelete);
  std::vector<ColumnPtr> none;
  for (const Field& field : schema_->fields()) none.push_back(Column::Nulls(field.type, 0));
  BatchPtr changes = Join(old_slots, std::make_shared<const Batch>(schema_, 0, none), order, kinds);
  Erase(old_slots);
  return changes;
}

void Changelog::Forget(const std::vector<ColumnPtr>& keys, int64_t count) {
  std::vector<uint32_t> slots = keys_.Find(keys, count);
  std::erase(slots, KeyTable::kNone);
  Erase(slots);
}

void Changelog::Erase(const std::vector<uint32_t>& slots) {
  if (changes_.on()) changes_.Remove(keys_.Gather(slots), static_cast<int64_t>(slots.size()));
  for (const uint32_t slot : slots) {
    for (SlotColumn& value : values_) value.SetNull(slot);
    keys_.Erase(slot);
  }
}

size_t Changelog::MemoryBytes() const {
  size_t bytes = keys_.MemoryBytes();
  for (const SlotColumn& value : values_) bytes += value.MemoryBytes();
  return bytes;
}

BatchPtr Changelog::Rows(const std::vector<uint32_t>& slots) const {
  const auto count = static_cast<int64_t>(slots.size());
  std::vector<ColumnPtr> columns = keys_.Gather(slots);
  for (const SlotColumn& value : values_) columns.push_back(value.Gather(slots.data(), count));
  return std::make_shared<const Batch>(schema_, count, std::move(columns));
}

BatchPtr Changelog::SaveChanged() const {
  return Rows(changes_.Marked([this](uint32_t slot) { return keys_.Holds(slot); }));
}

void Changelog::Load(const BatchPtr& rows) { Update(rows); }

}  // namespace streamrun
