// The state of `aggregate` as rows: what its checkpoints hold, whatever the kind of window.
#pragma once

#include <vector>

#include "core/window/aggregation_plan.h"
#include "core/window/changelog.h"
#include "core/window/kept_state.h"
#include "core/window/kept_time.h"

namespace streamrun {

/// Groups: the plan's keys; then, by kind of window, what places the group, and the states of all calls,
/// under their canonical texts: `sum(price)`, and `sum(price) #2` for a second column. The first of those
/// tells a group from the others of its key; a session's serial number means nothing else.
///   time windows, none   slice bigint, touched boolean, touched_at bigint
///   session              serial, first, last, shown_start, shown_end bigint, touched, fired boolean
///   count                pane bigint
StateShape GroupState(const AggregationPlan& plan);
/// Rows that were shown: the plan's keys; then bounds of the window (if any) and results, under the canonical
/// texts of their expressions.
StateShape ShownState(const AggregationPlan& plan);
/// Count windows: the plan's keys, then how many rows each has had and when the last one came (touched_at).
StateShape CountState(const AggregationPlan& plan);

/// Appends the columns of a call's state under `text`; groups that were saved without the call have seen no
/// rows for it.
void AddCallState(const std::string& text, const AggregateCall& call, std::vector<Field>* value,
                  std::map<int, ColumnPtr>* open);

/// All shapes that an operator with this plan keeps.
std::vector<StateShape> StatesOf(const AggregationPlan& plan);

/// A shown row moves its keys in front of its window's bounds, and back. `schema`: of the rows of ShownState.
BatchPtr ToShownState(const AggregationPlan& plan, const SchemaPtr& schema, const BatchPtr& rows);
BatchPtr FromShownState(const AggregationPlan& plan, const BatchPtr& rows);
/// Shown rows that are no more, by the values of their first columns.
BatchPtr ShownRemoval(const AggregationPlan& plan, std::vector<ColumnPtr> first, int64_t rows);

/// A column of bigint, or of another type of int64 values.
ColumnPtr BigintColumn(const std::vector<int64_t>& values, DataType type = DataType(TypeId::kBigint));
ColumnPtr BooleanColumn(const std::vector<bool>& values);

}  // namespace streamrun
