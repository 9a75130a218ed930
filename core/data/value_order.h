// How values compare whose bits do not say it.
#pragma once

#include "core/base/time.h"
#include "core/data/type.h"

namespace streamrun {

/// PostgreSQL compares intervals by their length with months of 30 days and days of 24 hours.
inline Int128 IntervalLength(const Interval& v) {
  return (static_cast<Int128>(v.months) * 30 + v.days) * kDay + v.micros;
}

/// Double order: NaN equals NaN and is above everything.
inline bool LessDouble(double a, double b) { return (a < b) | ((a == a) & (b != b)); }
inline bool EqualDouble(double a, double b) { return (a == b) | ((a != a) & (b != b)); }

}  // namespace streamrun
