#include "connectors/file/partitioned_output.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "connectors/file/output_lock.h"
#include "connectors/file/path_columns.h"
#include "connectors/file/path_pattern.h"
#include "connectors/file/routed_records.h"
#include "connectors/file/series_set.h"
#include "connectors/file/sink_path.h"

namespace streamrun {
namespace {

class PartitionedSink final : public Sink {
 public:
  explicit PartitionedSink(FileSinkConfig config) : config_(std::move(config)) {}

  Status Open(SinkContext& context) override {
    context_ = context;
    env_ = context.env;
    staged_ = config_.rolls() || (context.bounded && config_.if_exists != IfExists::kAppend);
    begun_ = BegunFiles(env_, context.stage_directory);
    series_.emplace(config_, context_, staged_, &begun_);
    const std::string base = AbsolutePath(BaseOf(config_.path));
    series_->NoteDirectories(base + "/x");
    SR_RETURN_IF_ERROR(env_->MakeDirectories(base));
    SR_ASSIGN_OR_RETURN(lock_, LockOutput(env_, LockedPath()));
    const bool resumes = context.start == OutputStart::kResume;
    SR_ASSIGN_OR_RETURN(std::vector<SinkPart> notes,
                        begun_.Read(context.instance, context.parallelism, resumes));
    if (resumes) return Resume(std::move(notes));
    if (context.start == OutputStart::kContinue) {
      SR_RETURN_IF_ERROR(begun_.Replace(notes));
      return series_->Continue(notes);
    }
    SR_RETURN_IF_ERROR(UndoBegun(env_, notes, false));
    return begun_.Replace({});
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    RouteReader reader(records);
    std::vector<SeriesSet::Series*> targets;  // of the reader's paths
    uint32_t list = 0;
    for (;;) {
      SR_ASSIGN_OR_RETURN(const bool more, reader.Next());
      if (!more) return SinkOutcome::kAccepted;
      if (reader.list() != std::exchange(list, reader.list())) targets.clear();
      while (targets.size() <= reader.path()) {
        SR_ASSIGN_OR_RETURN(SeriesSet::Series* const series, series_->Find(reader.paths()[targets.size()]));
        targets.push_back(series);
      }
      SR_RETURN_IF_ERROR(series_->Write(*targets[reader.path()], reader.record()));
    }
  }

  Result<SinkOutcome> Flush() override {
    SR_RETURN_IF_ERROR(series_->Flush());
    return SinkOutcome::kAccepted;
  }

  Result<Prepared> Prepare(uint64_t epoch) override {
    SR_ASSIGN_OR_RETURN(std::vector<SinkPart> parts, series_->Parts());
    Prepared prepared;
    if (config_.sync) {
      for (const SinkPart& part : parts) {
        const auto known = durable_.find(part.written);
        if (known == durable_.end() || known->second != part.length) prepared.files.push_back(part.written);
      }
      for (const std::string& directory : series_->TakeDirectories()) new_directories_[directory] = epoch;
      for (const auto& [directory, since] : new_directories_) prepared.directories.push_back(directory);
    }
    // These are as durable as the epoch that was restored.
    parts.insert(parts.end(), adopted_.begin(), adopted_.end());
    const std::vector<SinkPart> ended = series_->Ended();
    parts.insert(parts.end(), ended.begin(), ended.end());
    SeriesFacts facts{config_.path, next_of_others_, ended_};
    facts.next[context_.instance] = series_->next_number();
    prepared.handle = PrintHandle(parts, &facts);
    return prepared;
  }

  Result<SinkOutcome> Commit(uint64_t epoch, const std::string& handle) override {
    SeriesFacts facts;
    SR_ASSIGN_OR_RETURN(const std::vector<SinkPart> parts, ParseHandle(handle, &facts));
    std::set<std::string> directories;
    durable_.clear();
    for (const SinkPart& part : parts) {
      durable_[part.written] = part.length;
      if (!part.finished) continue;
      SR_RETURN_IF_ERROR(PublishPart(env_, part, !config_.rolls() && config_.if_exists != IfExists::kFail));
      if (part.staged()) directories.insert(DirectoryOf(part.path));
      std::erase_if(adopted_, [&](const SinkPart& adopted) { return adopted.path == part.path; });
    }
    series_->Committed(parts);
    std::erase_if(new_directories_, [&](const auto& entry) { return entry.second <= epoch; });
    if (config_.sync) {
      for (const std::string& directory : directories) SR_RETURN_IF_ERROR(env_->SyncDirectory(directory));
    }
    if (facts.ended) SR_RETURN_IF_ERROR(begun_.End());
    return SinkOutcome::kAccepted;
  }

