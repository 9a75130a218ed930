#include "core/window/running_aggregate.h"

#include <algorithm>

#include "core/data/schema.h"
#include "core/data/selection.h"

namespace streamrun {

RunningAggregate::RunningAggregate(const AggregateCall& call, Env* env) : call_(call), states_(call.Make()) {
  for (const ExpressionPtr& input : call.Inputs()) inputs_.emplace_back(input, env);
  if (call.filter) filter_.emplace(call.filter, env);
}

ColumnPtr RunningAggregate::Follow(const Batch& batch, const std::vector<uint32_t>& keys,
                                   const std::vector<bool>& begins,
                                   const std::vector<std::vector<uint32_t>>& rounds,
                                   std::vector<RowFailure>* failures) {
  std::vector<RowFailure> none;  // rows that fail were refused
  std::vector<ColumnPtr> inputs;
  for (Evaluator& input : inputs_) inputs.push_back(input.Evaluate(batch.columns(), batch.rows(), &none));
  const ColumnPtr filter = filter_ ? filter_->Evaluate(batch.columns(), batch.rows(), &none) : nullptr;
  const auto schema = std::make_shared<const Schema>(std::vector<Field>{{"value", call_.types.result}});
  std::vector<BatchPtr> results;
  Selection from(keys.size());
  uint32_t given = 0;
  std::vector<uint32_t> slots, added, added_slots;
  for (const std::vector<uint32_t>& rows : rounds) {
    slots.clear();
    added.clear();
    added_slots.clear();
    for (const uint32_t row : rows) {
      slots.push_back(keys[row]);
      from[row] = given++;
      if (begins[row]) states_->Clear(keys[row]);
      if (filter && (filter->IsNull(row) || !filter->Bool(row))) continue;
      added.push_back(row);
      added_slots.push_back(keys[row]);
    }
    states_->Add(inputs, {static_cast<int64_t>(added.size()), added.data(), added_slots.data()});
    std::vector<RowFailure> failed;
    const auto count = static_cast<int64_t>(rows.size());
    results.push_back(std::make_shared<const Batch>(
        schema, count, std::vector<ColumnPtr>{states_->Results(slots.data(), count, &failed)}));
    for (RowFailure& failure : failed) {
      failure.row = rows[failure.row];
      failures->push_back(std::move(failure));
    }
  }
  std::sort(failures->begin(), failures->end(),
            [](const RowFailure& a, const RowFailure& b) { return a.row < b.row; });
  return Take(Concat(results)->column(0), from);
}

std::vector<ColumnPtr> RunningAggregate::Save(const std::vector<uint32_t>& keys) const {
  return states_->SaveStates(keys.data(), static_cast<int64_t>(keys.size()));
}

void RunningAggregate::Load(const std::vector<uint32_t>& keys, const std::vector<ColumnPtr>& saved) {
  states_->Merge(saved, {static_cast<int64_t>(keys.size()), nullptr, keys.data()});
}

}  // namespace streamrun
