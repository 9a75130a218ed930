#include "core/stream/changes.h"

#include "core/data/buffer.h"

namespace streamrun {

namespace {

// Whether `row` is the first half of an update pair.
bool OpensPair(const Batch& batch, int64_t row) {
  return row >= 0 && row + 1 < batch.rows() && batch.change(row) == ChangeKind::kUpdateBefore &&
         batch.change(row + 1) == ChangeKind::kUpdateAfter;
}

}  // namespace

BatchPtr TakeChanges(const BatchPtr& batch, const Selection& rows) {
  BatchPtr taken = Take(batch, rows);
  if (!batch->changes() || taken == batch) return taken;
  BufferBuilder kinds;
  kinds.Resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const int64_t row = rows[i];
    ChangeKind kind = batch->change(row);
    if (OpensPair(*batch, row)) {
      const bool both = i + 1 < rows.size() && rows[i + 1] == rows[i] + 1;
      if (!both) kind = ChangeKind::kDelete;
    } else if (OpensPair(*batch, row - 1)) {
      const bool both = i > 0 && rows[i - 1] + 1 == rows[i];
      if (!both) kind = ChangeKind::kInsert;
    }
    kinds.as<int8_t>()[i] = static_cast<int8_t>(kind);
  }
  return std::make_shared<const Batch>(taken->schema(), taken->rows(), taken->columns(), taken->origin(),
                                       kinds.Finish());
}

}  // namespace streamrun
