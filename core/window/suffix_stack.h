// The part of a sliding window whose states cannot be taken out again: least, greatest, sums of doubles.
//
// The slices that a window holds are cut at a pivot. States of all slices behind it lie in one place that
// grows. Before it lie states of "everything from here to the pivot" for some starts; those for the starts
// between are made again from the slices when the window gets there, part by part. When the window has passed
// the pivot, its end becomes the next one. A slice is so merged O(log n) times for its whole life, n being
// the slices of a window: three times where they share most groups. (Tangwongsan, Hirzel, Schneider: General
// incremental sliding-window aggregation, VLDB 2015; the two-stacks algorithm with fewer stored suffixes,
// since a suffix holds every group and not one value.)
//
// Every state here stands under the group's number in the window's own table, so that nothing is looked up.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/window/slice_store.h"

namespace streamrun {

/// A slice that is part of the window: its group from[i] (or i, when all are) is group to[i] of the window.
struct HeldSlice {
  TimeSlice* slice = nullptr;
  std::vector<uint32_t> from;
  std::vector<uint32_t> to;
  size_t bytes() const { return (from.capacity() + to.capacity()) * sizeof(uint32_t) + sizeof(HeldSlice); }
  SlotPairs pairs() const {
    return {static_cast<int64_t>(to.size()), from.empty() ? nullptr : from.data(), to.data()};
  }
};
using HeldSlices = std::map<Timestamp, HeldSlice>;

/// The states of some calls of the window's table; the table itself holds what they are now. Not thread-safe.
class SuffixStack {
 public:
  /// `plan` outlives it; `calls`: places among the plan's calls.
  SuffixStack(const AggregationPlan& plan, std::vector<size_t> calls);

  const std::vector<size_t>& calls() const { return calls_; }
  /// The window's table is empty again.
  void Reset();
  /// A slice that is behind all others came to the window; the table has its states already.
  void Push(const HeldSlice& held, uint32_t groups);
  /// A slice that is before all others has left the window.
  void Pop(Timestamp slice, const HeldSlice& held);
  /// Rows were added to a slice of the window (or taken back): rows.slots are groups of the window.
  void Feed(Timestamp slice, const GroupInput& input, const GroupedRows& rows, bool retract, uint32_t groups);
  /// The same for saved states, which begin in `columns` at `at(call)`.
  void Load(Timestamp slice, const std::vector<ColumnPtr>& columns, const GroupedRows& rows, uint32_t groups);
  /// Brings the table up to date after slices left: `held` are the slices of the window [start, end).
  void Settle(const Window& window, const HeldSlices& held, GroupTable& table);

  size_t MemoryBytes() const;

 private:
  using States = std::vector<std::unique_ptr<Accumulator>>;  // one a call of calls_
  struct Suffix {
    Timestamp from;  // states of the slices [from, pivot_)
    States states;
  };

  States NewStates(uint32_t groups) const;
  static void Resize(States& states, uint32_t groups);
  /// `all`: 0, 1, ... for every group.
  States Copy(const States& states, const std::vector<uint32_t>& all);
  void DropLast();
  /// The states that hold a slice, as large as the table.
  std::vector<States*> Holding(Timestamp slice, uint32_t groups);
  void Cut(Timestamp end, const GroupTable& table);
  void MakeSuffixes(Timestamp from, const HeldSlices& held, uint32_t groups);
  void Change(const std::vector<uint32_t>& groups);
  void Recompute(GroupTable& table);

  const AggregationPlan& plan_;
  std::vector<size_t> calls_;

  // Until the first slice leaves there is no pivot: the table is all there is.
  bool cut_ = false;
  bool cut_again_ = false;  // a slice behind the pivot has left
  Timestamp pivot_ = 0;
  States newer_;                   // of the slices from pivot_ on
  std::vector<Suffix> suffixes_;   // descending `from`: the last one begins where the window does
  std::vector<States> spare_;      // memory of suffixes that are gone, for the next ones
  std::vector<uint32_t> changed_;  // groups of slices that left
  std::vector<bool> is_changed_;
  FilteredRows filtered_;
};

}  // namespace streamrun
