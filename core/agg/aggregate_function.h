// The table of aggregate functions: one entry an overload, in functions/*.cc. The binder resolves calls from
// it, documentation is printed from it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/agg/accumulator.h"
#include "core/base/status.h"
#include "core/data/value.h"
#include "core/expr/function.h"

namespace streamrun {

enum AggregateFlags : uint32_t {
  kNoFlags = 0,
  kRetracts = 1,         // rows can be taken back at any time
  kOrderMatters = 2,     // the result depends on the order of rows: takes ORDER BY
  kWithinGroup = 4,      // written f(...) WITHIN GROUP (ORDER BY x)
  kIgnoresDistinct = 8,  // DISTINCT changes nothing (min, max, bool_and)
  kTakesTime = 16,       // gets the event time of each row as one more argument (first, last)
  kRetractsIfTold = 32,  // rows can be taken back when AggregateTypes::retracting said so
  kSubtracts = 64,       // a joined state can be taken out again, and what is left is as if it never had been
};

/// What an accumulator is made from: the types of one call.
struct AggregateTypes {
  std::vector<DataType> args;
  DataType result;
  /// Arguments that are constant in the call (a quantile, a separator, a k), by position; nothing where they
  /// vary.
  std::vector<std::optional<Value>> constants;
  /// WITHIN GROUP (ORDER BY x DESC).
  bool descending = false;
  /// Rows may be taken back: the input carries changes.
  bool retracting = false;
  /// What an aggregate that keeps its rows may keep of one group, and the bytes that its result may have:
  /// PostgreSQL's limit of a value.
  size_t largest = 0x3fffffff;
};

struct AggregateFunction {
  /// Name, argument types, result type, help and example ("sum(x) over 1, 2, 3 -> 6"); its kernel is null.
  Function signature;
  uint32_t flags = kNoFlags;
  /// Types of the columns of a saved state.
  std::vector<DataType> (*states)(const AggregateTypes& types) = nullptr;
  /// InvalidArgument when a constant argument is out of range.
  Result<std::unique_ptr<Accumulator>> (*make)(const AggregateTypes& types) = nullptr;

  bool has(AggregateFlags flag) const { return (flags & flag) != 0; }
};

/// Every entry, in the order of documentation.
const std::vector<AggregateFunction>& AllAggregates();
/// Entries of that name; empty when there is none.
std::vector<const AggregateFunction*> AggregatesNamed(std::string_view name);
const std::vector<std::string_view>& AggregateNames();

}  // namespace streamrun
