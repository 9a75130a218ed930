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

/// The time at which row `row` touches what has a time to live: its own, that of the watermark where it has
/// none.
Timestamp TouchTime(const Column& times, int64_t row, Timestamp watermark);

/// Where `late` stands among the ports of most operators that have it.
inline constexpr int kLatePort = 1;

/// Gives the rows `rows` (none: nothing) to the port `late` and counts them. `schema`: LateSchema.
void GiveLate(const BatchPtr& batch, const Selection& rows, const std::vector<int64_t>& times,
              Timestamp watermark, const SchemaPtr& schema, Output& out, int port = kLatePort);

/// The rows that did not fail and are later than `limit`; the others that did not fail are given as late.
Selection InTime(const BatchPtr& batch, const std::vector<RowFailure>& failures,
                 const std::vector<int64_t>& times, Timestamp limit, Timestamp watermark,
                 const SchemaPtr& schema, Output& out, int port = kLatePort);

/// The same where a row is in time as long as its `ends` is later than `limit`; `times` tells how late it is.
Selection InTime(const BatchPtr& batch, const std::vector<RowFailure>& failures,
                 const std::vector<int64_t>& ends, const std::vector<int64_t>& times, Timestamp limit,
                 Timestamp watermark, const SchemaPtr& schema, Output& out, int port = kLatePort);

/// Columns of `input` and `late_by interval`.
SchemaPtr LateSchema(const Schema& input);

}  // namespace streamrun
