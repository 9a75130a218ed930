// An aggregate over the rows of a key so far, given for every row.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/agg/aggregate_call.h"

namespace streamrun {

/// Not thread-safe. `call` outlives it.
class RunningAggregate {
 public:
  RunningAggregate(const AggregateCall& call, Env* env);

  void Grow(uint32_t keys) { states_->Resize(keys); }
  /// `rounds`: the first row of every key of the batch, then the second, and so on; a key that begins forgets
  /// its rows. Rows whose result cannot be given are null and appended to `failures`.
  ColumnPtr Follow(const Batch& batch, const std::vector<uint32_t>& keys, const std::vector<bool>& begins,
                   const std::vector<std::vector<uint32_t>>& rounds, std::vector<RowFailure>* failures);

  std::vector<ColumnPtr> Save(const std::vector<uint32_t>& keys) const;
  void Load(const std::vector<uint32_t>& keys, const std::vector<ColumnPtr>& saved);
  void Clear(uint32_t key) { states_->Clear(key); }
  size_t MemoryBytes() const { return states_->MemoryBytes(); }

 private:
  const AggregateCall& call_;
  std::unique_ptr<Accumulator> states_;
  std::vector<Evaluator> inputs_;
  std::optional<Evaluator> filter_;
};

}  // namespace streamrun
