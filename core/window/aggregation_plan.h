// What `aggregate` was bound to: shared by the operator's window kinds and its pre-aggregation.
#pragma once

#include <memory>
#include <vector>

#include "core/agg/aggregate_call.h"
#include "core/data/schema.h"
#include "core/window/window_spec.h"

namespace streamrun {

struct AggregationPlan {
  enum class Emit : uint8_t {
    kOnClose,   // when the watermark passes the window's end; without windows at the end of the input
    kOnUpdate,  // after every batch that changed a group
    kEvery,     // in processing time
  };

  WindowSpec window;
  SchemaPtr input;
  /// Event time: column of the input, and what to add to it (-1 us where it is a window's end).
  int time_column = -1;
  Duration time_bias = 0;
  Duration allowed_lateness = 0;
  Emit emit = Emit::kOnClose;
  Duration every = 0;
  /// Groups without a row for this long are forgotten; 0: never. By event time (the watermark) where the
  /// input has it, else by processing time.
  Duration ttl = 0;
  bool ttl_by_event_time = false;
  /// Bytes of state above which the node fails; 0: no limit.
  int64_t max_state = 0;

  std::vector<ExpressionPtr> keys;
  std::vector<DataType> key_types;
  std::vector<AggregateCall> calls;
  /// Place among `calls` of a count of the group's rows, for an input with changes: a group whose count is
  /// not above zero has no row. -1: rows are never taken back.
  int row_count = -1;
  /// Names the columns that select and having compute from: bounds of the window (if any), then keys. The
  /// results of calls stand behind them.
  SchemaPtr groups;
  std::vector<ExpressionPtr> select;
  ExpressionPtr having;  // null: all groups
  /// Columns of groups, then select.
  SchemaPtr output;
  /// Schema of the `late` port: the input's columns and `late_by`. Null when nothing can be late.
  SchemaPtr late;

  bool windowed() const { return window.kind != WindowSpec::Kind::kNone; }
  /// Columns of `groups` before the keys.
  size_t bounds() const { return windowed() ? 2 : 0; }
  /// Results are given more than once.
  bool gives_changes() const { return output->changes; }
};
using AggregationPlanPtr = std::shared_ptr<const AggregationPlan>;

}  // namespace streamrun
