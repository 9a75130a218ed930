// Directories that a power failure does not take back, with what is synced inside them.
#pragma once

#include <string>

#include "core/base/env.h"

namespace streamrun {

/// Makes `path` (0700) and missing parents. The entries of its last `levels` components are durable
/// afterwards, also when a process that was killed had made them: a file is only as durable as every
/// directory above it.
Status MakeDurableDirectory(Env* env, const std::string& path, int levels);

}  // namespace streamrun
