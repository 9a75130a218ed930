// How much an aggregate that keeps its rows may keep of one group. Columns count their bytes with 31 bits, so
// more could neither be given as a result nor saved.
#pragma once

#include "core/agg/aggregate_function.h"

namespace streamrun {

/// What a kept row weighs: at least the bytes that it takes in a saved state and in the result.
class KeptWeight {
 public:
  explicit KeptWeight(const AggregateTypes& types);
  size_t Of(std::span<const ColumnPtr> columns, int64_t row) const;

 private:
  size_t scale_ = 1;
  size_t more_ = 0;
};

/// The failure of a group that weighs more than AggregateTypes::largest (SQLSTATE 54000, as PostgreSQL's
/// program_limit_exceeded). `position`: of the slot among those asked for.
RowFailure TooLarge(uint32_t position);

/// How many of the slots (at least one, unless there is none) fit into one column, update pairs included:
/// together they weigh at most a quarter of `largest`.
template <typename WeightOf>
int64_t FittingSlots(const uint32_t* slots, int64_t count, size_t largest, const WeightOf& weight_of) {
  size_t weight = 0;
  for (int64_t i = 0; i < count; ++i) {
    weight += weight_of(slots[i]);
    if (i > 0 && weight > largest / 4) return i;
  }
  return count;
}

}  // namespace streamrun
