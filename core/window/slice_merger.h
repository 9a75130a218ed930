// Windows of many slices, put together one after the other at a cost that hardly depends on their number.
//
// The window is cut at a pivot. Behind it the groups of all slices up to the window's end lie in one table
// that grows. Before it lie tables of "everything from here to the pivot", for starts that come further and
// further apart; the ones between are made again from the slices when the window gets there. When the window
// has passed the pivot, its end becomes the next one. A slice is so merged O(log n) times for its whole life,
// n being the slices of a window, and a window costs three tables of its groups. (Tangwongsan, Hirzel,
// Schneider: General incremental sliding-window aggregation, VLDB 2015; the two-stacks algorithm with fewer
// stored suffixes, since a suffix holds every group and not one value.)
#pragma once

#include <memory>
#include <vector>

#include "core/window/slice_store.h"

namespace streamrun {

/// Not thread-safe. `plan` and `slices` outlive it.
class SliceMerger {
 public:
  SliceMerger(const AggregationPlan& plan, const SliceStore& slices);
  /// Only the groups with these keys, each once.
  SliceMerger(const AggregationPlan& plan, const SliceStore& slices, std::vector<ColumnPtr> keys,
              int64_t count);

  /// The groups of a window; windows come with ascending bounds. Valid until the next call.
  const GroupTable& Merge(const Window& window);
  /// The tables that hold the rows of a slice already: rows that still come for it belong there too.
  std::vector<GroupTable*> Holding(Timestamp slice) const;

  size_t MemoryBytes() const;

 private:
  struct Suffix {
    Timestamp from;  // groups of the slices [from, pivot_)
    std::unique_ptr<GroupTable> table;
  };

  std::unique_ptr<GroupTable> NewTable() const;
  void MergeSlice(const TimeSlice& slice, GroupTable* into) const;
  const GroupTable& MergeInOrder(const Window& window);
  void MovePivot(const Window& window);
  void MakeSuffixes(Timestamp from);
  void Extend(Timestamp end);

  const AggregationPlan& plan_;
  const SliceStore& slices_;
  bool in_order_ = false;  // a function's result depends on the order of merging
  bool some_ = false;
  std::vector<ColumnPtr> only_;
  std::vector<uint64_t> only_hashes_;
  int64_t only_count_ = 0;

  bool started_ = false;
  Timestamp pivot_ = 0;
  Timestamp end_ = 0;             // prefix_ holds the slices [pivot_, end_)
  std::vector<Suffix> suffixes_;  // descending `from`: the last one begins where the window does
  std::unique_ptr<GroupTable> prefix_;
  std::unique_ptr<GroupTable> both_;
};

}  // namespace streamrun
