#include "core/window/window_columns.h"

#include "core/window/row_times.h"

namespace streamrun {

WindowColumns::WindowColumns(const WindowSpec& spec, const Schema& input, SchemaPtr widened)
    : slices_(spec),
      time_column_(input.event_time),
      time_bias_(input.event_time_bias()),
      widened_(std::move(widened)) {}

BatchPtr WindowColumns::Add(const Batch& batch, std::vector<RowFailure>* failures) {
  ReadRowTimes(*batch.column(time_column_), time_bias_, &times_, failures);
  const auto rows = static_cast<size_t>(batch.rows());
  BufferBuilder starts, ends;
  starts.Resize(rows * sizeof(int64_t));
  ends.Resize(rows * sizeof(int64_t));
  slices_.Starts(times_.data(), batch.rows(), starts.as<int64_t>());
  for (size_t row = 0; row < rows; ++row) {
    const int64_t start = starts.as<int64_t>()[row];
    const bool known = row > 0 && start == starts.as<int64_t>()[row - 1];
    ends.as<int64_t>()[row] = known ? ends.as<int64_t>()[row - 1] : slices_.End(start);
  }
  std::vector<ColumnPtr> columns = batch.columns();
  for (BufferBuilder* bounds : {&starts, &ends}) {
    const DataType type = widened_->field(static_cast<int>(columns.size())).type;
    columns.push_back(std::make_shared<const Column>(type, batch.rows(), 0, nullptr, bounds->Finish()));
  }
  return std::make_shared<const Batch>(widened_, batch.rows(), std::move(columns), batch.origin(),
                                       batch.changes());
}

}  // namespace streamrun
