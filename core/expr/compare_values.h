// Order of single values, for the kernels that are not hot: lists, GREATEST of odd types, array functions.
#pragma once

#include "core/data/column.h"
#include "core/data/value_order.h"

namespace streamrun {

/// < 0, 0, > 0 by PostgreSQL's order of the type; the columns have one type, neither value is null. Inside
/// lists nulls are equal to each other and above everything.
int CompareValues(const Column& a, int64_t i, const Column& b, int64_t j);

/// inet: family, then network bits, then prefix length, then the whole address.
int CompareInet(const Inet& a, const Inet& b);

}  // namespace streamrun
