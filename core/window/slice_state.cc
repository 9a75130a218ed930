#include "core/window/slice_state.h"

#include <map>

#include "core/window/result_writer.h"

namespace streamrun {

namespace {

BatchPtr RowsOf(const AggregationPlan& plan, const SchemaPtr& schema, Timestamp start, const TimeSlice& slice,
                const std::vector<uint32_t>& slots, const GroupExpiry* expiry, const DueWindows& due) {
  std::vector<bool> touched;
  std::vector<int64_t> touched_at(slots.size(), kMinTimestamp);
  if (due.keeps_given()) {
    touched_at = due.GivenUntil(slice.table.keys().Gather(slots), static_cast<int64_t>(slots.size()));
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    touched.push_back(slots[i] < slice.is_touched.size() && slice.is_touched[slots[i]]);
    if (expiry != nullptr) touched_at[i] = expiry->touched_at(slots[i]);
  }
  std::vector<ColumnPtr> columns = slice.table.Save(slots);
  const std::vector<int64_t> starts(slots.size(), start);
  const auto behind_keys = columns.begin() + static_cast<std::ptrdiff_t>(plan.key_types.size());
  columns.insert(behind_keys, {BigintColumn(starts), BooleanColumn(touched), BigintColumn(touched_at)});
  return std::make_shared<const Batch>(schema, static_cast<int64_t>(slots.size()), std::move(columns));
}

void LoadSlice(const AggregationPlan& plan, Timestamp start, const std::vector<ColumnPtr>& columns,
               const Column& touched, const Column& touched_at, SliceStore& store, GroupExpiry* expiry,
               DueWindows& due) {
  const int64_t rows = touched.length();
  TimeSlice& slice = store.FindOrMake(start);
  const std::vector<ColumnPtr> keys(columns.begin(),
                                    columns.begin() + static_cast<std::ptrdiff_t>(plan.key_types.size()));
  std::vector<uint32_t> slots;
  slice.table.FindOrInsert(keys, rows, &slots);
  slice.table.LoadStates(columns, {rows, nullptr, slots.data()});
  std::vector<uint32_t> to_show;
  for (int64_t row = 0; row < rows; ++row) {
    const uint32_t slot = slots[static_cast<size_t>(row)];
    if (touched.Bool(row)) to_show.push_back(slot);
    if (expiry != nullptr) expiry->Restore(slot, touched_at.values<int64_t>()[row]);
  }
  due.RestoreGiven(keys, touched_at);
  store.Touch(start, slice, to_show);
  store.Measure(slice);
}

// Groups that were erased, of slices that are there, then slices that went.
Status SaveRemoved(const AggregationPlan& plan, const SliceStore& store, const TakeRows& removed) {
  const StateShape state = GroupState(plan);
  for (const auto& entry : store.slices()) {
    for (const SlotChanges::Removed& groups : entry.second->table.changes().removed()) {
      std::vector<ColumnPtr> columns = groups.columns;
      columns.push_back(BigintColumn(std::vector<int64_t>(static_cast<size_t>(groups.rows), entry.first)));
      SR_RETURN_IF_ERROR(removed(state.Removal(state.identity, std::move(columns), groups.rows)));
    }
  }
  if (store.gone().empty()) return Status::Ok();
  return removed(state.Removal({state.identity.back()}, {BigintColumn(store.gone())},
                               static_cast<int64_t>(store.gone().size())));
}

}  // namespace

Status SaveSlices(const AggregationPlan& plan, const SliceStore& store, const GroupExpiry* expiry,
                  const DueWindows& due, const TakeRows& take) {
  const SchemaPtr schema = GroupState(plan).Row();
  for (const auto& entry : store.slices()) {
    const TimeSlice& slice = *entry.second;
    SR_RETURN_IF_ERROR(
        InFittingPieces(slice.table, slice.table.keys().Live(), kResultRows, [&](const auto& slots) {
          return take(RowsOf(plan, schema, entry.first, slice, slots, expiry, due));
        }));
  }
  return Status::Ok();
}

Status SaveSliceChanges(const AggregationPlan& plan, const SliceStore& store, const GroupExpiry* expiry,
                        const DueWindows& due, const TakeRows& removed, const TakeRows& rows) {
  const SchemaPtr schema = GroupState(plan).Row();
  SR_RETURN_IF_ERROR(SaveRemoved(plan, store, removed));
  for (const auto& entry : store.slices()) {
    const TimeSlice& slice = *entry.second;
    SR_RETURN_IF_ERROR(InFittingPieces(
        // How far windows were given changes for all of them.
        slice.table, due.keeps_given() ? slice.table.keys().Live() : slice.table.Changed(), kResultRows,
        [&](const auto& slots) {
          return rows(RowsOf(plan, schema, entry.first, slice, slots, expiry, due));
        }));
  }
  return Status::Ok();
}

void LoadSlices(const AggregationPlan& plan, const BatchPtr& rows, SliceStore& store, GroupExpiry* expiry,
                DueWindows& due) {
  const auto keys = static_cast<std::ptrdiff_t>(plan.key_types.size());
  const int64_t* starts = rows->column(static_cast<int>(keys))->values<int64_t>();
  std::map<Timestamp, Selection> by_slice;
  for (uint32_t row = 0; row < rows->rows(); ++row) by_slice[starts[row]].push_back(row);
  for (const auto& [start, chosen] : by_slice) {
    std::vector<ColumnPtr> columns = Take(rows, chosen)->columns();
    const ColumnPtr touched = columns[static_cast<size_t>(keys) + 1];
    const ColumnPtr touched_at = columns[static_cast<size_t>(keys) + 2];
    columns.erase(columns.begin() + keys, columns.begin() + keys + 3);
    LoadSlice(plan, start, columns, *touched, *touched_at, store, expiry, due);
  }
}

}  // namespace streamrun
