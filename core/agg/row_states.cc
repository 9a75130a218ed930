#include "core/agg/row_states.h"

namespace streamrun {

std::vector<ColumnPtr> StatesOfRows(const std::vector<AggregateCall>& calls, const GroupInput& input,
                                    const Selection& rows) {
  std::vector<ColumnPtr> columns;
  for (const ColumnPtr& key : input.keys()) columns.push_back(Take(key, rows));
  const auto count = static_cast<uint32_t>(rows.size());
  std::vector<uint32_t> slots(count);
  for (uint32_t i = 0; i < count; ++i) slots[i] = i;
  Selection passed;
  std::vector<uint32_t> passed_slots;
  for (size_t i = 0; i < calls.size(); ++i) {
    const std::unique_ptr<Accumulator> accumulator = calls[i].Make();
    accumulator->Resize(count);
    const Column* filter = input.filter(i);
    if (filter == nullptr) {
      accumulator->Add(input.inputs(i), {count, rows.data(), slots.data()});
    } else {
      passed.clear();
      passed_slots.clear();
      for (uint32_t k = 0; k < count; ++k) {
        if (filter->IsNull(rows[k]) || !filter->Bool(rows[k])) continue;
        passed.push_back(rows[k]);
        passed_slots.push_back(k);
      }
      accumulator->Add(input.inputs(i),
                       {static_cast<int64_t>(passed.size()), passed.data(), passed_slots.data()});
    }
    for (ColumnPtr& column : accumulator->SaveStates(slots.data(), count))
      columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace streamrun
