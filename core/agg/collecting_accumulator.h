// An accumulator that keeps its rows and computes from all of them when a result is asked for.
#pragma once

#include <vector>

#include "core/agg/list_states.h"
#include "core/agg/row_lists.h"

namespace streamrun {

/// Rows are kept in the order in which they came. Rows that are taken back are kept beside them and cancelled
/// against equal ones (the first of them) when results are computed and, so that memory stays bounded by what
/// is there, whenever half of the rows are taken back. A slot that weighs more than the types allow takes
/// nothing more and has no result: it stays so, saved and loaded too, until it is cleared.
class CollectingAccumulator : public Accumulator {
 public:
  struct Options {
    /// Rows with a null in this argument are not kept; -1: all are.
    int skip_null = -1;
    /// Columns behind the arguments (order keys).
    std::vector<DataType> more;
  };
  CollectingAccumulator(const AggregateTypes& types, Options options);

  /// The state types of a call: a list for each argument that varies and each further column, the same again
  /// for rows taken back.
  static std::vector<DataType> States(const AggregateTypes& types);
  static std::vector<DataType> States(const AggregateTypes& types, const std::vector<DataType>& more);

  void Resize(uint32_t slots) override;
  void Clear(uint32_t slot) override;
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override;
  void Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) override;
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override;
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override;
  int64_t Fitting(const uint32_t* slots, int64_t count) const override;
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>* failures) const override;
  size_t MemoryBytes() const override;

 protected:
  /// Appends a value for each slot of `rows`, whose columns are those kept; the failures' rows count from
  /// `first`.
  virtual void Finish(const SlotRows& rows, uint32_t first, ColumnBuilder& out,
                      std::vector<RowFailure>* failures) const = 0;

  const AggregateTypes& types() const { return types_; }
  const VaryingArgs& varying() const { return varying_; }

 private:
  std::vector<ColumnPtr> Kept(std::span<const ColumnPtr> args) const;
  GroupedRows Chosen(std::span<const ColumnPtr> args, const GroupedRows& rows);
  // What is left of the slots' rows; `owed`: rows taken back that have not been added yet.
  SlotRows Remaining(const uint32_t* slots, int64_t count, SlotRows* owed) const;
  void Cancel();
  bool Full(uint32_t slot) const { return rows_.weight(slot) > types_.largest; }
  void ForgetTakenOfFull(const GroupedRows& rows);

  AggregateTypes types_;
  VaryingArgs varying_;
  int skip_null_;
  std::vector<DataType> kept_types_;
  uint32_t slots_ = 0;
  RowLists rows_;
  RowLists taken_;
  RowScratch scratch_;
};

}  // namespace streamrun
