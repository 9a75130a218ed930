#include "connectors/file/output_lock.h"

#include <algorithm>

#include "connectors/file/path_columns.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/sink_path.h"
#include "core/base/logging.h"

namespace streamrun {

namespace {

// A killed worker lets go when the kernel has closed its files, which takes longer the more memory it had.
constexpr Duration kPatience = 5 * kSecond;
constexpr Duration kAgain = 20 * kMillisecond;

std::string LockPath(const std::string& path) {
  const std::string base = BaseOf(path);
  const size_t begin = path.starts_with(base + "/") ? base.size() + 1 : base == "/" ? 1 : 0;
  std::string name = path.substr(begin);
  std::replace(name.begin(), name.end(), '/', '%');
  constexpr size_t kLongest = 240;
  return base + "/." + name.substr(0, kLongest) + ".lock";
}

}  // namespace

Result<std::unique_ptr<FileLock>> LockOutput(Env* env, const std::string& path) {
  std::unique_ptr<FileLock> none;
  if (env != Env::Default()) return none;
  const std::string lock = LockPath(path);
  // Where that fails, opening the file says why.
  if (!env->MakeDirectories(DirectoryOf(lock)).ok()) return none;
  const Timestamp give_up = env->MonotonicNow() + kPatience;
  for (;;) {
    Result<std::unique_ptr<FileLock>> taken = FileLock::Take(lock);
    if (taken.ok()) return taken;
    if (taken.status().code() != Code::kAlreadyExists) {
      LogDebug("the output is not locked", {{"path", path}, {"reason", taken.status().message()}});
      return none;
    }
    if (env->MonotonicNow() >= give_up) {
      return Status(Code::kAlreadyExists, "another process writes " + path + ": " + taken.status().message() +
                                              "; stop it, or give one of the two another path");
    }
    env->Sleep(kAgain);
  }
}

}  // namespace streamrun
