#include "runner/ingest/log_writer.h"

#include <limits>
#include <utility>
#include <vector>

#include "core/base/durable_directory.h"
#include "core/base/failpoint.h"

namespace streamrun {

namespace {

// <state directory>/ingest/<node>
constexpr int kOwnLevels = 2;
constexpr std::string_view kMarksEnd = ".keys";
constexpr uint64_t kMaxMarks = uint64_t{1} << 31;

// "00000000000000004711.keys": what the file whose first record has this number goes on from.
std::string MarksName(uint64_t first) { return LogSegmentName(first).substr(0, 20) + std::string(kMarksEnd); }

Result<std::vector<std::string>> ListMarks(Env* env, const std::string& directory) {
  SR_ASSIGN_OR_RETURN(std::vector<std::string> names, env->List(directory));
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(kMarksEnd); });
  return names;
}

}  // namespace

Result<std::vector<uint64_t>> ListLogSegments(Env* env, const std::string& directory) {
  SR_ASSIGN_OR_RETURN(const std::vector<std::string> names, env->List(directory));
  std::vector<uint64_t> firsts;  // names sort as their numbers do
  for (const std::string& name : names) {
    if (const auto first = LogSegmentFirst(name)) firsts.push_back(*first);
  }
  return firsts;
}

Result<std::unique_ptr<LogWriter>> LogWriter::Open(Env* env, std::string directory, uint64_t segment_bytes,
                                                   bool fresh) {
  std::unique_ptr<LogWriter> writer(new LogWriter(env, std::move(directory), segment_bytes));
  SR_RETURN_IF_ERROR(writer->Recover(fresh).WithContext("ingest log " + writer->directory_));
  return writer;
}

Status LogWriter::Recover(bool fresh) {
  SR_RETURN_IF_ERROR(MakeDurableDirectory(env_, directory_, kOwnLevels));
  SR_ASSIGN_OR_RETURN(std::vector<uint64_t> firsts, ListLogSegments(env_, directory_));
  SR_RETURN_IF_ERROR(RecoverMarks());
  if (!firsts.empty()) SR_RETURN_IF_ERROR(RecoverSegment(firsts.back()));
  if (ended_ && fresh) {
    for (const uint64_t first : firsts) SR_RETURN_IF_ERROR(env_->Remove(PathOf(first)));
    SR_ASSIGN_OR_RETURN(const std::vector<std::string> kept, ListMarks(env_, directory_));
    for (const std::string& name : kept) SR_RETURN_IF_ERROR(env_->Remove(directory_ + "/" + name));
    marks_.clear();
    file_.reset();
    ended_ = false;
    next_ = 0;  // who begins to read before there is a file begins with the first record that comes
  }
  synced_ = next_;
  // Whoever made these files may have died before they were sure to stay.
  return env_->SyncDirectory(directory_);
}

Status LogWriter::RecoverSegment(uint64_t first) {
  SR_ASSIGN_OR_RETURN(const FileInfo info, env_->Info(PathOf(first)));
  SR_ASSIGN_OR_RETURN(const std::string content, env_->ReadFile(PathOf(first), info.size));
  std::string_view rest = content;
  next_ = first;
  // Behind the last record whose unit is whole.
  size_t whole_bytes = 0;
  uint64_t whole_next = first;
  bool in_unit = false, behind_damage = false;
  while (!rest.empty()) {
    LogRecord record;
    size_t size = 0;
    const LogParse parsed = ParseLogRecord(rest, &record, &size);
    if (parsed == LogParse::kWhole && record.seq >= next_) {
      // Damage between units was safe once: it stays, for the reader to tell.
      if (std::exchange(behind_damage, false) && !in_unit) {
        whole_bytes = content.size() - rest.size();
        whole_next = record.seq;
      }
      next_ = record.seq + 1;
      ended_ = record.kind == LogRecordKind::kEnd;
      rest.remove_prefix(size);
      if (record.kind == LogRecordKind::kMark) marks_.emplace_back(record.bytes);
      in_unit = record.open;
      if (in_unit) continue;
      whole_bytes = content.size() - rest.size();
      whole_next = next_;
      continue;
    }
    const auto further = FindLogRecord(rest, next_, std::numeric_limits<uint64_t>::max());
    if (!further) break;
    behind_damage = true;
    rest.remove_prefix(*further);
  }
  SR_ASSIGN_OR_RETURN(file_, env_->OpenForWrite(PathOf(first), WriteMode::kAppend));
  // Nothing of a unit that was cut was acknowledged, and its sender brings all of it again.
  file_bytes_ = whole_bytes;
  next_ = whole_next;
  if (file_bytes_ < content.size()) SR_RETURN_IF_ERROR(file_->Truncate(file_bytes_));
  return file_->Sync();
}

