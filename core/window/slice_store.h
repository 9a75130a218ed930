// The groups of every slice of time that is still needed, and which of them changed since they were shown.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "core/agg/group_table.h"
#include "core/window/aggregation_plan.h"

namespace streamrun {

/// One slice. Without windows there is one, at 0.
struct TimeSlice {
  GroupTable table;
  std::vector<uint32_t> touched;  // groups that changed since they were shown, each once
  std::vector<bool> is_touched;   // by group
  size_t bytes = 0;               // as accounted

  explicit TimeSlice(const AggregationPlan& plan) : table(plan.key_types, plan.calls) {}
};

using SliceMap = std::map<Timestamp, std::unique_ptr<TimeSlice>>;

/// Not thread-safe.
class SliceStore {
 public:
  explicit SliceStore(const AggregationPlan& plan) : plan_(plan) {}

  const SliceMap& slices() const { return slices_; }
  bool empty() const { return slices_.empty(); }
  /// The slice that starts at `start`, null when there is none.
  TimeSlice* Find(Timestamp start) const;
  TimeSlice& FindOrMake(Timestamp start);
  /// Call after a slice's groups changed: its memory is measured again.
  void Measure(TimeSlice& slice);
  /// These groups (repeats allowed) have to be shown.
  void Touch(Timestamp start, TimeSlice& slice, const std::vector<uint32_t>& slots);
  /// Slices with groups to be shown, ascending.
  const std::set<Timestamp>& touched() const { return touched_; }
  /// The groups to be shown of a slice; they no longer are.
  std::vector<uint32_t> TakeTouched(Timestamp start);
  void Drop(Timestamp start);
  /// Takes a slice out.
  std::unique_ptr<TimeSlice> Release(Timestamp start);

  /// Forgets what changed; from now on changes of groups are remembered in their tables, and here which
  /// slices went (StateTable::Track).
  void Track(int64_t most);
  /// Starts of slices that went; one may be there again.
  const std::vector<int64_t>& gone() const { return gone_; }
  /// Groups that changed or went, and slices that did.
  int64_t changed() const;

  int64_t groups() const;
  size_t bytes() const { return bytes_; }

 private:
  uint32_t ExpectedGroups() const;

  const AggregationPlan& plan_;
  SliceMap slices_;
  std::set<Timestamp> touched_;
  size_t bytes_ = 0;
  int64_t tracks_ = 0;  // at most so many
  std::vector<int64_t> gone_;

  // Slices mostly follow each other with about as many groups: a new one that is behind all others gets room
  // for as many as both slices before it have.
  TimeSlice* newest_ = nullptr;
  Timestamp newest_start_ = kMinTimestamp;
  uint32_t newest_groups_ = 0;
  uint32_t groups_before_ = 0;
};

}  // namespace streamrun
