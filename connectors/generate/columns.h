// The `columns:` of the generate source: one generator a column, or an expression over columns above it.
#pragma once

#include <cstdint>

#include "connectors/generate/rate.h"
#include "connectors/generate/row_plan.h"
#include "core/component/bind_context.h"

namespace streamrun::generate {

/// Reads `columns` (a map of column name to generator) into a plan; null after reporting problems. `rate`
/// gives `time` columns without a step theirs.
RowPlanPtr BindColumns(const ConfigValue& columns, const Rate& rate, uint64_t seed, BindContext& context);

}  // namespace streamrun::generate
