#include "core/agg/row_states.h"

namespace streamrun {

std::vector<ColumnPtr> StatesOfRows(const std::vector<AggregateCall>& calls, const GroupInput& input,
                                    const Selection& rows) {
  std::vector<ColumnPtr> columns;
  for (const ColumnPtr& key : input.keys()) columns.push_back(Take(key, rows));
  const auto count = static_cast<uint32_t>(rows.size());
  std::vector<uint32_t> slots(count);
  for (uint32_t i = 0; i < count; ++i) slots[i] = i;
  FilteredRows filtered;
  for (size_t i = 0; i < calls.size(); ++i) {
    const std::unique_ptr<Accumulator> accumulator = calls[i].Make();
    accumulator->Resize(count);
    accumulator->Add(input.inputs(i), filtered.Of({count, rows.data(), slots.data()}, input.filter(i)));
    for (ColumnPtr& column : accumulator->SaveStates(slots.data(), count))
      columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace streamrun
