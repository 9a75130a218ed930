// One aggregate call of a select list, bound: what it computes from the rows of a group.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/agg/aggregate_function.h"
#include "core/expr/expression.h"

namespace streamrun {

/// Immutable once bound.
struct AggregateCall {
  struct OrderKey {
    ExpressionPtr key;
    bool descending = false;
    bool nulls_first = false;
  };

  const AggregateFunction* function = nullptr;
  AggregateTypes types;
  std::vector<ExpressionPtr> args;  // over the input, of types.args
  ExpressionPtr filter;             // FILTER (WHERE ...), null when there is none
  bool distinct = false;
  std::vector<OrderKey> order;  // ORDER BY within the call, where the function's result depends on it
  std::string text;             // canonical (core/expr/canonical_text.h); equal texts are one call
  /// With DISTINCT: the argument that each key of `order` is.
  std::vector<size_t> order_args;

  /// Columns of a saved state.
  std::vector<DataType> StateTypes() const;
  /// The saved state of no rows: one row of these columns.
  std::vector<ColumnPtr> EmptyState() const;
  /// Args, then order keys: the columns that its accumulator is given.
  std::vector<ExpressionPtr> Inputs() const;
  std::unique_ptr<Accumulator> Make() const;
  /// Rows can be taken back. Some functions can only for an input that carries changes, where they keep more.
  bool can_retract() const;
  /// States that were joined can be taken out again.
  bool can_subtract() const { return function->has(kSubtracts) && !distinct; }
  /// The result may depend on the order in which rows of equal keys came.
  bool order_matters() const;
  bool can_fail() const;
};

/// Binds the expressions of a select list over groups: aggregates become calls over the input, what is left
/// is computed from the group's columns and the calls' results.
class SelectBinder {
 public:
  /// `input`: what the arguments of aggregates may name. `groups`: what may be named outside of them.
  SelectBinder(const Scope& input, SchemaPtr groups);
  ~SelectBinder();

  /// An expression over [columns of groups, results of calls()]; null after filling the problem.
  ExpressionPtr Bind(std::string_view sql, ExprProblem* problem);
  /// Column of event time among the input's, for aggregates that order by it; -1 when there is none.
  void set_event_time(int column) { event_time_ = column; }
  const std::vector<AggregateCall>& calls() const { return calls_; }

  /// Rows may be taken back; said before Bind. Inputs that carry changes need not say it.
  void set_retracting() { retracting_ = true; }

 private:
  class Hook;

  const Scope& input_;
  SchemaPtr groups_;
  int event_time_ = -1;
  bool retracting_ = false;
  std::vector<AggregateCall> calls_;
};

}  // namespace streamrun
