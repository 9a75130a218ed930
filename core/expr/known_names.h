// Names of functions that are no scalar functions here, so that a problem can say what to use instead.
#pragma once

#include <string>
#include <string_view>

namespace streamrun {

/// PostgreSQL's aggregates, window functions and set-returning functions.
bool IsAggregateName(std::string_view name);
bool IsWindowName(std::string_view name);
bool IsSetName(std::string_view name);

/// What does here what a function of that name does elsewhere: "use coalesce(a, b)"; empty when unknown.
std::string InsteadOf(std::string_view name);

}  // namespace streamrun
