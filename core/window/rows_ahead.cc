#include "core/window/rows_ahead.h"

#include <algorithm>
#include <iterator>

#include "core/window/aggregation_state.h"

namespace streamrun {

namespace {

constexpr std::ptrdiff_t kSavedRows = 8192;

}  // namespace

RowsAhead::RowsAhead(std::vector<DataType> types, size_t inputs, uint32_t ahead, KeysOf keys_of)
    : columns_(types.size()),
      inputs_(inputs),
      ahead_(ahead),
      keys_of_(std::move(keys_of)),
      rows_(std::move(types)) {}

void RowsAhead::Grow(uint32_t keys) {
  held_.Resize(keys);
  ring_.Resize(size_t{keys} * ahead_);
}

void RowsAhead::Put(const std::vector<ColumnPtr>& columns, const Selection& rows,
                    std::vector<uint32_t>* slots) {
  rows_.Put(columns, rows, slots);
  if (serials_.size() < rows_.slots()) serials_.Resize(rows_.slots());
}

void RowsAhead::Set(uint32_t key, uint32_t distance, size_t column, const Column& from, int64_t row) {
  if (static_cast<int64_t>(distance) > held_[key].count) return;
  const uint32_t slot = At(key, held_[key].next - static_cast<int64_t>(distance) + ahead_);
  rows_.Set(inputs_ + column, slot, from, row);
  changes_.Mark(slot);
}

void RowsAhead::Hold(uint32_t key, uint32_t slot, Timestamp time) {
  Held& held = held_[key];
  if (held.count == static_cast<int64_t>(ahead_)) Release(At(key, held.next));
  At(key, held.next) = slot;
  held.next = (held.next + 1) % static_cast<int64_t>(ahead_);
  held.count = std::min<int64_t>(held.count + 1, ahead_);
  serials_[slot] = ++serial_;
  waiting_.push_back({time, slot, serial_});
  changes_.Mark(slot);
}

void RowsAhead::Release(uint32_t slot) {
  finished_.emplace_back(slot, serials_[slot]);
  serials_[slot] = 0;
}

void RowsAhead::Finish(uint32_t key) {
  Held& held = held_[key];
  for (int64_t back = held.count; back > 0; --back) Release(At(key, held.next - back + ahead_));
  held = {};
}

void RowsAhead::DropFinished() {
  while (!waiting_.empty() && !Waits(waiting_.front())) waiting_.pop_front();
}

std::vector<ColumnPtr> RowsAhead::TakeFinished(size_t most, int64_t* rows) {
  std::vector<uint32_t> slots;
  std::vector<uint64_t> serials;
  while (!finished_.empty() && slots.size() < most) {
    slots.push_back(finished_.front().first);
    serials.push_back(finished_.front().second);
    finished_.pop_front();
  }
  *rows = static_cast<int64_t>(slots.size());
  if (slots.empty()) return {};
  if (changes_.on()) Remove(slots, serials);
  std::vector<ColumnPtr> columns = rows_.Gather(slots, 0, columns_);
  for (const uint32_t slot : slots) rows_.Free(slot);
  return columns;
}

Timestamp RowsAhead::FirstTime() const {
  for (const Waiting& row : waiting_) {
    if (Waits(row)) return row.time;
  }
  return kMaxTimestamp;
}

size_t RowsAhead::MemoryBytes() const {
  return held_.MemoryBytes() + ring_.MemoryBytes() + rows_.MemoryBytes() + serials_.MemoryBytes() +
         waiting_.size() * sizeof(Waiting);
}

// --- checkpoints

void RowsAhead::Track(int64_t most) {
  changes_.Track(most);
  tracked_from_ = serial_;
}

// These rows wait no more. Those that came since the last checkpoint are in none.
void RowsAhead::Remove(const std::vector<uint32_t>& slots, const std::vector<uint64_t>& serials) {
  std::vector<uint32_t> saved;
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (serials[i] > tracked_from_) continue;
    saved.push_back(slots[i]);
    numbers.push_back(static_cast<int64_t>(serials[i]));
  }
  if (saved.empty()) return;
  const auto count = static_cast<int64_t>(saved.size());
  std::vector<ColumnPtr> columns = keys_of_(rows_.GatherAll(saved, 0, inputs_), count);
  columns.push_back(BigintColumn(numbers));
  changes_.Remove(std::move(columns), count);
}

std::vector<RowsAhead::Waiting> RowsAhead::InOrder() const {
  std::vector<Waiting> rows;
  std::copy_if(waiting_.begin(), waiting_.end(), std::back_inserter(rows),
               [this](const Waiting& row) { return Waits(row); });
  return rows;
}

Status RowsAhead::Save(const SchemaPtr& schema, const TakeRows& take) const {
  return SaveSome(InOrder(), schema, take);
}

Status RowsAhead::SaveChanges(const StateShape& shape, const TakeRows& removed, const TakeRows& rows) const {
  SR_RETURN_IF_ERROR(SaveRemoved(changes_, shape, removed));
  std::vector<bool> is_changed(rows_.slots());
  for (const uint32_t slot : changes_.Marked([](uint32_t) { return true; })) is_changed[slot] = true;
  std::vector<Waiting> changed = InOrder();
  std::erase_if(changed, [&](const Waiting& row) { return !is_changed[row.slot]; });
  return SaveSome(changed, shape.Row(), rows);
}

Status RowsAhead::SaveSome(const std::vector<Waiting>& rows, const SchemaPtr& schema,
                           const TakeRows& take) const {
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = begin + std::min<std::ptrdiff_t>(rows.end() - begin, kSavedRows);
    SR_RETURN_IF_ERROR(take(Saved({begin, end}, schema)));
    begin = end;
  }
  return Status::Ok();
}

BatchPtr RowsAhead::Saved(const std::vector<Waiting>& rows, const SchemaPtr& schema) const {
  std::vector<uint32_t> slots;
  std::vector<int64_t> times, numbers;
  for (const Waiting& row : rows) {
    slots.push_back(row.slot);
    times.push_back(row.time);
    numbers.push_back(static_cast<int64_t>(row.serial));
  }
  const auto count = static_cast<int64_t>(rows.size());
  const std::vector<ColumnPtr> stored = rows_.GatherAll(slots, 0, columns_);
  const auto inputs = stored.begin() + static_cast<std::ptrdiff_t>(inputs_);
  std::vector<ColumnPtr> columns = keys_of_({stored.begin(), inputs}, count);
  columns.insert(columns.end(), stored.begin(), stored.end());
  columns.push_back(BigintColumn(times));
  columns.push_back(BigintColumn(numbers));
  return std::make_shared<const Batch>(schema, count, std::move(columns));
}

void RowsAhead::Load(const BatchPtr& saved, size_t width, const std::vector<uint32_t>& keys) {
  const auto& all = saved->columns();
  Selection rows(keys.size());
  for (uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
  std::vector<uint32_t> slots;
  Put({all.begin() + static_cast<std::ptrdiff_t>(width), all.end() - 2}, rows, &slots);
  const auto* times = all[all.size() - 2]->values<int64_t>();
  for (size_t i = 0; i < rows.size(); ++i) Hold(keys[i], slots[i], times[i]);
  // Rows of other instances may have come before.
  std::stable_sort(waiting_.begin(), waiting_.end(),
                   [](const Waiting& a, const Waiting& b) { return a.time < b.time; });
}

}  // namespace streamrun
