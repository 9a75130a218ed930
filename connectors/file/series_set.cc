#include "connectors/file/series_set.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "connectors/file/part_choice.h"
#include "connectors/file/path_columns.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/stay_inside.h"

namespace streamrun {

namespace {

// Many are open at a time: each has less than a file that is alone.
constexpr size_t kBlock = 64 * 1024;

}  // namespace

SeriesSet::SeriesSet(const FileSinkConfig& config, const SinkContext& context, bool staged, BegunFiles* begun)
    : config_(config),
      context_(context),
      env_(context.env),
      staged_(staged),
      rolls_(config.rolls()),
      base_(BaseOf(config.path)),
      begun_(begun) {}

Result<SeriesSet::Series*> SeriesSet::Find(std::string_view name) {
  const auto found = series_.find(name);
  if (found != series_.end()) return &found->second;
  if (static_cast<int64_t>(series_.size()) >= config_.max_files) {
    return Status::ResourceExhausted(
        "the columns in " + config_.path + " have named " + std::to_string(series_.size()) +
        " files that are not finished, and 'max_files' allows no more; " +
        (rolls_ ? "finish them sooner with roll: {age: ...}, choose a column with fewer values, or raise it"
                : "write parts with `roll`, choose a column with fewer values, or raise it"));
  }
  Series& series = series_[std::string(name)];
  series.name = name;
  return &series;
}

Status SeriesSet::Write(Series& series, std::string_view record) {
  if (rolls_ && TooOld(series)) SR_RETURN_IF_ERROR(FinishPart(series));
  if (!series.open) SR_RETURN_IF_ERROR(Open(series));
  series.used = ++clock_;
  SR_RETURN_IF_ERROR(series.open->Write(record, 1));
  const auto limit = static_cast<uint64_t>(config_.roll.size);
  return limit > 0 && series.open->size() >= limit ? FinishPart(series) : Status::Ok();
}

Status SeriesSet::Flush() {
  for (Series* series : open_) SR_RETURN_IF_ERROR(series->open->Flush());
  return Status::Ok();
}

// --- Opening, parking, finishing -------------------------------------------------------------------------

std::string SeriesSet::FinalPath(const Series& series, uint64_t number) const {
  const std::string path = base_ == "/" ? "/" + series.name : base_ + "/" + series.name;
  return AbsolutePath(SinkPath::FromMarked(path).Expand(context_.instance, number));
}

FileWriterOptions SeriesSet::Options(const std::string& path, bool staged, FileStart start) const {
  FileWriterOptions options;
  options.path = path;
  options.staged = staged;
  options.start = start;
  options.compression = CompressionOf(config_.compression, path);
  options.preamble = context_.preamble;
  options.block = kBlock;
  return options;
}

Status SeriesSet::Open(Series& series) {
  SR_RETURN_IF_ERROR(MakeRoom());
  SR_RETURN_IF_ERROR(series.parked ? GoOn(series) : Begin(series));
  open_.push_back(&series);
  return Status::Ok();
}

Status SeriesSet::Begin(Series& series) {
  SR_ASSIGN_OR_RETURN(const uint64_t number, ChooseNumber(series));
  SR_ASSIGN_OR_RETURN(const SinkPart note, NoteOf(series, number));
  SR_RETURN_IF_ERROR(begun_->Add(note));
  NoteDirectories(note.path);
  const bool appends = config_.if_exists == IfExists::kAppend && !staged_;
  SR_ASSIGN_OR_RETURN(
      series.open,
      PartFile::Open(env_, Options(note.path, staged_, appends ? FileStart::kAppend : FileStart::kReplace),
                     context_.instance, number));
  series.begun = series.open->opened();
  return Status::Ok();
}

Result<uint64_t> SeriesSet::ChooseNumber(const Series& series) {
  if (!rolls_) return uint64_t{1};
  uint64_t number = next_number_;
  if (env_->Info(FinalPath(series, number)).ok()) {
    const std::string path = base_ == "/" ? "/" + series.name : base_ + "/" + series.name;
    number = std::max(number, NumbersOnDisk(env_, SinkPath::FromMarked(path), context_.instance).last() + 1);
  }
  next_number_ = number + 1;
  return number;
}

Result<SinkPart> SeriesSet::NoteOf(const Series& series, uint64_t number) const {
  SinkPart note;
  note.path = FinalPath(series, number);
  note.written = staged_ ? InProgressPath(note.path) : note.path;
  note.worker = context_.instance;
  note.number = number;
  note.series = series.name;
  SR_RETURN_IF_ERROR(StayInside(AbsolutePath(base_), note.path));
  SR_RETURN_IF_ERROR(StayInside(AbsolutePath(base_), note.written));
  const Result<FileInfo> info = env_->Info(note.path);
  if (!info.ok()) return note;
  if (info->is_directory) return Status::InvalidArgument("cannot write " + note.path + ": it is a directory");
  if (config_.if_exists == IfExists::kFail) {
    return Status(Code::kAlreadyExists,
                  note.path + " exists and `if_exists` is fail; remove it or write if_exists: replace");
  }
  if (config_.if_exists == IfExists::kAppend && !staged_) {
    note.length = info->size;
    note.inode = info->inode;
  }
  return note;
}

// The entry of the file, and of each directory that is made for it, must be durable with its first epoch.
void SeriesSet::NoteDirectories(const std::string& path) {
  std::string directory = DirectoryOf(path);
  directories_.insert(directory);
  while (!env_->Info(directory).ok() && directory != DirectoryOf(directory)) {
    directory = DirectoryOf(directory);
    directories_.insert(directory);
  }
}

Status SeriesSet::GoOn(Series& series) {
  const SinkPart part = *series.parked;
  SR_RETURN_IF_ERROR(StayInside(AbsolutePath(base_), part.path));
  SR_RETURN_IF_ERROR(StayInside(AbsolutePath(base_), part.written));
  if (part.finished) {
    SR_RETURN_IF_ERROR(RestorePart(env_, part));
    directories_.insert(DirectoryOf(part.path));
  }
  SR_ASSIGN_OR_RETURN(const FileInfo info, env_->Info(part.written));
  if (info.inode != part.inode || info.size != part.length) {
    return Status::Corruption(part.written + " was changed by another process while it was closed: it had " +
                              std::to_string(part.length) + " bytes and has " + std::to_string(info.size));
  }
  SR_ASSIGN_OR_RETURN(series.open, PartFile::Open(env_, Options(part.path, part.staged(), FileStart::kGoOn),
                                                  part.worker, part.number, part.records));
  series.parked.reset();
  return Status::Ok();
}

Status SeriesSet::MakeRoom() {
  while (static_cast<int64_t>(open_.size()) >= config_.max_open) {
    const auto oldest = std::min_element(open_.begin(), open_.end(),
                                         [](const Series* a, const Series* b) { return a->used < b->used; });
    SR_RETURN_IF_ERROR(Park(**oldest));
  }
  return Status::Ok();
}

Status SeriesSet::Park(Series& series) {
  SR_RETURN_IF_ERROR(series.open->Close());
  series.parked = series.open->Describe(false);
  series.parked->series = series.name;
  series.open = nullptr;
  std::erase(open_, &series);
  return Status::Ok();
}

Status SeriesSet::FinishPart(Series& series) {
  if (series.open) SR_RETURN_IF_ERROR(Park(series));
  series.parked->finished = true;
  series.full.push_back(*std::exchange(series.parked, std::nullopt));
  return Status::Ok();
}

bool SeriesSet::TooOld(const Series& series) const {
  const bool under_way = series.open || (series.parked && !series.parked->finished);
  return under_way && config_.roll.age > 0 && env_->MonotonicNow() - series.begun >= config_.roll.age;
}

// --- Epochs ----------------------------------------------------------------------------------------------

Status SeriesSet::Resume(SinkPart part) {
  Series& series = series_[part.series];
  series.name = part.series;
  series.begun = env_->MonotonicNow();
  if (!part.finished) {
    SR_RETURN_IF_ERROR(StayInside(AbsolutePath(base_), part.written));
    SR_RETURN_IF_ERROR(RestorePart(env_, part));
    // The input has no end any more, so there will be none at which the file would get its name.
    if (part.staged() && !staged_) {
      SR_RETURN_IF_ERROR(env_->Rename(part.written, part.path));
      part.written = part.path;
      directories_.insert(DirectoryOf(part.path));
    }
  }
  series.parked = std::move(part);
  return Status::Ok();
}

Status SeriesSet::Continue(const std::vector<SinkPart>& notes) {
  for (const SinkPart& note : notes) {
    set_next_number(note.number + 1);
    const Result<FileInfo> info = env_->Info(note.written);
    if (!info.ok()) continue;
    if (CompressionOf(config_.compression, note.path) != Compression::kNone) {
      return Status::Unsupported("cannot go on with the compressed file " + note.path +
                                 " after a failure, because its source cannot send the rows again; write "
                                 "without compression");
    }
    Series& series = series_[note.series];
    series.name = note.series;
    // Notes come in order of time: a part that was there before was full.
    if (series.open || series.parked) SR_RETURN_IF_ERROR(FinishPart(series));
    SR_RETURN_IF_ERROR(MakeRoom());
    const FileStart start = note.inode == 0 ? FileStart::kMend : FileStart::kAppend;
    SR_ASSIGN_OR_RETURN(series.open, PartFile::Open(env_, Options(note.path, note.staged(), start),
                                                    note.worker, note.number));
    series.begun = series.open->opened();
    open_.push_back(&series);
    NoteDirectories(note.path);
  }
  return Status::Ok();
}

Status SeriesSet::Finish() {
  for (auto& [name, series] : series_) {
    if (series.open || (series.parked && !series.parked->finished)) SR_RETURN_IF_ERROR(FinishPart(series));
  }
  return Status::Ok();
}

Result<std::vector<SinkPart>> SeriesSet::Parts() {
  std::vector<SinkPart> parts;
  for (auto& [name, series] : series_) {
    if (rolls_ && TooOld(series)) SR_RETURN_IF_ERROR(FinishPart(series));
    parts.insert(parts.end(), series.full.begin(), series.full.end());
    if (series.open) {
      SR_RETURN_IF_ERROR(series.open->EndFrame());
      parts.push_back(series.open->Describe(false));
      parts.back().series = name;
    } else if (series.parked && !series.parked->finished) {
      parts.push_back(*series.parked);
    }
  }
  return parts;
}

std::vector<SinkPart> SeriesSet::Ended() const {
  std::vector<SinkPart> parts;
  for (const auto& entry : series_) {
    const std::optional<SinkPart>& parked = entry.second.parked;
    if (parked && parked->finished) parts.push_back(*parked);
  }
  return parts;
}

void SeriesSet::Committed(const std::vector<SinkPart>& parts) {
  std::unordered_set<std::string> finished;
  for (const SinkPart& part : parts) {
    if (part.finished) finished.insert(part.path);
  }
  if (finished.empty()) return;
  for (auto it = series_.begin(); it != series_.end();) {
    Series& series = it->second;
    std::erase_if(series.full, [&](const SinkPart& part) { return finished.contains(part.path); });
    const bool idle = !series.open && !series.parked && series.full.empty();
    it = idle ? series_.erase(it) : std::next(it);
  }
}

}  // namespace streamrun
