#include "core/agg/group_table.h"

#include <algorithm>

#include "core/data/state_space.h"

namespace streamrun {

GroupInput::GroupInput(const std::vector<ExpressionPtr>& keys, const std::vector<AggregateCall>& calls,
                       Env* env) {
  for (const ExpressionPtr& key : keys) keys_.emplace_back(key, env);
  for (const AggregateCall& call : calls) {
    inputs_.emplace_back();
    for (const ExpressionPtr& input : call.Inputs()) inputs_.back().emplace_back(input, env);
    filter_evaluators_.emplace_back();
    if (call.filter) filter_evaluators_.back().emplace(call.filter, env);
  }
  key_columns_.resize(keys_.size());
  call_columns_.resize(inputs_.size());
  filters_.resize(inputs_.size());
}

void GroupInput::Evaluate(const BatchPtr& batch, const KeyTable& table, std::vector<RowFailure>* failures) {
  rows_ = batch->rows();
  const size_t known = failures->size();
  for (size_t i = 0; i < keys_.size(); ++i) {
    key_columns_[i] = keys_[i].Evaluate(batch->columns(), rows_, failures);
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    call_columns_[i].clear();
    for (Evaluator& input : inputs_[i]) {
      call_columns_[i].push_back(input.Evaluate(batch->columns(), rows_, failures));
    }
    filters_[i] =
        filter_evaluators_[i] ? filter_evaluators_[i]->Evaluate(batch->columns(), rows_, failures) : nullptr;
  }
  if (failures->size() > known) SortFailures(*failures);
  table.Hash(key_columns_, rows_, &hashes_);
}

GroupTable::GroupTable(const std::vector<DataType>& key_types, const std::vector<AggregateCall>& calls)
    : calls_(calls), keys_(key_types) {
  for (const AggregateCall& call : calls) accumulators_.push_back(call.Make());
}

std::vector<DataType> GroupTable::StateTypes(const std::vector<DataType>& key_types,
                                             const std::vector<AggregateCall>& calls) {
  std::vector<DataType> types = key_types;
  for (const AggregateCall& call : calls) {
    for (DataType& type : call.StateTypes()) types.push_back(std::move(type));
  }
  return types;
}

void GroupTable::Reserve(uint32_t groups) {
  keys_.Reserve(groups);
  for (const auto& accumulator : accumulators_) accumulator->Reserve(groups);
}

void GroupTable::Grow() {
  for (const auto& accumulator : accumulators_) accumulator->Resize(keys_.slots());
}

GroupedRows FilteredRows::Of(const GroupedRows& all, const Column* filter) {
  if (filter == nullptr) return all;
  rows_.clear();
  slots_.clear();
  for (int64_t k = 0; k < all.count; ++k) {
    const auto row = static_cast<int64_t>(all.row(k));
    if (filter->IsNull(row) || !filter->Bool(row)) continue;
    rows_.push_back(static_cast<uint32_t>(row));
    slots_.push_back(all.slots[k]);
  }
  return {static_cast<int64_t>(rows_.size()), rows_.data(), slots_.data()};
}

void GroupTable::WillNeed(const uint32_t* slots, int64_t count) const {
  for (const auto& accumulator : accumulators_) accumulator->WillNeed(slots, count);
}

void GroupTable::Feed(const GroupInput& input, const GroupedRows& rows, bool retract) {
  if (StateSpace::Cold()) WillNeed(rows.slots, rows.count);
  changes_.Mark(rows.slots, rows.count);
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    const GroupedRows chosen = filtered_.Of(rows, input.filter(i));
    retract ? accumulators_[i]->Retract(input.inputs(i), chosen)
            : accumulators_[i]->Add(input.inputs(i), chosen);
  }
}

void GroupTable::Add(const GroupInput& input, const uint32_t* rows, int64_t count,
                     std::vector<uint32_t>* slots) {
  slots->resize(static_cast<size_t>(count));
  keys_.FindOrInsert(input.keys(), input.hashes(), rows, count, slots->data());
  Grow();
  Feed(input, {count, rows, slots->data()}, false);
}

