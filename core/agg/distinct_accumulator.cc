#include "core/agg/distinct_accumulator.h"

namespace streamrun {

DistinctAccumulator::DistinctAccumulator(const AggregateTypes& types, std::unique_ptr<Accumulator> inner)
    : retracting_(types.retracting),
      varying_(types),
      values_(varying_.types(), types),
      inner_(std::move(inner)) {}

std::vector<DataType> DistinctAccumulator::States(const AggregateTypes& types) {
  std::vector<DataType> lists;
  const VaryingArgs varying(types);
  for (const DataType& type : varying.types()) lists.push_back(ListOf(type));
  if (types.retracting) lists.push_back(ListOf(TypeId::kBigint));
  return lists;
}

void DistinctAccumulator::Resize(uint32_t slots) {
  values_.Resize(slots);
  inner_->Resize(slots);
}

void DistinctAccumulator::Clear(uint32_t slot) {
  values_.Clear(slot);
  inner_->Clear(slot);
}

GroupedRows DistinctAccumulator::Turned(const GroupedRows& rows) {
  scratch_.rows.clear();
  scratch_.slots.clear();
  for (const uint32_t i : turned_) {
    scratch_.rows.push_back(static_cast<uint32_t>(rows.row(i)));
    scratch_.slots.push_back(rows.slots[i]);
  }
  return {static_cast<int64_t>(turned_.size()), scratch_.rows.data(), scratch_.slots.data()};
}

void DistinctAccumulator::Add(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  values_.Change(varying_.Pick(args), rows, 1, nullptr, &turned_);
  if (!turned_.empty()) inner_->Add(args, Turned(rows));
}

void DistinctAccumulator::Retract(std::span<const ColumnPtr> args, const GroupedRows& rows) {
  if (!retracting_) return Accumulator::Retract(args, rows);
  values_.Change(varying_.Pick(args), rows, -1, nullptr, &turned_);
  if (!turned_.empty()) inner_->Retract(args, Turned(rows));
}

void DistinctAccumulator::Merge(std::span<const ColumnPtr> states, const GroupedRows& rows) {
  const FlatRows flat = FromLists(states, rows);
  const GroupedRows grouped = flat.grouped();
  std::vector<ColumnPtr> columns = flat.columns;
  const ColumnPtr counts = retracting_ ? columns.back() : nullptr;
  if (retracting_) columns.pop_back();
  values_.Change(columns, grouped, 1, counts.get(), &turned_);
  if (turned_.empty()) return;
  const std::vector<ColumnPtr> args = varying_.Complete(columns, columns[0]->length());
  // A saved debt may end the presence of a value.
  std::vector<uint32_t> gone;
  if (counts != nullptr) {
    std::vector<uint32_t> came;
    for (const uint32_t i : turned_) {
      (counts->values<int64_t>()[grouped.row(i)] > 0 ? came : gone).push_back(i);
    }
    turned_ = std::move(came);
  }
  if (!turned_.empty()) inner_->Add(args, Turned(grouped));
  if (gone.empty()) return;
  turned_ = std::move(gone);
  inner_->Retract(args, Turned(grouped));
}

std::vector<ColumnPtr> DistinctAccumulator::SaveStates(const uint32_t* slots, int64_t count) const {
  SlotRows rows = values_.Gather(slots, count, true);
  if (!retracting_) rows.columns.pop_back();
  return ToLists(rows);
}

ColumnPtr DistinctAccumulator::Results(const uint32_t* slots, int64_t count,
                                       std::vector<RowFailure>* failures) const {
  // The failures of the inner one stand behind those of this one, for which it has no result anyway.
  std::vector<uint32_t> whole;
  std::vector<uint32_t> places;
  for (int64_t i = 0; i < count; ++i) {
    if (values_.Full(slots[i])) {
      failures->push_back(TooLarge(static_cast<uint32_t>(i)));
    } else {
      whole.push_back(slots[i]);
      places.push_back(static_cast<uint32_t>(i));
    }
  }
  if (static_cast<int64_t>(whole.size()) == count) return inner_->Results(slots, count, failures);
  std::vector<RowFailure> failed;
  const ColumnPtr results = inner_->Results(whole.data(), static_cast<int64_t>(whole.size()), &failed);
  for (RowFailure& failure : failed) {
    failure.row = places[failure.row];
    failures->push_back(std::move(failure));
  }
  ColumnBuilder out(results->type());
  size_t at = 0;
  for (int64_t i = 0; i < count; ++i) {
    at < places.size() && places[at] == i ? out.AppendFrom(*results, static_cast<int64_t>(at++))
                                          : out.AppendNull();
  }
  return out.Finish();
}

int64_t DistinctAccumulator::Fitting(const uint32_t* slots, int64_t count) const {
  return inner_->Fitting(slots, values_.Fitting(slots, count));
}

size_t DistinctAccumulator::MemoryBytes() const { return values_.MemoryBytes() + inner_->MemoryBytes(); }

}  // namespace streamrun
