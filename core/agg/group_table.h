// Groups with their accumulators: the state of one window, or of a whole stream.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "core/agg/aggregate_call.h"
#include "core/data/key_table.h"
#include "core/data/selection.h"
#include "core/data/slot_changes.h"

namespace streamrun {

/// What grouping computes from a batch once, whatever number of windows its rows go to.
class GroupInput {
 public:
  /// `keys` and `calls` outlive it.
  GroupInput(const std::vector<ExpressionPtr>& keys, const std::vector<AggregateCall>& calls, Env* env);

  /// Evaluates; rows that fail are appended to `failures` (ascending, once each).
  void Evaluate(const BatchPtr& batch, const KeyTable& table, std::vector<RowFailure>* failures);

  int64_t rows() const { return rows_; }
  const std::vector<ColumnPtr>& keys() const { return key_columns_; }
  const std::vector<uint64_t>& hashes() const { return hashes_; }
  const std::vector<ColumnPtr>& inputs(size_t call) const { return call_columns_[call]; }
  /// Rows that pass the call's FILTER; null: all.
  const Column* filter(size_t call) const { return filters_[call].get(); }

 private:
  std::vector<Evaluator> keys_;
  std::vector<std::vector<Evaluator>> inputs_;
  std::vector<std::optional<Evaluator>> filter_evaluators_;
  int64_t rows_ = 0;
  std::vector<ColumnPtr> key_columns_;
  std::vector<uint64_t> hashes_;
  std::vector<std::vector<ColumnPtr>> call_columns_;
  std::vector<ColumnPtr> filters_;
};

/// The rows of `all` that a call's FILTER lets pass (all of them when `filter` is null), in memory of its
/// own.
class FilteredRows {
 public:
  GroupedRows Of(const GroupedRows& all, const Column* filter);

 private:
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> slots_;
};

/// Not thread-safe.
class GroupTable {
 public:
  /// `calls` outlives it.
  GroupTable(const std::vector<DataType>& key_types, const std::vector<AggregateCall>& calls);

  /// Room for so many groups in all; a hint.
  void Reserve(uint32_t groups);
  /// Adds the chosen rows (null: all `count`) to their groups; slots[i] = the group of the i-th.
  void Add(const GroupInput& input, const uint32_t* rows, int64_t count, std::vector<uint32_t>* slots);
  /// Takes rows back; every call must be able to. Groups stay, see rows_in().
  void Retract(const GroupInput& input, const uint32_t* rows, int64_t count, std::vector<uint32_t>* slots);
  /// The groups with these keys; new ones are empty.
  void FindOrInsert(const std::vector<ColumnPtr>& keys, int64_t count, std::vector<uint32_t>* slots);
  /// Adds rows to groups that the caller knows (or takes them back): rows.slots are groups of this table.
  void Feed(const GroupInput& input, const GroupedRows& rows, bool retract);
  /// Adds saved groups: key columns, then the states of every call.
  void Load(const std::vector<ColumnPtr>& columns, int64_t rows);
  /// The same for groups that the caller knows: columns as for Load, of which the keys are not read.
  void LoadStates(const std::vector<ColumnPtr>& columns, const GroupedRows& rows);
  /// The groups with the keys of some groups of another table; new ones are empty.
  void FindOrInsert(const GroupTable& other, const std::vector<uint32_t>& groups,
                    std::vector<uint32_t>* slots);
  /// Adds all groups of another table of the same shape.
  void Merge(const GroupTable& other);
  /// How many of these groups (at least one, unless there is none) fit into the columns of Save and Results,
  /// which take no more.
  int64_t Fitting(const uint32_t* slots, int64_t count) const;
  /// The groups in `slots`: key columns, then the states of every call (what Load takes).
  std::vector<ColumnPtr> Save(const std::vector<uint32_t>& slots) const;
  /// The groups in `slots`: key columns, then the results of every call.
  std::vector<ColumnPtr> Results(const std::vector<uint32_t>& slots, std::vector<RowFailure>* failures) const;

  void Erase(uint32_t slot) { Erase(std::vector<uint32_t>{slot}); }
  void Erase(const std::vector<uint32_t>& slots);
  const KeyTable& keys() const { return keys_; }
  /// Groups that are new or whose states changed, by slot, and the keys of those that were erased. Who keeps
  /// more of a group than its states marks what changes of that.
  SlotChanges& changes() { return changes_; }
  const SlotChanges& changes() const { return changes_; }
  /// Groups that are there among those.
  std::vector<uint32_t> Changed() const {
    return changes_.Marked([this](uint32_t slot) { return keys_.Holds(slot); });
  }
  /// States of one call, by group.
  Accumulator& states(size_t call) { return *accumulators_[call]; }
  const Accumulator& states(size_t call) const { return *accumulators_[call]; }
  /// Empties the states of one call.
  void Renew(size_t call);
  size_t MemoryBytes() const;

  /// Columns of Save: types of keys, then of states.
  static std::vector<DataType> StateTypes(const std::vector<DataType>& key_types,
                                          const std::vector<AggregateCall>& calls);

 private:
  void Grow();
  void WillNeed(const uint32_t* slots, int64_t count) const;

  const std::vector<AggregateCall>& calls_;
  KeyTable keys_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  FilteredRows filtered_;
  SlotChanges changes_;
};

/// Calls f(pieces of `slots`) until one fails: each of at most `most` groups that fit into columns.
template <typename F>
Status InFittingPieces(const GroupTable& table, const std::vector<uint32_t>& slots, size_t most, F&& f) {
  for (auto begin = slots.begin(); begin != slots.end();) {
    const auto rest = std::min(static_cast<int64_t>(slots.end() - begin), static_cast<int64_t>(most));
    const auto end = begin + table.Fitting(&*begin, rest);
    SR_RETURN_IF_ERROR(f(std::vector<uint32_t>(begin, end)));
    begin = end;
  }
  return Status::Ok();
}

}  // namespace streamrun
