// A source that gives what a test feeds: rows as batches, raw records as chunks, control lines in between.
#pragma once

#include <memory>

#include "core/stream/source.h"
#include "runner/harness/test_case.h"
#include "runner/harness/virtual_env.h"

namespace streamrun {

/// `row_by_row`: every row is a batch of its own; else rows between control lines share one. A row that does
/// not fit the schema ends the source with an InvalidArgument that names its place. Arguments outlive the
/// source.
std::unique_ptr<Source> MakeFeedSource(const PlanNode& node, const std::vector<FeedItem>& items,
                                       bool row_by_row, VirtualEnv* env);

}  // namespace streamrun
