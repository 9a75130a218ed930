// Every row its own group: what a combiner passes on where keys hardly repeat.
#pragma once

#include <vector>

#include "core/agg/group_table.h"

namespace streamrun {

/// The chosen rows as saved groups: key columns, then the states of every call, as GroupTable::Load takes
/// them.
std::vector<ColumnPtr> StatesOfRows(const std::vector<AggregateCall>& calls, const GroupInput& input,
                                    const Selection& rows);

}  // namespace streamrun
