#include "core/window/slice_store.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace streamrun {

TimeSlice* SliceStore::Find(Timestamp start) const {
  const auto it = slices_.find(start);
  return it == slices_.end() ? nullptr : it->second.get();
}

TimeSlice& SliceStore::FindOrMake(Timestamp start) {
  std::unique_ptr<TimeSlice>& slice = slices_[start];
  if (slice) return *slice;
  slice = std::make_unique<TimeSlice>(plan_);
  slice->table.changes().Track(tracks_);
  if (start > newest_start_) {
    slice->table.Reserve(ExpectedGroups());
    newest_ = slice.get();
    newest_start_ = start;
    groups_before_ = std::exchange(newest_groups_, 0);
  }
  return *slice;
}

// In steps of an eighth: slices of about the same size then ask for memory of the same size, and one that
// comes gets what one that went left.
uint32_t SliceStore::ExpectedGroups() const {
  const uint32_t groups = std::min(newest_groups_, groups_before_);
  const uint32_t step = std::max(std::bit_floor(groups) / 8, 1u);
  return (groups + step - 1) / step * step;
}

void SliceStore::Measure(TimeSlice& slice) {
  if (&slice == newest_) newest_groups_ = slice.table.keys().slots();
  const size_t now = slice.table.MemoryBytes() + slice.touched.capacity() * sizeof(uint32_t) +
                     slice.is_touched.capacity() / 8 + sizeof(TimeSlice);
  bytes_ += now - slice.bytes;
  slice.bytes = now;
}

void SliceStore::Touch(Timestamp start, TimeSlice& slice, const std::vector<uint32_t>& slots) {
  if (slots.empty()) return;
  slice.is_touched.resize(slice.table.keys().slots(), false);
  for (const uint32_t slot : slots) {
    if (slice.is_touched[slot]) continue;
    slice.is_touched[slot] = true;
    slice.touched.push_back(slot);
  }
  touched_.insert(start);
}

std::vector<uint32_t> SliceStore::TakeTouched(Timestamp start) {
  touched_.erase(start);
  TimeSlice* slice = Find(start);
  if (slice == nullptr) return {};
  for (const uint32_t slot : slice->touched) slice->is_touched[slot] = false;
  slice->table.changes().Mark(slice->touched);
  return std::exchange(slice->touched, {});
}

void SliceStore::Drop(Timestamp start) { Release(start); }

std::unique_ptr<TimeSlice> SliceStore::Release(Timestamp start) {
  const auto it = slices_.find(start);
  if (it == slices_.end()) return nullptr;
  std::unique_ptr<TimeSlice> slice = std::move(it->second);
  bytes_ -= slice->bytes;
  slice->bytes = 0;
  touched_.erase(start);
  if (slice.get() == newest_) newest_ = nullptr;
  slices_.erase(it);
  if (tracks_ > 0) gone_.push_back(start);
  return slice;
}

void SliceStore::Track(int64_t most) {
  tracks_ = most;
  gone_.clear();
  for (const auto& entry : slices_) entry.second->table.changes().Track(most);
}

int64_t SliceStore::changed() const {
  auto changed = static_cast<int64_t>(gone_.size());
  for (const auto& entry : slices_) changed += entry.second->table.changes().count();
  return changed;
}

int64_t SliceStore::groups() const {
  int64_t groups = 0;
  for (const auto& [start, slice] : slices_) groups += slice->table.keys().size();
  return groups;
}

}  // namespace streamrun
