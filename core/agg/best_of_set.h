// The best of a slot's rows when rows may be taken back: any_value, min, max, first, last, min_by, max_by.
#pragma once

#include <vector>

#include "core/agg/list_states.h"
#include "core/data/key_table.h"
#include "core/data/slot_array.h"

namespace streamrun {

/// Which of rows with equal `by` is best: the first that came, the last one, or the one with the least
/// argument 0 (null is the greatest). What goes by arrival is the same after rows were merged only if it is
/// said which of them came earlier (Accumulator::MergeEarlier), and has no meaning among rows of several
/// senders.
enum class Ties : uint8_t { kFirst, kLast, kLeastValue };

/// Which row is best: the one whose argument `by` is least (or largest), of equal ones as `ties` says. Only
/// rows with that argument, and argument 0 where `needs_value`, count.
struct BestRule {
  int by = 0;
  bool largest = false;
  Ties ties = Ties::kLeastValue;
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
  void MergeEarlier(const Accumulator& other, const SlotPairs& pairs) override;
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override;
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>* failures) const override;
  size_t MemoryBytes() const override;

 private:
  struct Entry {
    int64_t count = 0;
    int64_t arrival = 0;
    bool known = false;  // has an arrival and a place in its slot's heap
  };

  // What a change is: rows that come or are taken back, or saved states of rows that came before all others.
  struct Step {
    int64_t by = 1;
    const Column* counts = nullptr;
    bool earlier = false;
  };

  void Change(std::span<const ColumnPtr> args, const GroupedRows& rows, const Step& step);
  void Find(std::span<const ColumnPtr> args, const GroupedRows& rows);
  bool Count(uint32_t row, uint32_t slot, int64_t by, const int64_t* earlier);
  void OrderAgain(std::vector<uint32_t> slots);
  GroupedRows Chosen(std::span<const ColumnPtr> args, const GroupedRows& rows);
  bool Worse(uint32_t a, uint32_t b) const;
  bool Less(uint32_t a, uint32_t b) const;
  uint32_t Best(uint32_t slot) const;
  void DropTop(uint32_t slot);
  void DropGone();
  void Forget(uint32_t row);

  BestRule rule_;
  KeyTable rows_;  // the slot, then the arguments
  SlotArray<Entry> entries_;
  std::vector<std::vector<uint32_t>> heaps_;  // by slot, the best row first
  int64_t last_arrival_ = 0;
  int64_t first_arrival_ = 0;
  int64_t gone_ = 0;  // known entries whose count is not above zero
  RowScratch value_scratch_;
  RowScratch by_scratch_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> found_;
};

}  // namespace streamrun
