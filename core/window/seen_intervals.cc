#include "core/window/seen_intervals.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iterator>

#include "core/window/aggregation_state.h"

namespace streamrun {

void SeenIntervals::FindOrOpen(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes,
                               const std::vector<uint32_t>& rows, const std::vector<int64_t>& times,
                               std::vector<uint32_t>* intervals, std::vector<bool>* fresh) {
  intervals->resize(rows.size());
  fresh->assign(rows.size(), false);
  keys_.FindOrInsert(keys, hashes, rows.data(), static_cast<int64_t>(rows.size()), intervals->data());
  if (first_.size() < keys_.slots()) first_.Resize(keys_.slots(), kNone);
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t key = (*intervals)[i];
    const Timestamp time = times[rows[i]];
    uint32_t interval = Find(key, time);
    if (interval == kNone) {
      interval = Open(key, time);
      (*fresh)[i] = true;
    }
    (*intervals)[i] = interval;
  }
}

uint32_t SeenIntervals::Find(uint32_t key, Timestamp time) const {
  uint32_t interval = first_[key];
  while (interval != kNone && within_ > 0 && std::abs(time - starts_[interval]) >= within_) {
    interval = next_[interval];
  }
  return interval;
}

uint32_t SeenIntervals::Open(uint32_t key, Timestamp time) {
  uint32_t interval = slots();
  if (free_.empty()) {
    starts_.Resize(interval + 1);
    next_.Resize(interval + 1);
    key_.Resize(interval + 1);
  } else {
    interval = free_.back();
    free_.pop_back();
  }
  starts_[interval] = time;
  next_[interval] = first_[key];
  key_[interval] = key;
  first_[key] = interval;
  changes_.Mark(interval);
  if (within_ > 0) {
    ends_.push_back({time, serial_++, interval});
    std::push_heap(ends_.begin(), ends_.end(), std::greater<>());
  }
  return interval;
}

bool SeenIntervals::FirstIsClosed(Timestamp watermark) const {
  // Row times are below 2^62, so that the end does not overflow for any `within` that makes sense.
  if (ends_.empty() || watermark == kMinTimestamp) return false;
  return ends_.front().start <= watermark - within_ + 1 || watermark == kMaxTimestamp;
}

void SeenIntervals::Close(Timestamp watermark, size_t most, std::vector<uint32_t>* closed) {
  const size_t begin = closed->size();
  while (closed->size() - begin < most && FirstIsClosed(watermark)) {
    closed->push_back(ends_.front().interval);
    std::pop_heap(ends_.begin(), ends_.end(), std::greater<>());
    ends_.pop_back();
  }
  Remove(closed->data() + begin, closed->size() - begin);
}

void SeenIntervals::Forget(const std::vector<uint32_t>& intervals) {
  Remove(intervals.data(), intervals.size());
}

void SeenIntervals::Remove(const uint32_t* intervals, size_t count) {
  if (changes_.on()) {
    const std::vector<uint32_t> some(intervals, intervals + count);
    std::vector<ColumnPtr> columns = Keys(some);
    std::vector<int64_t> starts;
    starts.reserve(count);
    for (const uint32_t interval : some) starts.push_back(starts_[interval]);
    columns.push_back(BigintColumn(starts));
    changes_.Remove(std::move(columns), static_cast<int64_t>(count));
  }
  for (size_t i = 0; i < count; ++i) {
    const uint32_t interval = intervals[i];
    const uint32_t key = key_[interval];
    uint32_t* link = &first_[key];
    while (*link != interval) link = &next_[*link];
    *link = next_[interval];
    key_[interval] = kNone;
    free_.push_back(interval);
    if (first_[key] == kNone) keys_.Erase(key);
  }
}

std::vector<uint32_t> SeenIntervals::Changed() const {
  std::vector<uint32_t> changed =
      changes_.Marked([this](uint32_t interval) { return key_[interval] != kNone; });
  if (within_ == 0) return changed;
  std::vector<bool> is_changed(slots());
  for (const uint32_t interval : changed) is_changed[interval] = true;
  std::vector<End> ends;
  std::copy_if(ends_.begin(), ends_.end(), std::back_inserter(ends),
               [&](const End& end) { return is_changed[end.interval]; });
  return InOrderOfOpening(std::move(ends));
}

std::vector<uint32_t> SeenIntervals::InOrderOfOpening(std::vector<End> ends) {
  std::sort(ends.begin(), ends.end(),
            [](const End& a, const End& b) { return static_cast<int32_t>(a.serial - b.serial) < 0; });
  std::vector<uint32_t> intervals;
  intervals.reserve(ends.size());
  for (const End& end : ends) intervals.push_back(end.interval);
  return intervals;
}

std::vector<uint32_t> SeenIntervals::Live() const {
  if (within_ > 0) return InOrderOfOpening(ends_);
  std::vector<uint32_t> live;
  for (uint32_t interval = 0; interval < slots(); ++interval) {
    if (key_[interval] != kNone) live.push_back(interval);
  }
  return live;
}

std::vector<ColumnPtr> SeenIntervals::Keys(const std::vector<uint32_t>& intervals) const {
  std::vector<uint32_t> slots;
  slots.reserve(intervals.size());
  for (const uint32_t interval : intervals) slots.push_back(key_[interval]);
  return keys_.Gather(slots);
}

size_t SeenIntervals::MemoryBytes() const {
  return keys_.MemoryBytes() + first_.MemoryBytes() + starts_.MemoryBytes() + next_.MemoryBytes() +
         key_.MemoryBytes() + free_.capacity() * sizeof(uint32_t) + ends_.capacity() * sizeof(End);
}

}  // namespace streamrun
