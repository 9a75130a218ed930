#include "core/window/waiting_rows.h"

#include "core/data/column_builder.h"

namespace streamrun {

namespace {

// The columns of Origin stand last.
constexpr std::ptrdiff_t kOriginColumns = 2;

void AddOrigin(const Batch& rows, std::vector<ColumnPtr>* columns) {
  if (!rows.origin()) {
    columns->push_back(Column::Nulls(DataType(TypeId::kText), rows.rows()));
    columns->push_back(Column::Nulls(DataType(TypeId::kBigint), rows.rows()));
    return;
  }
  ColumnBuilder split{DataType(TypeId::kText)};
  for (int64_t row = 0; row < rows.rows(); ++row) split.AppendText(*rows.origin().split);
  columns->push_back(split.Finish());
  columns->push_back(std::make_shared<const Column>(DataType(TypeId::kBigint), rows.rows(), 0, nullptr,
                                                    rows.origin().offsets));
}

Origin ReadOrigin(const Column& split, const ColumnPtr& offsets) {
  if (split.length() == 0 || split.IsNull(0)) return {};
  const std::string_view first = split.Text(0);
  BufferBuilder numbers;
  for (int64_t row = 0; row < split.length(); ++row) {
    if (split.IsNull(row) || split.Text(row) != first) return {};
    numbers.Push(offsets->values<int64_t>()[row]);
  }
  return {std::make_shared<const std::string>(first), numbers.Finish()};
}

}  // namespace

StateShape WaitingState(SchemaPtr key, std::vector<Field> row, int time_column, size_t fixed) {
  std::map<int, ColumnPtr> open = OpenColumns(fixed, row.size() - fixed);
  open.erase(time_column);
  row.push_back({"origin_split", TypeId::kText});
  row.push_back({"origin_offset", TypeId::kBigint});
  return MakeState("waiting", std::move(key), std::move(row), std::move(open));
}

BatchPtr ToWaitingState(const StateShape& shape, std::vector<ColumnPtr> keys, const Batch& rows) {
  for (int c = 0; c < rows.schema()->size(); ++c) {
    keys.push_back(rows.pruned(c) ? Column::Nulls(rows.schema()->field(c).type, rows.rows())
                                  : rows.column(c));
  }
  AddOrigin(rows, &keys);
  return std::make_shared<const Batch>(shape.Row(), rows.rows(), std::move(keys));
}

BatchPtr FromWaitingState(const StateShape& shape, const BatchPtr& saved, SchemaPtr schema) {
  const auto& all = saved->columns();
  Origin origin = ReadOrigin(*all[all.size() - kOriginColumns], all.back());
  return std::make_shared<const Batch>(
      std::move(schema), saved->rows(),
      std::vector<ColumnPtr>(all.begin() + shape.key->size(), all.end() - kOriginColumns), std::move(origin));
}

}  // namespace streamrun
