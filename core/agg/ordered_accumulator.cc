#include "core/agg/ordered_accumulator.h"

#include <algorithm>
#include <numeric>

#include "core/expr/compare_values.h"

namespace streamrun {

int CompareRows(const std::vector<ColumnPtr>& columns, const std::vector<SortKey>& keys, int64_t a,
                int64_t b) {
  for (const SortKey& key : keys) {
    const Column& column = *columns[key.column];
    const bool a_null = column.IsNull(a);
    const bool b_null = column.IsNull(b);
    if (a_null && b_null) continue;
    if (a_null || b_null) return a_null == key.nulls_first ? -1 : 1;
    const int order = CompareValues(column, a, column, b);
    if (order != 0) return key.descending ? -order : order;
  }
  return 0;
}

OrderedAccumulator::OrderedAccumulator(const AggregateTypes& types, std::vector<DataType> more,
                                       std::vector<SortKey> keys, MakeInner make)
    : CollectingAccumulator(types, {-1, std::move(more)}),
      keys_(std::move(keys)),
      kept_args_(varying().types().size()),
      make_(std::move(make)) {}

void OrderedAccumulator::Finish(const SlotRows& rows, uint32_t first, ColumnBuilder& out,
                                std::vector<RowFailure>* failures) const {
  std::vector<ColumnPtr> columns = varying().Complete({rows.columns.data(), kept_args_}, rows.rows());
  columns.insert(columns.end(), rows.columns.begin() + static_cast<std::ptrdiff_t>(kept_args_),
                 rows.columns.end());
  std::vector<uint32_t> order(static_cast<size_t>(rows.rows()));
  std::iota(order.begin(), order.end(), 0u);
  std::vector<uint32_t> slots(order.size());
  const auto count = static_cast<uint32_t>(rows.ends.size());
  for (uint32_t i = 0; i < count; ++i) {
    const auto begin = order.begin() + rows.begin(i);
    const auto end = order.begin() + rows.ends[i];
    std::stable_sort(begin, end,
                     [&](uint32_t a, uint32_t b) { return CompareRows(columns, keys_, a, b) < 0; });
    std::fill(slots.begin() + rows.begin(i), slots.begin() + rows.ends[i], i);
  }
  const std::unique_ptr<Accumulator> inner = make_();
  inner->Resize(count);
  inner->Add({columns.data(), types().args.size()}, {rows.rows(), order.data(), slots.data()});
  std::vector<uint32_t> wanted(count);
  std::iota(wanted.begin(), wanted.end(), 0u);
  std::vector<RowFailure> failed;
  const ColumnPtr results = inner->Results(wanted.data(), count, &failed);
  for (uint32_t i = 0; i < count; ++i) out.AppendFrom(*results, i);
  for (RowFailure& failure : failed) {
    failure.row += first;
    failures->push_back(std::move(failure));
  }
}

}  // namespace streamrun
