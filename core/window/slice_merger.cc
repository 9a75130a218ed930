#include "core/window/slice_merger.h"

#include <algorithm>
#include <numeric>

namespace streamrun {

namespace {

// Groups that a table may have held once without being made anew.
constexpr uint32_t kFewGroups = 4096;

// Calls that can neither be taken out nor depend on order.
std::vector<size_t> Stacked(const AggregationPlan& plan) {
  std::vector<size_t> calls;
  for (size_t i = 0; i < plan.calls.size(); ++i) {
    if (!plan.calls[i].can_subtract() && !plan.calls[i].order_matters()) calls.push_back(i);
  }
  return calls;
}

}  // namespace

SliceMerger::SliceMerger(const AggregationPlan& plan, const SliceStore& slices)
    : plan_(plan), slices_(slices), stack_(plan, Stacked(plan)) {
  for (size_t i = 0; i < plan.calls.size(); ++i) {
    if (plan.calls[i].order_matters()) {
      ordered_.push_back(i);
    } else if (plan.calls[i].can_subtract()) {
      exact_.push_back(i);
    }
  }
}

SliceMerger::SliceMerger(const AggregationPlan& plan, const SliceStore& slices, std::vector<ColumnPtr> keys,
                         int64_t count)
    : SliceMerger(plan, slices) {
  some_ = true;
  only_ = std::move(keys);
  only_count_ = count;
  KeyTable(plan.key_types).Hash(only_, count, &only_hashes_);
}

void SliceMerger::Restart(Timestamp start) {
  held_.clear();
  held_bytes_ = 0;
  table_ = std::make_unique<GroupTable>(plan_.key_types, plan_.calls);
  slices_of_ = std::vector<uint32_t>();  // without the old memory
  stack_.Reset();
  start_ = end_ = start;
}

// After a burst of groups the table would stay as large as it was.
bool SliceMerger::MostlyGone() const {
  const KeyTable& keys = table_->keys();
  return keys.slots() > kFewGroups && keys.slots() / 4 > keys.size();
}

const GroupTable& SliceMerger::Merge(const Window& window) {
  if (!table_ || window.start >= end_ || MostlyGone()) Restart(window.start);
  const SliceMap& slices = slices_.slices();
  for (auto it = slices.lower_bound(end_); it != slices.end() && it->first < window.end; ++it) {
    Enter(it->first, *it->second);
  }
  while (!held_.empty() && held_.begin()->first < window.start) Leave(held_.begin());
  start_ = window.start;
  end_ = window.end;
  stack_.Settle(window, held_, *table_);
  MergeInOrder();
  return *table_;
}

void SliceMerger::Enter(Timestamp start, TimeSlice& slice) {
  std::vector<uint32_t> groups;
  if (some_) {
    groups.resize(static_cast<size_t>(only_count_));
    slice.table.keys().Find(only_, only_hashes_, nullptr, only_count_, groups.data());
    std::erase(groups, KeyTable::kNone);
  } else {
    groups.resize(slice.table.keys().slots());
    std::iota(groups.begin(), groups.end(), 0u);
  }
  HeldSlice& held = Hold(start, slice);
  Join(held, groups);
  for (const size_t call : exact_) {
    table_->states(call).MergeFrom(slice.table.states(call), held.pairs());
  }
  for (const size_t call : stack_.calls()) {
    table_->states(call).MergeFrom(slice.table.states(call), held.pairs());
  }
  stack_.Push(held, table_->keys().slots());
}

HeldSlice& SliceMerger::Hold(Timestamp start, TimeSlice& slice) {
  HeldSlice& held = held_[start];
  if (held.slice == nullptr) {
    held.slice = &slice;
    held_bytes_ += held.bytes();
  }
  return held;
}

// These groups of the slice become part of the window, without their states.
void SliceMerger::Join(HeldSlice& held, const std::vector<uint32_t>& groups) {
  if (groups.empty()) return;
  table_->FindOrInsert(held.slice->table, groups, &window_groups_);
  slices_of_.resize(table_->keys().slots(), 0);
  for (const uint32_t group : window_groups_) ++slices_of_[group];
  held_bytes_ -= held.bytes();
  if (some_) held.from.insert(held.from.end(), groups.begin(), groups.end());
  held.to.insert(held.to.end(), window_groups_.begin(), window_groups_.end());
  held_bytes_ += held.bytes();
}

void SliceMerger::Leave(HeldSlices::iterator held) {
  const HeldSlice& slice = held->second;
  for (const size_t call : exact_) {
    table_->states(call).Subtract(slice.slice->table.states(call), slice.pairs());
  }
  stack_.Pop(held->first, slice);
  for (const uint32_t group : slice.to) {
    if (--slices_of_[group] == 0) table_->Erase(group);
  }
  held_bytes_ -= slice.bytes();
  held_.erase(held);
}

void SliceMerger::Forget(Timestamp slice) {
  const auto held = held_.find(slice);
  if (held != held_.end()) Leave(held);
}

// The window's groups of rows that were added to groups of a slice.
const std::vector<uint32_t>& SliceMerger::WindowGroups(Timestamp slice, const GroupedRows& rows) {
  HeldSlice& held = Hold(slice, *slices_.Find(slice));
  std::vector<uint32_t> came(held.slice->table.keys().slots() - held.to.size());
  std::iota(came.begin(), came.end(), static_cast<uint32_t>(held.to.size()));
  Join(held, came);
  window_groups_.clear();
  for (int64_t i = 0; i < rows.count; ++i) window_groups_.push_back(held.to[rows.slots[i]]);
  return window_groups_;
}

void SliceMerger::Feed(Timestamp slice, const GroupInput& input, const GroupedRows& rows, bool retract) {
  const GroupedRows mine{rows.count, rows.rows, WindowGroups(slice, rows).data()};
  table_->Feed(input, mine, retract);
  stack_.Feed(slice, input, mine, retract, table_->keys().slots());
}

void SliceMerger::Load(Timestamp slice, const std::vector<ColumnPtr>& columns, const GroupedRows& rows) {
  const GroupedRows mine{rows.count, rows.rows, WindowGroups(slice, rows).data()};
  table_->LoadStates(columns, mine);
  stack_.Load(slice, columns, mine, table_->keys().slots());
}

// What depends on the order of merging is merged anew for every window: its results are as large as that.
void SliceMerger::MergeInOrder() {
  for (const size_t call : ordered_) {
    table_->Renew(call);
    for (const auto& [start, held] : held_) {
      table_->states(call).MergeFrom(held.slice->table.states(call), held.pairs());
    }
  }
}

size_t SliceMerger::MemoryBytes() const {
  return (table_ ? table_->MemoryBytes() : 0) + held_bytes_ + slices_of_.capacity() * 4 +
         stack_.MemoryBytes();
}

}  // namespace streamrun
