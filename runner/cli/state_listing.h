// Checkpoints as text for `streamrun state ls`.
#pragma once

#include <string>
#include <vector>

#include "core/base/env.h"
#include "runner/checkpoint/inspect.h"

namespace streamrun {

/// One line a checkpoint.
std::string ListingOf(const std::vector<StoredCheckpoint>& checkpoints);

/// What one consists of: nodes with watermarks and positions, tables with rows and bytes. Counts rows by
/// reading them where the manifest does not know.
Result<std::string> DescriptionOf(Env* env, const StoredCheckpoint& checkpoint);

}  // namespace streamrun
