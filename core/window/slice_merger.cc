#include "core/window/slice_merger.h"

#include <algorithm>
#include <bit>

namespace streamrun {

SliceMerger::SliceMerger(const AggregationPlan& plan, const SliceStore& slices)
    : plan_(plan), slices_(slices) {
  in_order_ = std::any_of(plan.calls.begin(), plan.calls.end(),
                          [](const AggregateCall& call) { return call.order_matters(); });
}

SliceMerger::SliceMerger(const AggregationPlan& plan, const SliceStore& slices, std::vector<ColumnPtr> keys,
                         int64_t count)
    : SliceMerger(plan, slices) {
  some_ = true;
  only_ = std::move(keys);
  only_count_ = count;
  KeyTable(plan.key_types).Hash(only_, count, &only_hashes_);
}

std::unique_ptr<GroupTable> SliceMerger::NewTable() const {
  return std::make_unique<GroupTable>(plan_.key_types, plan_.calls);
}

void SliceMerger::MergeSlice(const TimeSlice& slice, GroupTable* into) const {
  if (!some_) return into->Merge(slice.table);
  std::vector<uint32_t> found(static_cast<size_t>(only_count_));
  slice.table.keys().Find(only_, only_hashes_, nullptr, only_count_, found.data());
  std::erase(found, KeyTable::kNone);
  if (!found.empty()) into->Load(slice.table.Save(found), static_cast<int64_t>(found.size()));
}

// What depends on the order of merging is merged anew for every window: its results are as large as that.
const GroupTable& SliceMerger::MergeInOrder(const Window& window) {
  both_ = NewTable();
  const SliceMap& slices = slices_.slices();
  for (auto it = slices.lower_bound(window.start); it != slices.end() && it->first < window.end; ++it) {
    MergeSlice(*it->second, both_.get());
  }
  return *both_;
}

void SliceMerger::Extend(Timestamp end) {
  const SliceMap& slices = slices_.slices();
  for (auto it = slices.lower_bound(end_); it != slices.end() && it->first < end; ++it) {
    MergeSlice(*it->second, prefix_.get());
  }
  end_ = std::max(end_, end);
}

// Where nothing that is held can be used again the window is one growing table; else its end is the new
// pivot, and everything lies before it.
void SliceMerger::MovePivot(const Window& window) {
  const bool anew = !started_ || window.start >= end_;
  started_ = true;
  pivot_ = anew ? window.start : window.end;
  end_ = pivot_;
  suffixes_.clear();
  prefix_ = NewTable();
}

// Walks back from the nearest suffix (or the pivot) to `from`, keeping the tables at 0, 1, 3, 7, ... slices
// from the end of the walk.
void SliceMerger::MakeSuffixes(Timestamp from) {
  const SliceMap& slices = slices_.slices();
  const Timestamp limit = suffixes_.empty() ? pivot_ : suffixes_.back().from;
  std::vector<const SliceMap::value_type*> walk;
  for (auto it = slices.lower_bound(from); it != slices.end() && it->first < limit; ++it) {
    walk.push_back(&*it);
  }
  if (walk.empty()) return;
  std::unique_ptr<GroupTable> running = NewTable();
  if (!suffixes_.empty()) running->Merge(*suffixes_.back().table);
  for (size_t left = walk.size(); left-- > 0;) {
    MergeSlice(*walk[left]->second, running.get());
    if (left == 0 || !std::has_single_bit(left + 1)) continue;
    std::unique_ptr<GroupTable> copy = NewTable();
    copy->Merge(*running);
    suffixes_.push_back({walk[left]->first, std::move(copy)});
  }
  suffixes_.push_back({walk[0]->first, std::move(running)});
}

const GroupTable& SliceMerger::Merge(const Window& window) {
  if (in_order_) return MergeInOrder(window);
  if (!started_ || window.start > pivot_) MovePivot(window);
  while (!suffixes_.empty() && suffixes_.back().from < window.start) suffixes_.pop_back();
  if (window.start < pivot_) MakeSuffixes(window.start);
  Extend(window.end);
  if (suffixes_.empty()) return *prefix_;
  if (prefix_->keys().size() == 0) return *suffixes_.back().table;
  both_ = NewTable();
  both_->Merge(*suffixes_.back().table);
  both_->Merge(*prefix_);
  return *both_;
}

std::vector<GroupTable*> SliceMerger::Holding(Timestamp slice) const {
  std::vector<GroupTable*> tables;
  if (!started_ || slice >= end_) return tables;
  if (slice >= pivot_) return {prefix_.get()};
  for (const Suffix& suffix : suffixes_) {
    if (suffix.from <= slice) tables.push_back(suffix.table.get());
  }
  return tables;
}

size_t SliceMerger::MemoryBytes() const {
  size_t bytes = (prefix_ ? prefix_->MemoryBytes() : 0) + (both_ ? both_->MemoryBytes() : 0);
  for (const Suffix& suffix : suffixes_) bytes += suffix.table->MemoryBytes();
  return bytes;
}

}  // namespace streamrun
