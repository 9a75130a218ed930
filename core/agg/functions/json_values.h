// Columns as jsonb, by the same function that expressions call.
#pragma once

#include "core/data/column.h"

namespace streamrun {

/// to_jsonb of every value; null stays null.
ColumnPtr ToJsonb(const ColumnPtr& column);

}  // namespace streamrun
