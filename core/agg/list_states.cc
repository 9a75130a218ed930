#include "core/agg/list_states.h"

#include "core/data/buffer.h"

namespace streamrun {

std::vector<ColumnPtr> ToLists(const SlotRows& rows) {
  BufferBuilder offsets;
  offsets.Push<int32_t>(0);
  for (const int64_t end : rows.ends) offsets.Push(static_cast<int32_t>(end));
  const BufferPtr shared = offsets.Finish();
  std::vector<ColumnPtr> lists;
  const auto count = static_cast<int64_t>(rows.ends.size());
  for (const ColumnPtr& column : rows.columns) {
    lists.push_back(std::make_shared<const Column>(DataType::List(column->type()), count, 0, nullptr, shared,
                                                   nullptr, column));
  }
  return lists;
}

FlatRows FromLists(std::span<const ColumnPtr> lists, const GroupedRows& rows) {
  FlatRows flat;
  for (const ColumnPtr& list : lists) flat.columns.push_back(list->child());
  const auto* offsets = lists[0]->values<int32_t>();
  for (int64_t i = 0; i < rows.count; ++i) {
    const size_t row = rows.row(i);
    for (int32_t at = offsets[row]; at < offsets[row + 1]; ++at) {
      flat.rows.push_back(static_cast<uint32_t>(at));
      flat.slots.push_back(rows.slots[i]);
    }
  }
  return flat;
}

VaryingArgs::VaryingArgs(const AggregateTypes& types) : constants_(types.constants) {
  constants_.resize(types.args.size());
  for (size_t i = 0; i < types.args.size(); ++i) {
    places_.push_back(constants_[i] ? kConstant : varying_types_.size());
    if (!constants_[i]) varying_types_.push_back(types.args[i]);
  }
  // A call of constants only still counts its rows.
  if (varying_types_.empty() && !types.args.empty()) {
    constants_[0].reset();
    places_[0] = 0;
    varying_types_.push_back(types.args[0]);
  }
}

std::vector<ColumnPtr> VaryingArgs::Pick(std::span<const ColumnPtr> args) const {
  std::vector<ColumnPtr> varying;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i] != kConstant) varying.push_back(args[i]);
  }
  return varying;
}

std::vector<ColumnPtr> VaryingArgs::Complete(std::span<const ColumnPtr> varying, int64_t rows) const {
  std::vector<ColumnPtr> args;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i] != kConstant) {
      args.push_back(varying[places_[i]]);
      continue;
    }
    ColumnBuilder builder(constants_[i]->type);
    for (int64_t row = 0; row < rows; ++row) constants_[i]->AppendTo(builder);
    args.push_back(builder.Finish());
  }
  return args;
}

GroupedRows PresentRows(const Column& column, const GroupedRows& rows, RowScratch* scratch) {
  if (!column.has_nulls()) return rows;
  scratch->rows.clear();
  scratch->slots.clear();
  for (int64_t i = 0; i < rows.count; ++i) {
    const size_t row = rows.row(i);
    if (column.IsNull(static_cast<int64_t>(row))) continue;
    scratch->rows.push_back(static_cast<uint32_t>(row));
    scratch->slots.push_back(rows.slots[i]);
  }
  return {static_cast<int64_t>(scratch->rows.size()), scratch->rows.data(), scratch->slots.data()};
}

}  // namespace streamrun