  // A stop ends the files as well: the rows were counted as delivered.
  Result<SinkOutcome> Finish(bool) override {
    for (SinkPart& part : adopted_) part.finished = true;
    ended_ = true;
    SR_RETURN_IF_ERROR(series_->Finish());
    return SinkOutcome::kAccepted;
  }

 private:
  // What no other process may write: all files of this worker.
  std::string LockedPath() const {
    std::string path = config_.path;
    const size_t at = path.find("{worker}");
    return at == std::string::npos ? path : path.replace(at, 8, std::to_string(context_.instance));
  }

  bool Mine(int worker) const { return worker % context_.parallelism == context_.instance; }

  Status Resume(std::vector<SinkPart> notes) {
    std::vector<SinkPart> parts;
    SeriesFacts all;
    for (const std::string& handle : context_.all_handles.empty() ? context_.handles : context_.all_handles) {
      SeriesFacts facts;
      facts.next = std::exchange(all.next, {});
      SR_ASSIGN_OR_RETURN(std::vector<SinkPart> some, ParseHandle(handle, &facts));
      for (SinkPart& part : some) {
        // Under another path it is no series of this sink.
        if (facts.pattern != config_.path) part.series.clear();
        parts.push_back(std::move(part));
      }
      all = std::move(facts);
    }
    SR_RETURN_IF_ERROR(UndoSince(parts, all, std::move(notes)));
    for (const auto& [worker, next] : all.next) {
      if (worker == context_.instance) {
        series_->set_next_number(next);
      } else if (Mine(worker)) {
        next_of_others_[worker] = next;
      }
    }
    for (SinkPart& part : parts) {
      if (!Mine(part.worker)) continue;
      const bool own = part.worker == context_.instance && !part.series.empty();
      if (own && !(config_.rolls() && part.finished)) {
        SR_RETURN_IF_ERROR(series_->Resume(std::move(part)));
      } else if (!part.finished) {
        SR_RETURN_IF_ERROR(Adopt(std::move(part)));
      }
    }
    return Status::Ok();
  }

  // What was begun behind the restored epoch is void.
  Status UndoSince(const std::vector<SinkPart>& parts, const SeriesFacts& facts,
                   std::vector<SinkPart> notes) {
    std::unordered_set<std::string> counted;
    for (const SinkPart& part : parts) counted.insert(part.path);
    const auto counts = [&](const SinkPart& note) {
      if (counted.contains(note.path)) return true;
      // A part that was begun before is committed for good when no handle names it any more.
      const auto next = facts.next.find(note.worker);
      return config_.rolls() && next != facts.next.end() && note.number < next->second;
    };
    std::vector<SinkPart> since;
    std::copy_if(notes.begin(), notes.end(), std::back_inserter(since),
                 [&](const SinkPart& note) { return !counts(note); });
    SR_RETURN_IF_ERROR(UndoBegun(env_, since, config_.rolls()));
    std::erase_if(notes, [&](const SinkPart& note) { return !counted.contains(note.path); });
    return begun_.Replace(notes);
  }

  // A file that nobody writes on with: it gets its name with the others.
  Status Adopt(SinkPart part) {
    SR_RETURN_IF_ERROR(RestorePart(env_, part));
    part.finished = part.staged() && (config_.rolls() || !context_.bounded);
    adopted_.push_back(std::move(part));
    return Status::Ok();
  }

  const FileSinkConfig config_;
  SinkContext context_;
  Env* env_ = nullptr;
  bool staged_ = true;
  bool ended_ = false;
  std::unique_ptr<FileLock> lock_;
  BegunFiles begun_;
  std::optional<SeriesSet> series_;
  std::vector<SinkPart> adopted_;                      // of workers that are no more, or of another path
  std::map<int, uint64_t> next_of_others_;             // numbers of workers that are no more
  std::map<std::string, uint64_t> new_directories_;    // with the last epoch that was to make them durable
  std::unordered_map<std::string, uint64_t> durable_;  // lengths of files in the last committed epoch
};

}  // namespace

std::unique_ptr<Sink> CreatePartitionedSink(FileSinkConfig config) {
  return std::make_unique<PartitionedSink>(std::move(config));
}

}  // namespace streamrun
