#include "core/base/env.h"

#include <algorithm>
#include <limits>

namespace streamrun {

Result<std::string> Env::ReadFile(const std::string& path, uint64_t limit) {
  SR_ASSIGN_OR_RETURN(auto file, OpenForRead(path));
  std::string content;
  constexpr size_t kLargestBlock = 256 * 1024;
  // Most files are small, and size() says nothing of those under /proc.
  for (size_t block = 4096;; block = std::min(2 * block, kLargestBlock)) {
    const size_t old = content.size();
    content.resize(old + block);
    SR_ASSIGN_OR_RETURN(size_t n, file->ReadAt(old, block, content.data() + old));
    content.resize(old + n);
    if (n == 0) return content;
    if (content.size() > limit) {
      return Status::ResourceExhausted(path + " is larger than the limit of " + std::to_string(limit) +
                                       " bytes");
    }
  }
}

Result<DiskSpace> Env::Space(const std::string& path) {
  SR_RETURN_IF_ERROR(Info(path).status());
  constexpr uint64_t kEndless = std::numeric_limits<int64_t>::max();
  return DiskSpace{kEndless, kEndless};
}

Status Env::Preallocate(const std::string& path, uint64_t bytes) {
  SR_ASSIGN_OR_RETURN(auto file, OpenForWrite(path, WriteMode::kReplace));
  const std::string block(std::min<uint64_t>(bytes, 1 << 20), '\0');
  Status status;
  while (status.ok() && file->size() < bytes) {
    status = file->Append({block.data(), std::min<size_t>(block.size(), bytes - file->size())});
  }
  if (status.ok()) status = file->Close();
  if (!status.ok()) (void)Remove(path).ok();
  return status;
}

Status Env::WriteFileAtomically(const std::string& path, std::string_view content) {
  const std::string tmp = path + ".tmp";
  SR_ASSIGN_OR_RETURN(auto file, OpenForWrite(tmp, WriteMode::kReplace));
  SR_RETURN_IF_ERROR(file->Append(content));
  SR_RETURN_IF_ERROR(file->Sync());
  SR_RETURN_IF_ERROR(file->Close());
  SR_RETURN_IF_ERROR(Rename(tmp, path));
  const size_t slash = path.rfind('/');
  return SyncDirectory(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace streamrun
