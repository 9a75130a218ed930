// f(DISTINCT x): hands each value to the accumulator of f once.
#pragma once

#include <memory>
#include <vector>

#include "core/agg/value_counts.h"

namespace streamrun {

/// Saved states are the values alone: the inner state is computed from them again. With changing inputs they
/// are counted, and a value is taken back from the inner accumulator when its last row is.
class DistinctAccumulator final : public Accumulator {
 public:
  DistinctAccumulator(const AggregateTypes& types, std::unique_ptr<Accumulator> inner);

  static std::vector<DataType> States(const AggregateTypes& types);

  void Resize(uint32_t slots) override;
  void Clear(uint32_t slot) override;
  void Add(std::span<const ColumnPtr> args, const GroupedRows& rows) override;
  void Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) override;
  void Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) override;
  std::vector<ColumnPtr> SaveStates(const uint32_t* slots, int64_t count) const override;
  int64_t Fitting(const uint32_t* slots, int64_t count) const override;
  ColumnPtr Results(const uint32_t* slots, int64_t count, std::vector<RowFailure>* failures) const override;
  size_t MemoryBytes() const override;

 private:
  // The rows of `rows` at the positions turned_.
  GroupedRows Turned(const GroupedRows& rows);

  bool retracting_;
  VaryingArgs varying_;
  ValueCounts values_;
  std::unique_ptr<Accumulator> inner_;
  std::vector<uint32_t> turned_;
  RowScratch scratch_;
};

}  // namespace streamrun
