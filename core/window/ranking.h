// `top`: the first rows of each group by an order, when the group is closed or as it changes.
//
// A group is a sorted list of rows. Without changes in the input only the rows that are shown are kept, and a
// row behind the last of them costs a look-up of its group and one comparison. With changes all rows of a
// group are kept: any of them may move up when another is taken back (Flink's RetractableTopNFunction).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/expr/expression.h"
#include "core/stream/operator.h"
#include "core/window/kept_state.h"
#include "core/window/ranked_rows.h"
#include "core/window/window_spec.h"

namespace streamrun {

struct RankingPlan {
  enum class Method : uint8_t {
    kRowNumber,  // 1, 2, 3: exactly `limit` rows
    kRank,       // 1, 1, 3: equal rows share a number, and leave numbers out
    kDenseRank,  // 1, 1, 2: equal rows share a number
  };
  enum class Emit : uint8_t { kOnClose, kOnUpdate };

  /// Rows as they come.
  SchemaPtr received;
  /// Rows as they are ranked: with the bounds of `window` behind, if there is one.
  SchemaPtr input;
  /// The tumbling window that `top` itself puts rows in.
  std::optional<WindowSpec> window;
  std::vector<ExpressionPtr> per;
  SchemaPtr per_schema;
  /// Keys of the order that are not columns of the input stand behind them.
  std::vector<ExpressionPtr> computed;
  std::vector<RankKey> order;
  size_t ranks = 0;  // keys among `order`; the others break ties
  int64_t limit = 0;
  Method method = Method::kRowNumber;
  bool with_rank = false;
  /// Column of the window's end, -1 without windows: the group is closed by the watermark.
  int window_end = -1;
  Emit emit = Emit::kOnClose;
  Duration allowed_lateness = 0;
  /// Groups that got no row for this long are forgotten; 0: never.
  Duration ttl = 0;
  bool ttl_by_event_time = false;
  int64_t max_state = 0;
  /// Columns of `input`, then the rank.
  SchemaPtr output;
  SchemaPtr late;  // null without windows

  bool windowed() const { return window_end >= 0; }
  /// The keys of groups: `per`, then the end of the window.
  std::vector<DataType> group_types() const;
  /// Of rows as they are stored: the input's columns, then the computed keys.
  std::vector<DataType> row_types() const;
};

/// per; then the columns of `input`, shown boolean, touched_at and row_of_group bigint: its number, from 0
/// on, which tells it from the other rows of its group.
StateShape RankingState(const RankingPlan& plan);

std::unique_ptr<Operator> MakeRanking(std::shared_ptr<const RankingPlan> plan);

}  // namespace streamrun
