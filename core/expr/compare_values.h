// Order of single values, for the kernels that are not hot: lists, GREATEST of odd types, array functions.
#pragma once

#include "core/data/column.h"

namespace streamrun {

/// < 0, 0, > 0 by PostgreSQL's order of the type; the columns have one type, neither value is null. Inside
/// lists nulls are equal to each other and above everything.
int CompareValues(const Column& a, int64_t i, const Column& b, int64_t j);

/// PostgreSQL compares intervals by their length with months of 30 days and days of 24 hours.
inline __int128 IntervalLength(const Interval& v) {
  return (static_cast<__int128>(v.months) * 30 + v.days) * 86'400'000'000LL + v.micros;
}

/// inet: family, then network bits, then prefix length, then the whole address.
int CompareInet(const Inet& a, const Inet& b);

/// Double order: NaN equals NaN and is above everything.
inline bool LessDouble(double a, double b) { return (a < b) | ((a == a) & (b != b)); }
inline bool EqualDouble(double a, double b) { return (a == b) | ((a != a) & (b != b)); }

}  // namespace streamrun
