// The time of each row of a batch, as windows take it.
#pragma once

#include <vector>

#include "core/data/batch.h"
#include "core/data/row_failure.h"
#include "core/stream/operator.h"

namespace streamrun {

/// Reads `column` plus `bias` into `times`; rows without a finite time are appended to `failures` and get 0.
void ReadRowTimes(const Column& column, Duration bias, std::vector<int64_t>* times,
                  std::vector<RowFailure>* failures);

/// The rows `rows` of a batch with one more column, how far each is behind `watermark` (interval).
BatchPtr LateRows(const BatchPtr& batch, const Selection& rows, const std::vector<int64_t>& times,
                  Timestamp watermark, const SchemaPtr& schema);

/// Columns of `input` and `late_by interval`.
SchemaPtr LateSchema(const Schema& input);

}  // namespace streamrun
