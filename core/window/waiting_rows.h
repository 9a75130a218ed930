// Rows that wait for their time, as state.
#pragma once

#include <string>
#include <vector>

#include "core/window/kept_state.h"

namespace streamrun {

/// `key`, then `row`, then where each row came from (origin_split text, origin_offset bigint; null: unknown).
/// Columns of `row` may come and go, but the first `fixed` and the one of event time.
StateShape WaitingState(SchemaPtr key, std::vector<Field> row, int time_column, size_t fixed = 0);

/// `keys` (those of `key`) in front of the columns of `rows`; what is pruned is null.
BatchPtr ToWaitingState(const StateShape& shape, std::vector<ColumnPtr> keys, const Batch& rows);
/// The rows without their keys, as rows of `schema`. Rows that came from several splits have no origin.
BatchPtr FromWaitingState(const StateShape& shape, const BatchPtr& saved, SchemaPtr schema);

}  // namespace streamrun
