// The calls of `over`: what a row may ask of the rows before and behind it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/agg/aggregate_call.h"
#include "core/expr/expression.h"

namespace streamrun {

struct OverCall {
  enum class Kind : uint8_t { kLag, kLead, kFirstValue, kRowNumber, kAggregate };
  Kind kind = Kind::kRowNumber;
  DataType type;            // of the result
  ExpressionPtr arg;        // over the input; kLag, kLead, kFirstValue
  ExpressionPtr fallback;   // of arg's type, or null: where there is no such row
  uint32_t distance = 1;    // kLag, kLead: rows
  AggregateCall aggregate;  // kAggregate: over the key's rows up to this one
  std::string text;         // canonical
};

/// Rows that lag and lead may look away: they are kept for every key.
inline constexpr int kMaxDistance = 1000;

/// Binds expressions over [columns of the input, results of calls()].
class OverBinder {
 public:
  /// `input` outlives it.
  explicit OverBinder(const Scope& input) : input_(input) {}

  /// Null after filling the problem.
  ExpressionPtr Bind(std::string_view sql, ExprProblem* problem);
  const std::vector<OverCall>& calls() const { return calls_; }

 private:
  class Hook;

  const Scope& input_;
  std::vector<OverCall> calls_;
};

}  // namespace streamrun
