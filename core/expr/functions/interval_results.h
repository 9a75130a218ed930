// What functions that give intervals have in common.
#pragma once

#include "core/expr/kernel.h"

namespace streamrun {

/// Fails the row.
Interval IntervalOutOfRange(Row& row);
/// Hours into days, with one sign for both; the row fails when the days do not fit.
Interval JustifyHours(Row& row, const Interval& v);

}  // namespace streamrun
