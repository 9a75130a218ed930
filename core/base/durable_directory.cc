#include "core/base/durable_directory.h"

namespace streamrun {

Status MakeDurableDirectory(Env* env, const std::string& path, int levels) {
  SR_RETURN_IF_ERROR(env->MakeDirectories(path, 0700));
  std::string directory = path;
  for (int i = 0; i < levels; ++i) {
    const size_t slash = directory.rfind('/');
    if (slash == std::string::npos) return env->SyncDirectory(".");
    directory.resize(slash);
    SR_RETURN_IF_ERROR(env->SyncDirectory(directory.empty() ? "/" : directory));
    if (directory.empty()) break;
  }
  return Status::Ok();
}

}  // namespace streamrun
