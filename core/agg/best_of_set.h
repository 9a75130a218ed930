// The best of a slot's rows when rows may be taken back: min, max, first, last, min_by, max_by, any_value.
#pragma once

#include <vector>

#include "core/agg/list_states.h"
#include "core/data/key_table.h"
#include "core/data/slot_array.h"

namespace streamrun {

/// Which row is best: the one whose argument `by` is least (or largest); among equal ones the first that came
/// (or the last). Only rows with that argument, and argument 0 where `needs_value`, count.
struct BestRule {
  int by = 0;  // -1: the first row
  bool largest = false;
  bool last_of_equal = false;
  bool needs_value = true;
};

/// Counts each distinct row of a slot and keeps those that are there in a heap: taking the best one back
/// costs the logarithm of their number. Rows that are gone leave the heap when they reach its top, or all
/// together when they are more than half.
class BestOfSet final : public Accumulator {
 public:
  BestOfSet(const AggregateTypes& types, BestRule rule);

  static std::vector<DataType> States(const AggregateTypes& types);

  void Resize(uint32_t slots) override;
  void Clear(uint32_t slot) override;
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override;
  void Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) override;
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override;
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override;
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>* failures) const override;
  size_t MemoryBytes() const override;

 private:
  struct Entry {
    int64_t count = 0;
    uint64_t arrival = 0;
    bool known = false;  // has an arrival and a place in its slot's heap
  };

  void Change(std::span<const ColumnPtr> args, const GroupedRows& rows, int64_t by, const Column* counts);
  GroupedRows Chosen(std::span<const ColumnPtr> args, const GroupedRows& rows);
  bool Worse(uint32_t a, uint32_t b) const;
  uint32_t Best(uint32_t slot) const;
  void DropTop(uint32_t slot);
  void DropGone();
  void Forget(uint32_t row);

  BestRule rule_;
  KeyTable rows_;  // the slot, then the arguments
  SlotArray<Entry> entries_;
  std::vector<std::vector<uint32_t>> heaps_;  // by slot, the best row first
  uint64_t arrivals_ = 0;
  int64_t gone_ = 0;  // known entries whose count is not above zero
  RowScratch value_scratch_;
  RowScratch by_scratch_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> found_;
};

}  // namespace streamrun
