// Windows of many slices, put together one after the other: what a window costs is what came and went since
// the one before it, and its results.
//
// One table holds the groups of the window. The states of slices that come are joined to it; those of slices
// that leave are taken out again where that is exact (counts, sums of integers), and what is left of the
// others is kept by a SuffixStack. A group goes when the last slice that has it does.
#pragma once

#include <memory>
#include <vector>

#include "core/window/slice_store.h"
#include "core/window/suffix_stack.h"

namespace streamrun {

/// Not thread-safe. `plan` and `slices` outlive it; groups of a slice are not erased while it is held.
class SliceMerger {
 public:
  SliceMerger(const AggregationPlan& plan, const SliceStore& slices);
  /// Only the groups with these keys, each once.
  SliceMerger(const AggregationPlan& plan, const SliceStore& slices, std::vector<ColumnPtr> keys,
              int64_t count);

  /// The groups of a window; windows come with ascending bounds. Valid until the next call of any kind.
  const GroupTable& Merge(const Window& window);

  /// A slice is part of the window, or would be if it existed: what still comes for it must be said here.
  bool Holds(Timestamp slice) const { return slice >= start_ && slice < end_; }
  /// Rows were added to a slice (or taken back): rows.slots are its groups.
  void Feed(Timestamp slice, const GroupInput& input, const GroupedRows& rows, bool retract);
  /// Saved groups (columns as GroupTable::Load takes them) were added to its groups rows.slots.
  void Load(Timestamp slice, const std::vector<ColumnPtr>& columns, const GroupedRows& rows);
  /// No window to come has this slice: it goes now.
  void Forget(Timestamp slice);

  size_t MemoryBytes() const;

 private:
  void Restart(Timestamp start);
  bool MostlyGone() const;
  void Enter(Timestamp start, TimeSlice& slice);
  void Leave(HeldSlices::iterator held);
  HeldSlice& Hold(Timestamp start, TimeSlice& slice);
  void Join(HeldSlice& held, const std::vector<uint32_t>& groups);
  const std::vector<uint32_t>& WindowGroups(Timestamp slice, const GroupedRows& rows);
  void MergeInOrder();

  const AggregationPlan& plan_;
  const SliceStore& slices_;
  std::vector<size_t> exact_;    // calls whose states can be taken out again
  std::vector<size_t> ordered_;  // calls whose result depends on the order of merging
  bool some_ = false;
  std::vector<ColumnPtr> only_;
  std::vector<uint64_t> only_hashes_;
  int64_t only_count_ = 0;

  // The slices of [start_, end_) have been taken in.
  Timestamp start_ = 0;
  Timestamp end_ = 0;
  HeldSlices held_;
  size_t held_bytes_ = 0;
  std::unique_ptr<GroupTable> table_;
  std::vector<uint32_t> slices_of_;  // by group: how many held slices have it
  SuffixStack stack_;
  std::vector<uint32_t> window_groups_;
};

}  // namespace streamrun
