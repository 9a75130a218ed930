// f(x ORDER BY y): keeps the rows of a group and hands them to a fresh accumulator in order.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/agg/collecting_accumulator.h"

namespace streamrun {

struct SortKey {
  size_t column;  // of what the accumulator is given
  bool descending = false;
  bool nulls_first = false;
};

/// < 0, 0, > 0 of two rows by `keys`.
int CompareRows(const std::vector<ColumnPtr>& columns, const std::vector<SortKey>& keys, int64_t a,
                int64_t b);

/// Equal rows stay in the order in which they came. It can take any row back, whatever its function.
class OrderedAccumulator final : public CollectingAccumulator {
 public:
  using MakeInner = std::function<std::unique_ptr<Accumulator>()>;
  /// `more`: types of the columns behind the arguments. Key columns count arguments, then those.
  OrderedAccumulator(const AggregateTypes& types, std::vector<DataType> more, std::vector<SortKey> keys,
                     MakeInner make);

 protected:
  void Finish(const SlotRows& rows, uint32_t first, ColumnBuilder& out,
              std::vector<RowFailure>* failures) const override;

 private:
  std::vector<SortKey> keys_;
  size_t kept_args_;
  MakeInner make_;
};

}  // namespace streamrun
