#include "connectors/file/file_output.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "connectors/file/append_mark.h"
#include "connectors/file/file_writer.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/sink_part.h"
#include "connectors/file/sink_path.h"
#include "core/stream/descriptor_sink.h"

namespace streamrun {
namespace {

Compression CompressionOf(CompressionChoice choice, std::string_view path) {
  switch (choice) {
    case CompressionChoice::kGzip:
      return Compression::kGzip;
    case CompressionChoice::kZstd:
      return Compression::kZstd;
    case CompressionChoice::kNone:
      return Compression::kNone;
    case CompressionChoice::kAuto:
      break;
  }
  return path.ends_with(".gz")    ? Compression::kGzip
         : path.ends_with(".zst") ? Compression::kZstd
                                  : Compression::kNone;
}

// A symbolic link keeps pointing where it did: the rename happens beside the file it names.
std::string BehindLink(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

std::unique_ptr<Sink> DirectSink(Env* env, const std::string& path) {
  if (path == "/dev/stdout" || path == "/dev/fd/1") return CreateDescriptorSink(1, "stdout");
  if (path == "/dev/stderr" || path == "/dev/fd/2") return CreateDescriptorSink(2, "stderr");
  const Result<FileInfo> info = env->Info(path);
  if (!info.ok() || info->is_regular || info->is_directory) return nullptr;
  return CreateDescriptorSink(path);
}

class FileSink final : public Sink {
 public:
  explicit FileSink(FileSinkConfig config)
      : config_(std::move(config)), rolls_(config_.rolls()), path_(config_.path) {
    if (rolls_) path_ = path_.WithNumber();
  }

  Status Open(SinkContext& context) override {
    context_ = context;
    env_ = context.env;
    direct_ = DirectSink(env_, config_.path);
    if (direct_) return direct_->Open(context);
    staged_ = rolls_ || (context.bounded && config_.if_exists != IfExists::kAppend);
    mark_ = AppendMark(env_, context.stage_directory, context.instance);
    NoteNewDirectories();
    if (context.start == OutputStart::kResume) return Resume();
    if (rolls_) SR_RETURN_IF_ERROR(ChooseFirstPart());
    return OpenFirstPart();
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    if (direct_) return direct_->WriteBytes(records);
    if (!writer_) SR_RETURN_IF_ERROR(GoOnWith(*std::exchange(ended_, std::nullopt)));
    if (rolls_) {
      SR_RETURN_IF_ERROR(RollByAge());
      SR_RETURN_IF_ERROR(WriteRolling(records));
    } else {
      SR_RETURN_IF_ERROR(writer_->Write(records.bytes->view()));
      records_ += records.records();
    }
    return SinkOutcome::kAccepted;
  }

  Result<SinkOutcome> Flush() override {
    if (direct_) return direct_->Flush();
    if (writer_) SR_RETURN_IF_ERROR(writer_->Flush());
    return SinkOutcome::kAccepted;
  }

  WaitSpec Wait() override { return direct_ ? direct_->Wait() : WaitSpec{}; }

  Result<Prepared> Prepare(uint64_t epoch) override {
    if (direct_) return direct_->Prepare(epoch);
    SR_RETURN_IF_ERROR(RollByAge());
    std::vector<SinkPart> parts = full_;
    if (writer_) {
      SR_RETURN_IF_ERROR(writer_->EndFrame());
      parts.push_back(CurrentPart(false));
    }
    Prepared prepared;
    if (config_.sync) {
      std::set<std::string> directories = new_directories_;
      for (const SinkPart& part : parts) {
        prepared.files.push_back(part.written);
        directories.insert(DirectoryOf(part.written));
      }
      prepared.directories.assign(directories.begin(), directories.end());
    }
    // These are as durable as the epoch that was restored.
    parts.insert(parts.end(), adopted_.begin(), adopted_.end());
    if (ended_) parts.push_back(*ended_);
    prepared.handle = PrintHandle(parts);
    return prepared;
  }

  Result<SinkOutcome> Commit(uint64_t epoch, const std::string& handle) override {
    if (direct_) return direct_->Commit(epoch, handle);
    SR_ASSIGN_OR_RETURN(const std::vector<SinkPart> parts, ParseHandle(handle));
    std::set<std::string> directories;
    for (const SinkPart& part : parts) {
      if (!part.finished) continue;
      SR_RETURN_IF_ERROR(PublishPart(env_, part, !rolls_ && config_.if_exists != IfExists::kFail));
      if (part.staged()) directories.insert(DirectoryOf(part.path));
      std::erase_if(full_, [&](const SinkPart& full) { return full.path == part.path; });
    }
    SR_RETURN_IF_ERROR(ForgetWhatWasBefore(parts));
    new_directories_.clear();
    if (!config_.sync) return SinkOutcome::kAccepted;
    for (const std::string& directory : directories) SR_RETURN_IF_ERROR(env_->SyncDirectory(directory));
    return SinkOutcome::kAccepted;
  }

  // A stop ends the file as well: the rows were counted as delivered.
  Result<SinkOutcome> Finish(bool complete) override {
    if (direct_) return direct_->Finish(complete);
    for (SinkPart& part : std::exchange(adopted_, {})) {
      part.finished = true;
      full_.push_back(std::move(part));
    }
    if (!writer_) return SinkOutcome::kAccepted;
    const bool superfluous = rolls_ && records_ == 0 && has_parts_;
    // The last epoch may still count on the empty part: it is removed when the next one does without it.
    if (superfluous) superfluous_ = AbsolutePath(writer_->written());
    SR_RETURN_IF_ERROR(superfluous ? writer_->Close() : FinishPart());
    writer_ = nullptr;
    return SinkOutcome::kAccepted;
  }

 private:
  // --- Opening
  // -------------------------------------------------------------------------------------------------------------

  std::string FinalPath(uint64_t number) const { return BehindLink(path_.Expand(context_.instance, number)); }

  struct Numbers {
    std::set<uint64_t> published, in_progress;
    uint64_t last() const {
      return std::max(published.empty() ? 0 : *published.rbegin(),
                      in_progress.empty() ? 0 : *in_progress.rbegin());
    }
  };
  // Parts of this worker, of earlier runs too.
  Numbers NumbersOnDisk() const {
    Numbers numbers;
    const Result<std::vector<std::string>> names = env_->List(DirectoryOf(path_.pattern()));
    if (!names.ok()) return numbers;  // it does not exist yet
    for (const std::string& name : *names) {
      if (const auto number = path_.NumberOf(name, context_.instance)) numbers.published.insert(*number);
      if (const auto number = path_.NumberOfInProgress(name, context_.instance))
        numbers.in_progress.insert(*number);
    }
    return numbers;
  }

  // Parts of earlier runs are removed (replace), left and counted on from (append), or an error (fail).
  Status ChooseFirstPart() {
    const Numbers there = NumbersOnDisk();
    if (context_.start == OutputStart::kContinue) return ContinueParts(there);
    for (const uint64_t number : there.in_progress)
      SR_RETURN_IF_ERROR(env_->Remove(InProgressPath(FinalPath(number))));
    if (config_.if_exists == IfExists::kAppend) {
      if (!there.published.empty()) number_ = *there.published.rbegin() + 1;
      return Status::Ok();
    }
    for (const uint64_t number : there.published) {
      if (config_.if_exists == IfExists::kFail && context_.start == OutputStart::kFresh) {
        return Status(Code::kAlreadyExists, FinalPath(number) +
                                                " exists and `if_exists` is fail; remove the parts of the "
                                                "earlier run or write if_exists: replace");
      }
      SR_RETURN_IF_ERROR(env_->Remove(FinalPath(number)));
    }
    return Status::Ok();
  }

  // An earlier attempt left full parts without their name; the last one is gone on with.
  Status ContinueParts(const Numbers& there) {
    has_parts_ = there.last() > 0;
    number_ = std::max<uint64_t>(there.last(), 1);
    if (there.published.contains(number_)) ++number_;
    for (const uint64_t number : there.in_progress) {
      if (number == number_) continue;
      SinkPart part;
      part.path = AbsolutePath(FinalPath(number));
      part.written = InProgressPath(part.path);
      SR_ASSIGN_OR_RETURN(const FileInfo info, env_->Info(part.written));
      part.length = info.size;
      part.inode = info.inode;
      part.worker = context_.instance;
      part.number = number;
      part.finished = true;
      full_.push_back(std::move(part));
    }
    return Status::Ok();
  }

  Status OpenFirstPart() {
    const bool appends = config_.if_exists == IfExists::kAppend && !rolls_;
    if (context_.start == OutputStart::kContinue) {
      if (CompressionOf(config_.compression, FinalPath(number_)) != Compression::kNone) {
        return Status::Unsupported("cannot go on with the compressed file " + FinalPath(number_) +
                                   " after a failure, because its source cannot send the rows again; write "
                                   "without compression");
      }
      return OpenPart(appends ? FileStart::kAppend : FileStart::kMend);
    }
    if (!appends) return OpenPart(FileStart::kReplace);
    const std::string path = FinalPath(number_);
    SR_RETURN_IF_ERROR(mark_.UndoAppend(path));
    SR_RETURN_IF_ERROR(OpenPart(FileStart::kAppend));
    marked_ = AbsolutePath(path);
    return mark_.Set(path);
  }

  Status OpenPart(FileStart start) {
    FileWriterOptions options;
    options.path = FinalPath(number_);
    options.staged = staged_;
    options.start = start;
    options.compression = CompressionOf(config_.compression, options.path);
    options.preamble = context_.preamble;
    // What an earlier attempt of this run left is no reason to fail.
    options.must_be_new = config_.if_exists == IfExists::kFail && context_.start == OutputStart::kFresh;
    SR_ASSIGN_OR_RETURN(writer_, FileWriter::Open(env_, std::move(options)));
    SR_ASSIGN_OR_RETURN(const FileInfo info, env_->Info(writer_->written()));
    inode_ = info.inode;
    opened_ = env_->MonotonicNow();
    records_ = 0;
    return Status::Ok();
  }

  // The entry of a directory that is made for the file must be durable too.
  void NoteNewDirectories() {
    std::string directory = DirectoryOf(AbsolutePath(FinalPath(number_)));
    while (!env_->Info(directory).ok() && directory != DirectoryOf(directory)) {
      directory = DirectoryOf(directory);
      new_directories_.insert(directory);
    }
  }

  // --- Going on from a checkpoint
  // ------------------------------------------------------------------------------------------

  Status Resume() {
    std::vector<SinkPart> parts;
    for (const std::string& handle : context_.all_handles.empty() ? context_.handles : context_.all_handles) {
      SR_ASSIGN_OR_RETURN(const std::vector<SinkPart> some, ParseHandle(handle));
      parts.insert(parts.end(), some.begin(), some.end());
    }
    std::optional<SinkPart> own;
    for (const SinkPart& part : parts) {
      if (part.worker % context_.parallelism != context_.instance) continue;
      const bool mine = part.worker == context_.instance && part.path == AbsolutePath(FinalPath(part.number));
      if (mine && !(rolls_ && part.finished)) {
        own = part;
      } else if (!part.finished) {
        SR_RETURN_IF_ERROR(Adopt(part));
      }
    }
    if (rolls_) SR_RETURN_IF_ERROR(ChooseNextPart(parts));
    if (!own) return OpenFirstPart();
    if (!own->finished) return GoOnWith(*own);
    ended_ = std::move(own);  // the restored epoch was the last one of a run; rows may yet come
    return Status::Ok();
  }

  // A file that nobody writes on with: it gets its name with the others.
  Status Adopt(SinkPart part) {
    SR_RETURN_IF_ERROR(RestorePart(env_, part));
    part.finished = part.staged() && (rolls_ || !context_.bounded);
    (part.finished ? full_ : adopted_).push_back(std::move(part));
    return Status::Ok();
  }

  // What stands behind the restored epoch is void: parts begun since, and those with a name that only a later
  // epoch gave them.
  Status ChooseNextPart(const std::vector<SinkPart>& parts) {
    std::set<std::string> counted;
    uint64_t last = 0;
    for (const SinkPart& part : parts) {
      counted.insert(part.path);
      if (part.worker == context_.instance) last = std::max(last, part.number);
    }
    const Numbers there = NumbersOnDisk();
    for (const uint64_t number : there.in_progress) {
      if (counted.contains(AbsolutePath(FinalPath(number)))) continue;
      SR_RETURN_IF_ERROR(env_->Remove(InProgressPath(FinalPath(number))));
    }
    for (const uint64_t number : there.published) {
      if (last == 0 || number <= last) continue;
      SR_RETURN_IF_ERROR(env_->Remove(FinalPath(number)));
    }
    has_parts_ = last > 0 || !there.published.empty();
    if (last == 0 && !there.published.empty()) last = *there.published.rbegin();
    number_ = last + 1;
    return Status::Ok();
  }

  Status GoOnWith(const SinkPart& part) {
    SR_RETURN_IF_ERROR(RestorePart(env_, part));
    number_ = part.number;
    if (part.staged() && !staged_) {
      // The input has no end any more, so there will be none at which the file would get its name.
      SR_RETURN_IF_ERROR(env_->Rename(part.written, part.path));
    }
    staged_ = staged_ && part.staged();
    SR_RETURN_IF_ERROR(OpenPart(FileStart::kGoOn));
    records_ = part.records;
    return Status::Ok();
  }

  // --- Parts
  // ---------------------------------------------------------------------------------------------------------------

  SinkPart CurrentPart(bool finished) const {
    SinkPart part;
    part.path = AbsolutePath(writer_->path());
    part.written = AbsolutePath(writer_->written());
    part.length = writer_->size();
    part.inode = inode_;
    part.worker = context_.instance;
    part.number = number_;
    part.records = records_;
    part.finished = finished;
    return part;
  }

  Status FinishPart() {
    SR_RETURN_IF_ERROR(writer_->Close());
    full_.push_back(CurrentPart(true));
    has_parts_ = true;
    writer_ = nullptr;
    return Status::Ok();
  }

  Status NextPart() {
    SR_RETURN_IF_ERROR(FinishPart());
    ++number_;
    return OpenPart(FileStart::kReplace);
  }

  Status RollByAge() {
    const bool old =
        writer_ && config_.roll.age > 0 && records_ > 0 && env_->MonotonicNow() - opened_ >= config_.roll.age;
    return old ? NextPart() : Status::Ok();
  }

  // A part ends with the record that takes it to roll.size.
  Status WriteRolling(const Encoded& records) {
    const uint32_t* ends = records.record_ends->as<uint32_t>();
    const int64_t count = records.records();
    const std::string_view bytes = records.bytes->view();
    const auto limit = static_cast<uint64_t>(config_.roll.size);
    size_t begin = 0;
    for (int64_t i = 0; i < count;) {
      int64_t behind = count;
      if (limit > 0) {
        const uint64_t room = limit > writer_->size() ? limit - writer_->size() : 0;
        behind = std::lower_bound(ends + i, ends + count, begin + room) - ends + 1;
        behind = std::clamp(behind, i + 1, count);
      }
      const size_t end = ends[behind - 1];
      SR_RETURN_IF_ERROR(writer_->Write(bytes.substr(begin, end - begin)));
      records_ += behind - i;
      begin = end;
      i = behind;
      if (limit > 0 && writer_->size() >= limit) SR_RETURN_IF_ERROR(NextPart());
    }
    return Status::Ok();
  }

  // The epoch of these parts counts from now on.
  Status ForgetWhatWasBefore(const std::vector<SinkPart>& parts) {
    const auto named = [&](const std::string& path) {
      return std::any_of(parts.begin(), parts.end(),
                         [&](const SinkPart& part) { return part.path == path || part.written == path; });
    };
    if (!marked_.empty() && named(marked_)) {
      SR_RETURN_IF_ERROR(mark_.Clear());
      marked_.clear();
    }
    if (!superfluous_.empty() && !named(superfluous_)) {
      SR_RETURN_IF_ERROR(env_->Remove(superfluous_));
      superfluous_.clear();
    }
    return Status::Ok();
  }

  const FileSinkConfig config_;
  const bool rolls_;
  SinkPath path_;
  SinkContext context_;
  Env* env_ = nullptr;
  std::unique_ptr<Sink> direct_;  // a pipe or device
  bool staged_ = true;
  AppendMark mark_;
  std::string marked_;  // the file that the mark is about
  std::set<std::string> new_directories_;

  // The part under way.
  std::unique_ptr<FileWriter> writer_;
  uint64_t number_ = 1;
  uint64_t inode_ = 0;
  int64_t records_ = 0;
  Timestamp opened_ = 0;

  std::vector<SinkPart> full_;     // finished, not committed yet
  std::vector<SinkPart> adopted_;  // of workers that are no more, until the end
  std::optional<SinkPart> ended_;  // instead of writer_: finished and committed in the restored epoch
  std::string superfluous_;        // an empty last part
  bool has_parts_ = false;         // there is a part besides the one under way
};

}  // namespace

std::unique_ptr<Sink> CreateFileSink(FileSinkConfig config) {
  return std::make_unique<FileSink>(std::move(config));
}

}  // namespace streamrun
