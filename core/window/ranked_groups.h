// Groups of ranked rows, and what changes in the part of them that is shown.
#pragma once

#include <vector>

#include "core/data/key_table.h"
#include "core/data/slot_changes.h"
#include "core/window/ranking.h"

namespace streamrun {

/// A row of the output to be.
struct RankedChange {
  uint32_t row;  // in rows()
  int64_t rank;
  ChangeKind kind;
};

/// Not thread-safe. `plan` outlives it.
class RankedGroups {
 public:
  explicit RankedGroups(const RankingPlan& plan);

  /// Rows of a batch on their way in.
  struct Arrivals {
    const std::vector<ColumnPtr>* columns = nullptr;  // of the rows as they are stored
    const Batch* batch = nullptr;                     // kinds of change
    const Selection* rows = nullptr;
    const uint32_t* groups = nullptr;  // one for each of `rows`
    const std::vector<uint64_t>* prefixes = nullptr;
  };

  /// Takes rows in and, in groups that are shown, says what changes. Returns how many rows were taken back
  /// that are not there.
  int64_t Apply(const Arrivals& arrivals, std::vector<RankedChange>* changes);
  /// The rows of a group that are to be shown, as inserts.
  void List(uint32_t group, std::vector<RankedChange>* changes) const;
  /// Rows that changes named are kept until this is called.
  void FreeDropped();

  KeyTable& keys() { return keys_; }
  const KeyTable& keys() const { return keys_; }
  RankedRows& rows() { return rows_; }
  const RankedRows& rows() const { return rows_; }
  const std::vector<uint32_t>& rows_of(uint32_t group) const { return groups_[group].rows; }
  bool shown(uint32_t group) const { return groups_[group].shown; }
  void set_shown(uint32_t group) {
    if (!groups_[group].shown) changes_.Mark(group);
    groups_[group].shown = true;
  }
  /// Room for all slots of keys().
  void Grow();
  void Erase(const std::vector<uint32_t>& groups);
  /// All groups of one window.
  void EraseWindow(const std::vector<uint32_t>& groups);
  size_t MemoryBytes() const;

  /// Groups whose rows changed, and rows that are no more: by the window's end (if there is one), `per` and
  /// the row's number in its group, or by the first of these.
  SlotChanges& changes() { return changes_; }
  const SlotChanges& changes() const { return changes_; }
  /// Groups that are there among those.
  std::vector<uint32_t> Changed() const {
    return changes_.Marked([this](uint32_t group) { return keys_.Holds(group); });
  }
  /// How many rows all that is.
  int64_t changed_rows() const;

 private:
  struct Group {
    std::vector<uint32_t> rows;  // in order
    bool shown = false;
  };
  struct Candidate {
    uint32_t group;
    uint32_t row;  // of the batch
    uint64_t prefix;
  };
  struct Arrival {
    uint32_t group;
    uint32_t row;
    uint32_t from;  // row of the batch
    bool taken_back;
  };
  struct GroupArrivals {
    const Arrival* begin;
    const Arrival* end;
    uint32_t from;  // first row of the batch among them
  };

  void Collect(const Arrivals& arrivals);
  void Divide();
  void DropHopeless();
  int64_t Change(const Arrival* begin, const Arrival* end, std::vector<RankedChange>* changes);
  std::vector<uint32_t> Merge(const std::vector<uint32_t>& old, const Arrival* begin, const Arrival* end,
                              int64_t* missing);
  void Rank(const std::vector<uint32_t>& rows, std::vector<RankedChange>* ranked) const;
  void Compare(const std::vector<uint32_t>& old, const std::vector<uint32_t>& now,
               std::vector<RankedChange>* changes);
  void SetWorst(uint32_t group);
  void NoteChange(uint32_t group, const std::vector<uint32_t>& old);
  void RemoveShrunk();
  void Forget(uint32_t group);
  std::vector<ColumnPtr> IdentityOf(const std::vector<uint32_t>& groups) const;

  const RankingPlan& plan_;
  KeyTable keys_;
  RankedRows rows_;
  std::vector<Group> groups_;
  // By group: the prefix of the last row of a full list; rows behind it cannot get in.
  SlotArray<uint64_t> worst_;
  size_t list_bytes_ = 0;
  std::vector<uint32_t> dropped_;
  SlotChanges changes_;  // by group
  // Scratch.
  std::vector<Candidate> candidates_;
  std::vector<Arrival> arrivals_;
  std::vector<GroupArrivals> divided_;
  Selection chosen_;
  std::vector<uint32_t> slots_;
  std::vector<RankedChange> before_, after_;
  // Rows that their groups have no more: the group, and the row's number in it.
  std::vector<uint32_t> shrunk_;
  std::vector<int64_t> shrunk_rows_;
};

}  // namespace streamrun
