// The groups of all slices as rows of a checkpoint: GroupState of time windows, and of an aggregate without
// windows.
#pragma once

#include "core/window/aggregation_state.h"
#include "core/window/due_windows.h"
#include "core/window/group_expiry.h"
#include "core/window/slice_store.h"

namespace streamrun {

/// `expiry`: of the groups of the one slice of an aggregate with a time to live, else null.
/// `due`: how far windows were given.
Status SaveSlices(const AggregationPlan& plan, const SliceStore& store, const GroupExpiry* expiry,
                  const DueWindows& due, const TakeRows& take);
/// What of them changed since store.Track.
Status SaveSliceChanges(const AggregationPlan& plan, const SliceStore& store, const GroupExpiry* expiry,
                        const DueWindows& due, const TakeRows& removed, const TakeRows& rows);
/// Adds such rows to the store.
void LoadSlices(const AggregationPlan& plan, const BatchPtr& rows, SliceStore& store, GroupExpiry* expiry,
                DueWindows& due);

}  // namespace streamrun
