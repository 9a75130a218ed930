#include "core/window/due_windows.h"

#include <algorithm>

namespace streamrun {

namespace {

using Emit = AggregationPlan::Emit;

Timestamp Behind(Timestamp time) { return time == kMaxTimestamp ? time : time + 1; }

}  // namespace

DueWindows::DueWindows(const AggregationPlan& plan, const Slices* windows, SliceStore& store,
                       const Timestamp& watermark)
    : plan_(plan), windows_(windows), store_(store), watermark_(watermark), given_(plan.key_types) {
  if (windows != nullptr && !windows->single()) merger_.emplace(plan, store);
}

Timestamp DueWindows::ClosedEnd() const {
  if (watermark_ == kMinTimestamp || watermark_ < kMinTimestamp + plan_.allowed_lateness) {
    return kMinTimestamp;
  }
  return Behind(watermark_ - plan_.allowed_lateness);
}

void DueWindows::Restored() {
  fired_end_ = watermark_ == kMinTimestamp ? kMinTimestamp : Behind(watermark_);
  closed_end_ = ClosedEnd();
}

DueGroups DueWindows::Next() {
  DueGroups due = NextTouched();
  return due.table != nullptr ? std::move(due) : NextFired();
}

std::vector<int64_t> DueWindows::GivenUntil(const std::vector<ColumnPtr>& keys, int64_t count) const {
  return given_.Until(keys, count, fired_end_);
}

DueGroups DueWindows::AllOf(const Window& window, const GroupTable& table, TimeSlice* live) const {
  std::vector<uint32_t> slots = table.keys().Live();
  given_.TakeOut(table, window.end, &slots);
  return {window, &table, nullptr, live, std::move(slots), 0};
}

DueGroups DueWindows::Last(const Window& window, std::unique_ptr<TimeSlice> slice) const {
  DueGroups due = AllOf(window, slice->table, nullptr);
  due.owned = std::move(slice);
  return due;
}

// --- changes

DueGroups DueWindows::NextTouched() {
  while (revisit_ || !store_.touched().empty()) {
    if (revisit_) {
      DueGroups due = NextRevisited();
      if (due.table != nullptr) return due;
      continue;
    }
    const Timestamp start = *store_.touched().begin();
    if (!show_ && !ClosesUnshown(start)) return {};
    std::vector<uint32_t> slots = store_.TakeTouched(start);
    std::sort(slots.begin(), slots.end());
    TimeSlice& slice = *store_.Find(start);
    if (!merger_) {
      return {
          windows_ ? windows_->First(start) : Window{}, &slice.table, nullptr, &slice, std::move(slots), 0};
    }
    revisit_ = {start, windows_->FirstEndingAfter(start, closed_end_),
                std::make_unique<SliceMerger>(plan_, store_, slice.table.keys().Gather(slots),
                                              static_cast<int64_t>(slots.size()))};
  }
  show_ = false;
  return {};
}

// With `every`, rows that came for a window after it fired must not be forgotten before their turn.
bool DueWindows::ClosesUnshown(Timestamp start) const {
  if (windows_ == nullptr || plan_.emit != Emit::kEvery) return false;
  const Window first = windows_->First(start);
  return HasFired(first) && first.end <= ClosedEnd();
}

DueGroups DueWindows::NextRevisited() {
  const std::optional<Window> window = revisit_->window;
  if (!window || (plan_.emit == Emit::kOnClose && !HasFired(*window))) {
    revisit_.reset();
    return {};
  }
  revisit_->window = windows_->Next(revisit_->slice, *window);
  return AllOf(*window, revisit_->merger->Merge(*window), nullptr);
}

// --- windows that end

std::optional<Window> DueWindows::NextWindow() const {
  if (windows_ == nullptr) return std::nullopt;
  const SliceMap& slices = store_.slices();
  for (auto it = slices.lower_bound(windows_->EarliestSliceBehind(fired_end_)); it != slices.end(); ++it) {
    if (const auto window = windows_->FirstEndingAfter(it->first, fired_end_)) return window;
  }
  return std::nullopt;
}

// The next window that the watermark has passed, or the final result of an aggregate without windows.
DueGroups DueWindows::NextFired() {
  if (windows_ == nullptr) {
    if (!ended_ || plan_.gives_changes() || store_.empty()) return {};
    return Last({}, store_.Release(store_.slices().begin()->first));
  }
  for (auto window = NextWindow(); window && window->last() <= watermark_; window = NextWindow()) {
    fired_end_ = window->end;
    // What is shown at every update has been shown.
    if (plan_.emit != Emit::kOnUpdate) return Fired(*window);
  }
  return {};
}

DueGroups DueWindows::Fired(const Window& window) {
  if (merger_) return AllOf(window, merger_->Merge(window), nullptr);
  if (window.end <= ClosedEnd()) return Last(window, store_.Release(window.start));
  store_.TakeTouched(window.start);
  TimeSlice* slice = store_.Find(window.start);
  return AllOf(window, slice->table, slice);
}

Timestamp DueWindows::DropClosed() {
  if (watermark_ != kMinTimestamp) fired_end_ = std::max(fired_end_, Behind(watermark_));
  closed_end_ = ClosedEnd();
  given_.Forget(fired_end_);
  while (!store_.empty() && windows_->Last(store_.slices().begin()->first).end <= closed_end_) {
    const Timestamp slice = store_.slices().begin()->first;
    if (merger_) merger_->Forget(slice);
    store_.Drop(slice);
  }
  return closed_end_;
}

}  // namespace streamrun
