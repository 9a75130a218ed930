#include "connectors/file/begun_files.h"

#include <charconv>
#include <set>

#include "connectors/file/path_pattern.h"
#include "core/stream/stage_directory.h"

namespace streamrun {

namespace {

constexpr uint64_t kMaxNotes = uint64_t{1} << 30;
constexpr const char* kEnd = "end";
constexpr const char* kNotes = "/begun.jsonl";

// Notes of one file. A torn last line is a note of a file that was not begun.
Result<std::vector<SinkPart>> ReadNotes(Env* env, const std::string& path, bool same_run) {
  std::vector<SinkPart> notes;
  if (!env->Info(path).ok()) return notes;
  SR_ASSIGN_OR_RETURN(const std::string text, env->ReadFile(path, kMaxNotes));
  for (size_t at = 0, end = text.find('\n'); end != std::string::npos;
       at = end + 1, end = text.find('\n', at)) {
    const std::string line = text.substr(at, end - at);
    if (line == kEnd) {
      if (!same_run) notes.clear();
      continue;
    }
    SR_ASSIGN_OR_RETURN(const std::vector<SinkPart> parts, ParseHandle(line));
    notes.insert(notes.end(), parts.begin(), parts.end());
  }
  return notes;
}

Status RemoveIfThere(Env* env, const std::string& path) {
  const Status status = env->Remove(path);
  return status.code() == Code::kNotFound ? Status::Ok() : status;
}

}  // namespace

std::string BegunFiles::PathOf(const std::string& directory) { return directory + kNotes; }

Result<std::vector<SinkPart>> BegunFiles::Read(int instance, int parallelism, bool same_run) {
  std::vector<SinkPart> notes;
  if (directory_.empty()) return notes;
  SR_ASSIGN_OR_RETURN(notes, ReadNotes(env_, PathOf(directory_), same_run));
  // <stage>/<node>/<instance>
  const std::string all = DirectoryOf(directory_);
  const Result<std::vector<std::string>> names = env_->List(all);
  if (!names.ok()) return notes;
  others_.clear();
  for (const std::string& name : *names) {
    int other = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), other);
    if (error != std::errc() || *end != '\0' || other < parallelism) continue;
    if (other % parallelism != instance) continue;
    std::string path = all;
    path.append("/").append(name).append(kNotes);
    SR_ASSIGN_OR_RETURN(const std::vector<SinkPart> more, ReadNotes(env_, path, same_run));
    notes.insert(notes.end(), more.begin(), more.end());
    others_.push_back(std::move(path));
  }
  return notes;
}

Status BegunFiles::Replace(const std::vector<SinkPart>& notes) {
  if (directory_.empty()) return Status::Ok();
  file_ = nullptr;
  const bool there = env_->Info(PathOf(directory_)).ok();
  if (notes.empty() && !there && others_.empty()) return Status::Ok();
  std::string text;
  for (const SinkPart& note : notes) text += PrintHandle({note}) + "\n";
  SR_RETURN_IF_ERROR(MakeStageDirectory(env_, directory_));
  SR_RETURN_IF_ERROR(env_->WriteFileAtomically(PathOf(directory_), text));
  for (const std::string& other : std::exchange(others_, {})) SR_RETURN_IF_ERROR(RemoveIfThere(env_, other));
  return Status::Ok();
}

Status BegunFiles::Add(const SinkPart& part) { return Append(PrintHandle({part})); }

Status BegunFiles::End() {
  if (directory_.empty() || !env_->Info(PathOf(directory_)).ok()) return Status::Ok();
  return Append(kEnd);
}

Status BegunFiles::Append(const std::string& line) {
  if (directory_.empty()) return Status::Ok();
  if (!file_) {
    SR_RETURN_IF_ERROR(MakeStageDirectory(env_, directory_));
    SR_ASSIGN_OR_RETURN(file_, env_->OpenForWrite(PathOf(directory_), WriteMode::kAppend));
    SR_RETURN_IF_ERROR(env_->SyncDirectory(directory_));
  }
  SR_RETURN_IF_ERROR(file_->Append(line + "\n"));
  return file_->Sync();
}

Status UndoBegun(Env* env, const std::vector<SinkPart>& notes, bool published) {
  std::set<std::string> directories;
  for (const SinkPart& note : notes) {
    if (note.inode == 0) {
      if (published && note.staged()) SR_RETURN_IF_ERROR(RemoveIfThere(env, note.path));
      SR_RETURN_IF_ERROR(RemoveIfThere(env, note.written));
      directories.insert(DirectoryOf(note.written));
      continue;
    }
    const Result<FileInfo> info = env->Info(note.written);
    if (!info.ok() || info->inode != note.inode || info->size <= note.length) continue;
    SR_RETURN_IF_ERROR(RestorePart(env, note));
    SR_RETURN_IF_ERROR(env->SyncFile(note.written));
  }
  for (const std::string& directory : directories) {
    Status synced = env->SyncDirectory(directory);
    if (!synced.ok() && synced.code() != Code::kNotFound) return synced;
  }
  return Status::Ok();
}

}  // namespace streamrun
