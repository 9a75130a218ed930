#include "core/window/row_times.h"

#include "core/data/column_builder.h"
#include "core/stream/projection.h"

namespace streamrun {

namespace {

// Far beyond every date that PostgreSQL has, and far enough from the ends of 64 bits for window arithmetic.
constexpr int64_t kFinite = int64_t{1} << 62;

}  // namespace

void ReadRowTimes(const Column& column, Duration bias, std::vector<int64_t>* times,
                  std::vector<RowFailure>* failures) {
  const auto rows = static_cast<size_t>(column.length());
  const int64_t* values = column.values<int64_t>();
  times->resize(rows);
  for (size_t i = 0; i < rows; ++i) {
    const auto row = static_cast<uint32_t>(i);
    (*times)[i] = 0;
    if (column.IsNull(row)) {
      failures->push_back({row, "event_time.missing", "the row has no event time"});
    } else if (values[i] >= kFinite || values[i] <= -kFinite) {
      failures->push_back({row, "event_time.infinite", "an infinite event time is in no window"});
    } else {
      (*times)[i] = values[i] + bias;
    }
  }
}

Timestamp TouchTime(const Column& times, int64_t row, Timestamp watermark) {
  const int64_t time = times.IsNull(row) ? kFinite : times.values<int64_t>()[row];
  return time < kFinite && time > -kFinite ? time : watermark;
}

SchemaPtr LateSchema(const Schema& input) {
  Schema schema = input;
  std::vector<Field> fields = input.fields();
  std::string name = "late_by";
  while (input.Find(name) != -1) name += '_';
  fields.push_back({name, TypeId::kInterval});
  Schema late(std::move(fields));
  late.event_time = input.event_time;
  late.window_start = input.window_start;
  late.window_end = input.window_end;
  late.changes = input.changes;
  return std::make_shared<const Schema>(std::move(late));
}

void GiveLate(const BatchPtr& batch, const Selection& rows, const std::vector<int64_t>& times,
              Timestamp watermark, const SchemaPtr& schema, Output& out, int port) {
  if (rows.empty()) return;
  const BatchPtr taken = Take(batch, rows);
  ColumnBuilder late_by{DataType(TypeId::kInterval)};
  for (const uint32_t row : rows) late_by.Append(Interval{0, 0, watermark - times[row]});
  std::vector<ColumnPtr> columns = taken->columns();
  columns.push_back(late_by.Finish());
  out.Emit(port, std::make_shared<const Batch>(schema, taken->rows(), std::move(columns), taken->origin(),
                                               taken->changes()));
  out.Count(Fate::kLate, taken->rows());
}

Selection InTime(const BatchPtr& batch, const std::vector<RowFailure>& failures,
                 const std::vector<int64_t>& times, Timestamp limit, Timestamp watermark,
                 const SchemaPtr& schema, Output& out, int port) {
  return InTime(batch, failures, times, times, limit, watermark, schema, out, port);
}

Selection InTime(const BatchPtr& batch, const std::vector<RowFailure>& failures,
                 const std::vector<int64_t>& ends, const std::vector<int64_t>& times, Timestamp limit,
                 Timestamp watermark, const SchemaPtr& schema, Output& out, int port) {
  Selection rows = RowsWithout(batch->rows(), failures);
  Selection late;
  std::erase_if(rows, [&](uint32_t row) {
    if (ends[row] > limit) return false;
    late.push_back(row);
    return true;
  });
  GiveLate(batch, late, times, watermark, schema, out, port);
  return rows;
}

}  // namespace streamrun
