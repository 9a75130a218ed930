#include "connectors/file/append_mark.h"

#include "connectors/file/sink_part.h"
#include "connectors/file/sink_path.h"
#include "core/stream/stage_directory.h"

namespace streamrun {

namespace {

constexpr uint64_t kMaxMark = 64 * 1024;

}  // namespace

AppendMark::AppendMark(Env* env, const std::string& stage_directory, int worker)
    : env_(env), directory_(stage_directory) {
  if (!directory_.empty()) mark_ = directory_ + "/append." + std::to_string(worker) + ".json";
}

Status AppendMark::UndoAppend(const std::string& path) const {
  if (mark_.empty() || !env_->Info(mark_).ok()) return Status::Ok();
  SR_ASSIGN_OR_RETURN(const std::string text, env_->ReadFile(mark_, kMaxMark));
  SR_ASSIGN_OR_RETURN(const std::vector<SinkPart> parts, ParseHandle(text));
  for (const SinkPart& part : parts) {
    const Result<FileInfo> info = env_->Info(path);
    const bool same = info.ok() && part.path == AbsolutePath(path) && info->inode == part.inode;
    if (same && info->size > part.length) SR_RETURN_IF_ERROR(RestorePart(env_, part));
  }
  return Status::Ok();
}

Status AppendMark::Set(const std::string& path) const {
  if (mark_.empty()) return Status::Ok();
  SR_ASSIGN_OR_RETURN(const FileInfo info, env_->Info(path));
  SinkPart part;
  part.path = part.written = AbsolutePath(path);
  part.length = info.size;
  part.inode = info.inode;
  SR_RETURN_IF_ERROR(MakeStageDirectory(env_, directory_));
  return env_->WriteFileAtomically(mark_, PrintHandle({part}));
}

Status AppendMark::Clear() const {
  if (mark_.empty()) return Status::Ok();
  const Status removed = env_->Remove(mark_);
  if (removed.code() == Code::kNotFound) return Status::Ok();
  SR_RETURN_IF_ERROR(removed);
  // A power failure must not bring it back: epochs of a file that was finished do not name it any more.
  return env_->SyncDirectory(directory_);
}

}  // namespace streamrun
