#include "connectors/file/single_output.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "connectors/file/append_mark.h"
#include "connectors/file/output_lock.h"
#include "connectors/file/part_choice.h"
#include "connectors/file/part_file.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/sink_path.h"

namespace streamrun {
namespace {

class SingleSink final : public Sink {
 public:
  explicit SingleSink(FileSinkConfig config)
      : config_(std::move(config)), rolls_(config_.rolls()), path_(config_.full_path()) {}

  Status Open(SinkContext& context) override {
    context_ = context;
    env_ = context.env;
    staged_ = rolls_ || (context.bounded && config_.if_exists != IfExists::kAppend);
    mark_ = AppendMark(env_, context.stage_directory, context.instance);
    NoteNewDirectories();
    SR_ASSIGN_OR_RETURN(lock_, LockOutput(env_, LockedPath()));
    if (context.start == OutputStart::kResume) return Resume();
    if (rolls_) {
      SR_ASSIGN_OR_RETURN(PartChoice choice, ChooseFirstPart(path_, config_.if_exists, context_));
      Take(std::move(choice));
    }
    return OpenFirstPart();
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    if (!part_) SR_RETURN_IF_ERROR(GoOnWith(*std::exchange(ended_, std::nullopt)));
    if (rolls_) {
      SR_RETURN_IF_ERROR(RollByAge());
      SR_RETURN_IF_ERROR(WriteRolling(records));
    } else {
      SR_RETURN_IF_ERROR(part_->Write(records.bytes->view(), records.records()));
    }
    return SinkOutcome::kAccepted;
  }

  Result<SinkOutcome> Flush() override {
    if (part_) SR_RETURN_IF_ERROR(part_->Flush());
    return SinkOutcome::kAccepted;
  }

  Result<Prepared> Prepare(uint64_t) override {
    SR_RETURN_IF_ERROR(RollByAge());
    std::vector<SinkPart> parts = full_;
    if (part_) {
      SR_RETURN_IF_ERROR(part_->EndFrame());
      parts.push_back(part_->Describe(false));
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

  Result<SinkOutcome> Commit(uint64_t, const std::string& handle) override {
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
  Result<SinkOutcome> Finish(bool) override {
    for (SinkPart& part : std::exchange(adopted_, {})) {
      part.finished = true;
      full_.push_back(std::move(part));
    }
    if (!part_) return SinkOutcome::kAccepted;
    const bool superfluous = rolls_ && part_->records() == 0 && has_parts_;
    // The last epoch may still count on the empty part: it is removed when the next one does without it.
    if (superfluous) superfluous_ = AbsolutePath(part_->written());
    SR_RETURN_IF_ERROR(superfluous ? part_->Close() : FinishPart());
    part_ = nullptr;
    return SinkOutcome::kAccepted;
  }

 private:
  // --- Opening -------------------------------------------------------------------------------------------

  std::string FinalPath(uint64_t number) const { return PartPath(path_, context_.instance, number); }

  void Take(PartChoice choice) {
    number_ = choice.number;
    has_parts_ = choice.has_parts;
    full_.insert(full_.end(), choice.full.begin(), choice.full.end());
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

  Status OpenPart(FileStart start, int64_t records = 0) {
    FileWriterOptions options;
    options.path = FinalPath(number_);
    options.staged = staged_;
    options.start = start;
    options.compression = CompressionOf(config_.compression, options.path);
    options.preamble = context_.preamble;
    // What an earlier attempt of this run left is no reason to fail.
    options.must_be_new = config_.if_exists == IfExists::kFail && context_.start == OutputStart::kFresh;
    SR_ASSIGN_OR_RETURN(part_, PartFile::Open(env_, std::move(options), context_.instance, number_, records));
    return Status::Ok();
  }

  // What no other process may write: the file itself, or all parts of this worker.
  std::string LockedPath() const {
    std::string path = config_.path;
    const size_t at = path.find("{worker}");
    if (at != std::string::npos) path.replace(at, 8, std::to_string(context_.instance));
    return rolls_ ? path : BehindLink(path);
  }

  // The entry of a directory that is made for the file must be durable too.
  void NoteNewDirectories() {
    std::string directory = DirectoryOf(AbsolutePath(FinalPath(number_)));
    while (!env_->Info(directory).ok() && directory != DirectoryOf(directory)) {
      directory = DirectoryOf(directory);
      new_directories_.insert(directory);
    }
  }

  // --- Going on from a checkpoint ------------------------------------------------------------------------

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
    if (rolls_) {
      SR_ASSIGN_OR_RETURN(PartChoice choice, ChooseNextPart(path_, parts, context_));
      Take(std::move(choice));
    }
    if (!own) return OpenFirstPart();
    // It may be the first epoch of its run, of whose commit this sink has not heard.
    SR_RETURN_IF_ERROR(mark_.Clear());
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

  Status GoOnWith(const SinkPart& part) {
    SR_RETURN_IF_ERROR(RestorePart(env_, part));
    number_ = part.number;
    if (part.staged() && !staged_) {
      // The input has no end any more, so there will be none at which the file would get its name.
      SR_RETURN_IF_ERROR(env_->Rename(part.written, part.path));
    }
    staged_ = staged_ && part.staged();
    return OpenPart(FileStart::kGoOn, part.records);
  }

  // --- Parts ---------------------------------------------------------------------------------------------

  Status FinishPart() {
    SR_RETURN_IF_ERROR(part_->Close());
    full_.push_back(part_->Describe(true));
    has_parts_ = true;
    part_ = nullptr;
    return Status::Ok();
  }

  Status NextPart() {
    SR_RETURN_IF_ERROR(FinishPart());
    ++number_;
    return OpenPart(FileStart::kReplace);
  }

  Status RollByAge() {
    const bool old = part_ && config_.roll.age > 0 && part_->records() > 0 &&
                     env_->MonotonicNow() - part_->opened() >= config_.roll.age;
    return old ? NextPart() : Status::Ok();
  }

  // A part ends with the record that takes it to roll.size.
  Status WriteRolling(const Encoded& records) {
    const auto limit = static_cast<uint64_t>(config_.roll.size);
    for (int64_t i = 0; i < records.records();) {
      SR_ASSIGN_OR_RETURN(i, part_->WriteUpTo(limit, records, i));
      if (limit > 0 && part_->size() >= limit) SR_RETURN_IF_ERROR(NextPart());
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
  std::unique_ptr<FileLock> lock_;
  bool staged_ = true;
  AppendMark mark_;
  std::string marked_;  // the file that the mark is about
  std::set<std::string> new_directories_;

  std::unique_ptr<PartFile> part_;  // under way
  uint64_t number_ = 1;             // its number

  std::vector<SinkPart> full_;     // finished, not committed yet
  std::vector<SinkPart> adopted_;  // of workers that are no more, until the end
  std::optional<SinkPart> ended_;  // instead of part_: finished and committed in the restored epoch
  std::string superfluous_;        // an empty last part
  bool has_parts_ = false;         // there is a part besides the one under way
};

}  // namespace

std::unique_ptr<Sink> CreateSingleSink(FileSinkConfig config) {
  return std::make_unique<SingleSink>(std::move(config));
}

}  // namespace streamrun
