// One worker writes an output at a time: two pipelines with the same path must not mix or cut off each
// other's files.
#pragma once

#include <memory>
#include <string>

#include "core/base/env.h"
#include "core/base/file_lock.h"

namespace streamrun {

/// The lock of `path`, a sink's path in which `{worker}` is filled in: ".NAME.lock" in its directory, or in
/// the base directory when columns name it. Waits a little for a worker of an earlier attempt that is still
/// dying. An error names the process that has it. Null where no lock can be: another directory's owner, a
/// file system without locks, a simulated disk.
Result<std::unique_ptr<FileLock>> LockOutput(Env* env, const std::string& path);

}  // namespace streamrun
