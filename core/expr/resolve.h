// Which entry of the table a call means: PostgreSQL's overload resolution (manual 10.2 and 10.3).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/expr/function.h"

namespace streamrun {

struct Resolution {
  const Function* function = nullptr;
  std::vector<DataType> args;  // what each argument is coerced to
  DataType result;
  /// The table's argument, which says how a pseudo-type is converted.
  Arg arg(size_t i) const { return function->arg(i); }
};

/// `args` may hold kUnknown (untyped literals). Nothing when no entry fits; `ambiguous` is then set when
/// several fit equally well.
std::optional<Resolution> Resolve(std::span<const Function* const> entries, const std::vector<DataType>& args,
                                  bool is_operator, bool* ambiguous);

/// Why types have none in common.
struct TypeClash {
  size_t at = 0;         // the type that does not go with those before it
  DataType common;       // of those before it
  bool convert = false;  // of one category, but without a conversion
};

/// The common type of the branches of CASE, COALESCE, IN, ARRAY[...] (manual 10.5); nothing when there is
/// none, with the reason in `clash` unless that is null.
std::optional<DataType> CommonType(const std::vector<DataType>& types, TypeClash* clash = nullptr);

}  // namespace streamrun
