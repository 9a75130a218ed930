// From Status to a failed row: which SQLSTATE a message of core/data means.
#pragma once

#include <string_view>
#include <utility>

#include "core/base/status.h"
#include "core/expr/kernel.h"

namespace streamrun {

/// SQLSTATE for PostgreSQL's wording; `datetime` where the value is a date, time or interval.
std::string_view SqlStateOf(std::string_view message, bool datetime = false);

template <typename T>
T ValueOrFail(Row& row, Result<T> result, bool datetime = false) {
  if (result.ok()) return std::move(result).value();
  row.Fail(SqlStateOf(result.status().message(), datetime), result.status().message());
  return T{};
}

}  // namespace streamrun