void GroupTable::Retract(const GroupInput& input, const uint32_t* rows, int64_t count,
                         std::vector<uint32_t>* slots) {
  slots->resize(static_cast<size_t>(count));
  keys_.FindOrInsert(input.keys(), input.hashes(), rows, count, slots->data());
  Grow();
  Feed(input, {count, rows, slots->data()}, true);
}

void GroupTable::FindOrInsert(const std::vector<ColumnPtr>& keys, int64_t count,
                              std::vector<uint32_t>* slots) {
  const uint32_t known = keys_.size();
  *slots = keys_.FindOrInsert(keys, count);
  if (keys_.size() > known) changes_.Mark(*slots);
  Grow();
}

void GroupTable::Load(const std::vector<ColumnPtr>& columns, int64_t rows) {
  if (rows == 0) return;
  const auto keys = static_cast<std::ptrdiff_t>(keys_.key_columns());
  const std::vector<ColumnPtr> key_columns(columns.begin(), columns.begin() + keys);
  const std::vector<uint32_t> slots = keys_.FindOrInsert(key_columns, rows);
  Grow();
  LoadStates(columns, {rows, nullptr, slots.data()});
}

void GroupTable::LoadStates(const std::vector<ColumnPtr>& columns, const GroupedRows& rows) {
  changes_.Mark(rows.slots, rows.count);
  size_t at = keys_.key_columns();
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    const size_t width = calls_[i].StateTypes().size();
    accumulators_[i]->Merge({columns.data() + at, width}, rows);
    at += width;
  }
}

void GroupTable::FindOrInsert(const GroupTable& other, const std::vector<uint32_t>& groups,
                              std::vector<uint32_t>* slots) {
  FindOrInsert(other.keys_.Gather(groups), static_cast<int64_t>(groups.size()), slots);
}

void GroupTable::Merge(const GroupTable& other) {
  const std::vector<uint32_t> live = other.keys_.Live();
  if (live.empty()) return;
  std::vector<uint32_t> slots;
  FindOrInsert(other, live, &slots);
  changes_.Mark(slots);
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    accumulators_[i]->MergeFrom(other.states(i),
                                {static_cast<int64_t>(live.size()), live.data(), slots.data()});
  }
}

void GroupTable::Renew(size_t call) {
  accumulators_[call] = calls_[call].Make();
  accumulators_[call]->Resize(keys_.slots());
}

int64_t GroupTable::Fitting(const uint32_t* slots, int64_t count) const {
  for (const auto& accumulator : accumulators_) count = accumulator->Fitting(slots, count);
  return count;
}

std::vector<ColumnPtr> GroupTable::Save(const std::vector<uint32_t>& slots) const {
  if (StateSpace::Spilled()) WillNeed(slots.data(), static_cast<int64_t>(slots.size()));
  std::vector<ColumnPtr> columns = keys_.Gather(slots);
  const auto count = static_cast<int64_t>(slots.size());
  for (const auto& accumulator : accumulators_) {
    for (ColumnPtr& column : accumulator->SaveStates(slots.data(), count))
      columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<ColumnPtr> GroupTable::Results(const std::vector<uint32_t>& slots,
                                           std::vector<RowFailure>* failures) const {
  if (StateSpace::Spilled()) WillNeed(slots.data(), static_cast<int64_t>(slots.size()));
  std::vector<ColumnPtr> columns = keys_.Gather(slots);
  const auto count = static_cast<int64_t>(slots.size());
  for (const auto& accumulator : accumulators_) {
    columns.push_back(accumulator->Results(slots.data(), count, failures));
  }
  return columns;
}

void GroupTable::Erase(const std::vector<uint32_t>& slots) {
  if (changes_.on()) changes_.Remove(keys_.Gather(slots), static_cast<int64_t>(slots.size()));
  for (const uint32_t slot : slots) {
    for (const auto& accumulator : accumulators_) accumulator->Clear(slot);
    keys_.Erase(slot);
  }
}

size_t GroupTable::MemoryBytes() const {
  size_t bytes = keys_.MemoryBytes();
  for (const auto& accumulator : accumulators_) bytes += accumulator->MemoryBytes();
  return bytes;
}

}  // namespace streamrun
