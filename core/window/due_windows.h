// Which groups of which window are to be given next: windows that the watermark has passed, and windows whose
// groups changed since they were shown.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/window/given_groups.h"
#include "core/window/slice_merger.h"

namespace streamrun {

/// Groups of one window on their way out, a batch at a time: those behind `at` are still to be given.
struct DueGroups {
  Window window;
  const GroupTable* table = nullptr;  // null: nothing is due
  std::unique_ptr<TimeSlice> owned;
  TimeSlice* live = nullptr;  // the table's slice, if it goes on: groups without rows are dropped from it
  std::vector<uint32_t> slots;
  size_t at = 0;
};

/// Not thread-safe. `plan`, `windows` (null: everything is one window that ends with the input), `store` and
/// `watermark` outlive it.
class DueWindows {
 public:
  DueWindows(const AggregationPlan& plan, const Slices* windows, SliceStore& store,
             const Timestamp& watermark);

  /// Puts windows of many slices together; null where a window is one slice.
  SliceMerger* merger() { return merger_ ? &*merger_ : nullptr; }
  const SliceMerger* merger() const { return merger_ ? &*merger_ : nullptr; }

  /// Windows that end here or before take no more rows.
  Timestamp ClosedEnd() const;
  bool HasFired(const Window& window) const { return window.end <= fired_end_; }
  /// The window that fires next, whether the watermark has passed it or not.
  std::optional<Window> NextWindow() const;

  /// Touched groups are to be shown now.
  void ShowTouched() { show_ = true; }
  /// The input is over: everything is due.
  void End() { show_ = ended_ = true; }
  bool ended() const { return ended_; }
  /// What is due next; its table is valid until the next call.
  DueGroups Next();
  /// Nothing is due: drops the slices that no window needs any more. Gives what ClosedEnd() is.
  Timestamp DropClosed();
  /// The watermark came from a checkpoint.
  void Restored();

  /// In processing time instances come to different times: a checkpoint says of each group how far windows of
  /// many slices were given.
  bool keeps_given() const { return merger_ && plan_.window.processing_time; }
  /// By group.
  std::vector<int64_t> GivenUntil(const std::vector<ColumnPtr>& keys, int64_t count) const;
  /// They were, to these groups, which came from a checkpoint.
  void RestoreGiven(const std::vector<ColumnPtr>& keys, const Column& until) {
    if (keeps_given()) given_.Add(keys, until);
  }
  size_t MemoryBytes() const { return given_.MemoryBytes() + (merger_ ? merger_->MemoryBytes() : 0); }

 private:
  // Windows of many slices that touched groups of one slice have to be shown in again.
  struct Revisit {
    Timestamp slice;
    std::optional<Window> window;
    std::unique_ptr<SliceMerger> merger;
  };

  DueGroups NextTouched();
  bool ClosesUnshown(Timestamp start) const;
  DueGroups NextRevisited();
  DueGroups NextFired();
  DueGroups Fired(const Window& window);
  DueGroups AllOf(const Window& window, const GroupTable& table, TimeSlice* live) const;
  DueGroups Last(const Window& window, std::unique_ptr<TimeSlice> slice) const;

  const AggregationPlan& plan_;
  const Slices* windows_;
  SliceStore& store_;
  const Timestamp& watermark_;
  std::optional<SliceMerger> merger_;
  Timestamp fired_end_ = kMinTimestamp;   // windows that end here or before have fired
  Timestamp closed_end_ = kMinTimestamp;  // what was shown of windows that end here or before is forgotten
  bool ended_ = false;
  bool show_ = false;
  std::optional<Revisit> revisit_;
  GivenGroups given_;
};

}  // namespace streamrun
