// The names that PostgreSQL gives to arguments, for calls such as make_interval(days => 10).
#pragma once

#include <span>
#include <string_view>

namespace streamrun {

struct NamedArgument {
  std::string_view name;
  /// What stands for the argument when it is left out, as a literal; empty when it may not be.
  std::string_view otherwise = {};
};

/// In their order; empty for a function whose arguments have no names.
std::span<const NamedArgument> ArgumentNames(std::string_view function);

}  // namespace streamrun
