// The distinct values of each slot and how often each is there: what DISTINCT, mode and their like keep.
#pragma once

#include <vector>

#include "core/agg/kept_weight.h"
#include "core/agg/list_states.h"
#include "core/data/key_table.h"
#include "core/data/slot_array.h"

namespace streamrun {

/// Values are tuples of one or more columns, equal as keys are. A value's count may fall below zero when it
/// is taken back before it was added; it is there when its count is above. Not thread-safe.
class ValueCounts {
 public:
  /// Of the arguments of `types` those in `columns` are kept. A slot whose values weigh more than the types
  /// allow takes no change any more until it is cleared.
  ValueCounts(const std::vector<DataType>& columns, const AggregateTypes& types);

  void Resize(uint32_t slots);
  void Clear(uint32_t slot);
  /// Changes the count of each row's value by `by`, or by `counts` (a bigint by row, times `by`). `turned`:
  /// positions in `rows` at which a value came to be there (by > 0) or to be gone (by < 0).
  void Change(const std::vector<ColumnPtr>& columns, const GroupedRows& rows, int64_t by,
              const Column* counts, std::vector<uint32_t>* turned);

  /// The values with a count of each slot, in the order in which they came; counts stand in a last column.
  /// `all`: those below zero too.
  SlotRows Gather(const uint32_t* slots, int64_t count, bool all) const;
  bool Full(uint32_t slot) const { return weights_[slot] > most_; }
  int64_t Fitting(const uint32_t* slots, int64_t count) const;
  size_t MemoryBytes() const;

 private:
  static constexpr uint32_t kEnd = ~uint32_t{0};
  struct Link {
    int64_t count = 0;
    uint32_t previous = kEnd;
    uint32_t next = kEnd;
    uint32_t slot = kEnd;  // kEnd: not in a chain
    uint32_t weight = 0;
  };

  void Append(uint32_t slot, uint32_t value, size_t weight);
  void Unlink(uint32_t value);

  KeptWeight weight_;
  size_t most_;
  KeyTable values_;  // the slot, then the columns
  SlotArray<Link> links_;
  SlotArray<uint32_t> first_;  // by slot
  SlotArray<uint32_t> last_;
  SlotArray<uint64_t> weights_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> found_;
  std::vector<uint32_t> refused_;  // new values of full slots
};

}  // namespace streamrun
