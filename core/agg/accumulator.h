// The contract of an aggregate function's running state: columns by slot, a batch of rows at a time.
//
// Used by `aggregate` and its pre-aggregation, by windows (where slices of time are merged), by retracting
// streams and by checkpoints (which save and load states as typed columns).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/env.h"
#include "core/data/column.h"
#include "core/data/row_failure.h"

namespace streamrun {

/// Which rows of a batch go to which slots: row rows[i] (or i when `rows` is null) to slots[i].
struct GroupedRows {
  int64_t count = 0;
  const uint32_t* rows = nullptr;
  const uint32_t* slots = nullptr;
  size_t row(int64_t i) const { return rows ? rows[i] : static_cast<size_t>(i); }
};

/// Which slots of one accumulator go to which of another: from[i] (or i when `from` is null) to to[i]. A slot
/// stands in `to` once.
struct SlotPairs {
  int64_t count = 0;
  const uint32_t* from = nullptr;
  const uint32_t* to = nullptr;
  uint32_t source(int64_t i) const { return from ? from[i] : static_cast<uint32_t>(i); }
  std::vector<uint32_t> sources() const {
    std::vector<uint32_t> all(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) all[static_cast<size_t>(i)] = source(i);
    return all;
  }
};

/// States of one aggregate call for all slots of one table. Not thread-safe. Rows with a null argument are
/// the accumulator's to ignore (most do, as in PostgreSQL).
class Accumulator {
 public:
  virtual ~Accumulator() = default;

  /// Room for so many slots in all; a hint.
  virtual void Reserve(uint32_t slots) { (void)slots; }
  /// These slots will be asked for; their memory may be on a disk (StateSpace::Cold).
  virtual void WillNeed(const uint32_t* slots, int64_t count) const { (void)slots, (void)count; }
  /// New slots are empty.
  virtual void Resize(uint32_t slots) = 0;
  /// The slot is empty again.
  virtual void Clear(uint32_t slot) = 0;
  /// `args` as the function declares them, evaluated for the whole batch.
  virtual void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) = 0;
  /// Takes rows back that were added before; only for functions that can_retract.
  virtual void Retract(std::span<const ColumnPtr> args, const GroupedRows& rows);
  /// Joins states that SaveStates gave (row = a state) into slots.
  virtual void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) = 0;
  /// Joins states of another accumulator of the same call into slots, as Merge of what it would save.
  virtual void MergeFrom(const Accumulator& other, const SlotPairs& pairs);
  /// MergeFrom of states whose rows came before all those in the slots: it matters to functions that go by
  /// the order of arrival.
  virtual void MergeEarlier(const Accumulator& other, const SlotPairs& pairs) { MergeFrom(other, pairs); }
  /// MergeFrom into slots that need not be empty: what was in them is gone.
  virtual void Assign(const Accumulator& other, const SlotPairs& pairs);
  /// Takes states that were joined out again, exactly; only for functions with kSubtracts.
  virtual void Subtract(const Accumulator& other, const SlotPairs& pairs);
  /// The states of some slots as columns of the function's state types.
  virtual std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const = 0;
  /// How many of these slots (at least one, unless there is none) have states and results that fit into one
  /// column each; SaveStates and Results take no more.
  virtual int64_t Fitting(const uint32_t* slots, int64_t count) const {
    (void)slots;
    return count;
  }
  /// The results; a slot whose result cannot be given (overflow) is null and named in `failures` by its
  /// position in `slots`.
  virtual ColumnPtr Results(const uint32_t* slots, int64_t count,
                            std::vector<RowFailure>* failures) const = 0;
  virtual size_t MemoryBytes() const = 0;
};

}  // namespace streamrun