void LogWriter::Add(LogRecord record) {
  record.seq = next_++;
  record.received = env_->WallNow();
  pending_end_ = record.kind == LogRecordKind::kEnd;
  AppendLogRecord(record, &pending_);
}

Status LogWriter::RecoverMarks() {
  SR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListMarks(env_, directory_));
  if (names.empty()) return Status::Ok();
  const std::string path = directory_ + "/" + names.back();
  SR_ASSIGN_OR_RETURN(const std::string content, env_->ReadFile(path, kMaxMarks));
  LogRecord record;
  size_t size = 0;
  if (ParseLogRecord(content, &record, &size) != LogParse::kWhole || size != content.size() ||
      record.kind != LogRecordKind::kMark) {
    return Status::Corruption(
        names.back() +
        " is damaged: it says which requests were taken already; without it (remove it) "
        "those that come again are taken again");
  }
  marks_.emplace_back(record.bytes);
  return Status::Ok();
}

Status LogWriter::WriteMarks() {
  const std::string marks = keep_();
  LogRecord record;
  record.kind = LogRecordKind::kMark;
  record.seq = synced_;
  record.received = env_->WallNow();
  record.bytes = marks;
  BufferBuilder bytes;
  AppendLogRecord(record, &bytes);
  const std::string name = MarksName(synced_);
  SR_RETURN_IF_ERROR(env_->WriteFileAtomically(directory_ + "/" + name, bytes.view()));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.marked"));
  SR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListMarks(env_, directory_));
  for (const std::string& older : names) {
    if (older < name) SR_RETURN_IF_ERROR(env_->Remove(directory_ + "/" + older));
  }
  return Status::Ok();
}

// A new file is there for good before anything is written to it.
Result<LogWriter::Committed> LogWriter::Roll() {
  if (keep_) {
    const Status status = WriteMarks();
    if (status.code() == Code::kResourceExhausted) return Committed::kFull;
    SR_RETURN_IF_ERROR(status);
  }
  const std::string path = PathOf(synced_);
  auto file = env_->OpenForWrite(path, WriteMode::kReplace);
  if (!file.ok() && file.status().code() == Code::kResourceExhausted) return Committed::kFull;
  if (!file.ok()) return file.status();
  SR_RETURN_IF_ERROR((*file)->Sync());
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.rolled"));
  SR_RETURN_IF_ERROR(env_->SyncDirectory(directory_));
  if (file_) SR_RETURN_IF_ERROR(file_->Close());
  file_ = std::move(*file);
  file_bytes_ = 0;
  return Committed::kDone;
}

Result<LogWriter::Committed> LogWriter::Commit() {
  if (pending_.size() == 0) return Committed::kDone;
  if (!file_ || (file_bytes_ > 0 && file_bytes_ + pending_.size() > segment_bytes_)) {
    SR_ASSIGN_OR_RETURN(const Committed rolled, Roll());
    if (rolled == Committed::kFull) return rolled;
  }
  if (const Status status = file_->Append(pending_.view()); !status.ok()) {
    if (status.code() != Code::kResourceExhausted) return status;
    // Nothing behind the synced bytes may look like a record later.
    SR_RETURN_IF_ERROR(file_->Truncate(file_bytes_));
    return Committed::kFull;
  }
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.appended"));
  if (const Status status = file_->Sync(); !status.ok()) return Status::IoError(status.message());
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.synced"));
  file_bytes_ += pending_.size();
  pending_.Clear();
  synced_ = next_;
  ended_ = pending_end_;
  return Committed::kDone;
}

Result<uint64_t> LogWriter::Bytes() const {
  SR_ASSIGN_OR_RETURN(const std::vector<uint64_t> firsts, ListLogSegments(env_, directory_));
  uint64_t bytes = 0;
  for (const uint64_t first : firsts) {
    // The reader may have removed it meanwhile.
    if (const auto info = env_->Info(PathOf(first)); info.ok()) bytes += info->size;
  }
  return bytes;
}

}  // namespace streamrun
