#include "core/window/slice_store.h"

#include <utility>

namespace streamrun {

TimeSlice* SliceStore::Find(Timestamp start) const {
  const auto it = slices_.find(start);
  return it == slices_.end() ? nullptr : it->second.get();
}

TimeSlice& SliceStore::FindOrMake(Timestamp start) {
  std::unique_ptr<TimeSlice>& slice = slices_[start];
  if (!slice) slice = std::make_unique<TimeSlice>(plan_);
  return *slice;
}

void SliceStore::Measure(TimeSlice& slice) {
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
  slices_.erase(it);
  return slice;
}

int64_t SliceStore::groups() const {
  int64_t groups = 0;
  for (const auto& [start, slice] : slices_) groups += slice->table.keys().size();
  return groups;
}

}  // namespace streamrun
