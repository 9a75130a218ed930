#include "runner/ingest/log_source.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/failpoint.h"
#include "core/base/logging.h"
#include "core/stream/framing.h"
#include "core/stream/retained_epochs.h"
#include "runner/ingest/log_reader.h"
#include "runner/ingest/log_tail.h"
#include "runner/ingest/log_writer.h"

namespace streamrun {

namespace {

constexpr size_t kChunkTarget = 1 << 20;
constexpr Duration kLookAgain = 20 * kMillisecond;  // until the writer is there

class LogSource final : public Source {
 public:
  explicit LogSource(LogSourceOptions options) : options_(std::move(options)) {}

  Status Open(SourceContext& context, const std::vector<std::string>& positions) override {
    env_ = context.env;
    run_directory_ = context.run_directory;
    generation_ = context.generation;
    // One reader, however many instances there were.
    for (const std::string& position : positions) {
      if (position.empty()) continue;
      uint64_t seq = 0;
      const auto [end, error] = std::from_chars(position.data(), position.data() + position.size(), seq);
      if (error != std::errc() || end != position.data() + position.size()) {
        return Status::InvalidArgument("'" + position +
                                       "' is no position in an ingest log; was the source given "
                                       "its `buffer: durable` since? --reset-state begins anew");
      }
      begin_ = seq;
    }
    next_ = begin_.value_or(0);
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    if (ended_) return SourceOutcome::kDone;
    if (!tail_) {
      SR_ASSIGN_OR_RETURN(const bool there, FindWriter());
      if (!there) return SourceOutcome::kWait;
    }
    // First the wake-up, then the number: what comes in between wakes again.
    if (!held_ && next_ >= limit_) {
      tail_->Drain();
      limit_ = tail_->synced();
    }
    SR_ASSIGN_OR_RETURN(const bool any, Take());
    if (!any) return SourceOutcome::kWait;
    SR_RETURN_IF_ERROR(Give(out));
    return ended_ ? SourceOutcome::kDone : SourceOutcome::kMore;
  }

  WaitSpec Wait() override {
    WaitSpec wait;
    if (tail_) {
      wait.descriptors.push_back({tail_->wake_fd(), POLLIN});
    } else {
      wait.deadline = env_->MonotonicNow() + kLookAgain;
    }
    return wait;
  }

  std::string Position() const override {
    asked_ = next_;
    return std::to_string(next_);
  }

  // An epoch is asked for its position and decided before the next one is asked.
  Status Commit(uint64_t) override {
    kept_.push_back(asked_);
    if (kept_.size() <= kRetainedEpochs) return Status::Ok();
    kept_.pop_front();
    return RemoveBelow(kept_.front());
  }

  int64_t Dropped() const override { return dropped_; }
  std::string Trouble() const override { return tail_ ? "" : "waits for its ingest worker"; }

 private:
  Result<bool> FindWriter() {
    auto tail = LogTail::Open(run_directory_, options_.node, generation_);
    if (!tail.ok() && tail.status().code() == Code::kUnavailable) return false;
    if (!tail.ok()) return tail.status();
    tail_ = std::move(*tail);
    limit_ = tail_->synced();
    reader_.emplace(env_, options_.directory);
    if (const Status status = reader_->Seek(begin_, limit_); !status.ok()) {
      if (status.code() != Code::kNotFound) return status;
      return Refusal(status.message());
    }
    next_ = reader_->next();
    if (next_ > limit_) return Refusal("the log ends with record " + std::to_string(limit_));
    return true;
  }

  Status Refusal(const std::string& what) const {
    return Status::InvalidArgument(
        "the checkpoint goes on with record " + std::to_string(next_) + " of " + options_.directory +
        ", but " + what + "; restore a newer checkpoint, or begin with what is there: --reset-state");
  }

  // Has the next record in held_; false: there is none yet.
  Result<bool> Take() {
    if (held_ || damage_) return true;
    SR_ASSIGN_OR_RETURN(LogReader::Item item, reader_->Next(limit_));
    held_ = item.record;
    damage_ = std::move(item.damage);
    return held_ || damage_;
  }

  Status Give(SourceOutput& out) {
    if (damage_) return GiveDamage(out);
    const LogRecord record = *held_;
    if (record.kind == LogRecordKind::kChunk) return GiveChunk(out);
    if (record.kind == LogRecordKind::kFailed) {
      out.FailRecord(Split(record.split), record.offset, record.bytes, std::string(record.code),
                     std::string(record.message));
    } else if (record.kind == LogRecordKind::kDropped) {
      dropped_ += record.offset;
    } else if (record.kind == LogRecordKind::kEnd) {
      ended_ = true;
    }
    Given(record);
    return Status::Ok();
  }

  void Given(const LogRecord& record) {
    next_ = record.seq + 1;
    held_.reset();
  }

  // Requests and datagrams are small: as many as follow one another become one chunk.
  Status GiveChunk(SourceOutput& out) {
    Chunk chunk;
    chunk.split = Split(held_->split);
    chunk.offset = held_->offset;
    if (held_->header) chunk.header = Header(*held_->header);
    const bool delimited = held_->record_ends.has_value();
    BufferBuilder bytes, ends;
    int64_t follows = chunk.offset;
    do {
      const LogRecord record = *held_;
      const auto base = static_cast<uint32_t>(bytes.size());
      bytes.Append(record.bytes.data(), record.bytes.size());
      if (delimited) AppendEnds(*record.record_ends, base, &ends);
      follows = record.offset + static_cast<int64_t>(delimited ? record.record_ends->size() / sizeof(uint32_t)
                                                               : record.bytes.size());
      const bool whole = delimited || (!record.bytes.empty() && record.bytes.back() == '\n');
      Given(record);
      if (!whole || bytes.size() >= kChunkTarget) break;
      SR_ASSIGN_OR_RETURN(const bool more, Take());
      if (!more || damage_) break;
    } while (Continues(*held_, chunk, delimited, follows));
    chunk.bytes = bytes.Finish();
    if (delimited) chunk.record_ends = ends.Finish();
    out.EmitChunk(std::move(chunk));
    return Status::Ok();
  }

  static bool Continues(const LogRecord& record, const Chunk& chunk, bool delimited, int64_t offset) {
    const bool same_header = record.header.has_value() == (chunk.header != nullptr) &&
                             (!chunk.header || *record.header == *chunk.header);
    return record.kind == LogRecordKind::kChunk && record.offset == offset && same_header &&
           record.record_ends.has_value() == delimited && record.split == *chunk.split;
  }

  static void AppendEnds(std::string_view own, uint32_t base, BufferBuilder* ends) {
    for (size_t i = 0; i < own.size(); i += sizeof(uint32_t)) {
      uint32_t end = 0;
      std::memcpy(&end, own.data() + i, sizeof end);
      ends->Push(base + end);
    }
  }

  // Numbers that were acknowledged and are lost leave a trace each time: on disk and in the errors.
  Status GiveDamage(SourceOutput& out) {
    const LogDamage damage = std::move(*damage_);
    damage_.reset();
    const std::string range =
        std::to_string(damage.first) + " to " + std::to_string(damage.end - 1) + " of " + options_.directory;
    if (damage.file.empty()) {
      return Status::InvalidArgument("records " + range +
                                     " are missing: their file is gone; put it back, or begin "
                                     "with what is there: --reset-state");
    }
    const std::string what = "records " + range + " are damaged (" + damage.file + " from byte " +
                             std::to_string(damage.offset) + ", " + std::to_string(damage.raw.size()) +
                             " bytes)";
    if (!options_.skip_damage) {
      return Status::InvalidArgument(what + "; `buffer: {on_corruption: skip}` sets them aside and goes on");
    }
    SR_RETURN_IF_ERROR(env_->MakeDirectories(options_.quarantine, 0700));
    const std::string aside = options_.quarantine + "/" + options_.node + "." + std::to_string(damage.first);
    SR_RETURN_IF_ERROR(env_->WriteFileAtomically(aside, damage.raw));
    LogWarning(what + "; kept in " + aside);
    out.FailRecord(Split(options_.directory), static_cast<int64_t>(damage.first),
                   std::string_view(damage.raw).substr(0, kFailedPrefix), "ingest.damaged", what);
    next_ = damage.end;
    return Status::Ok();
  }

  Status RemoveBelow(uint64_t seq) {
    SR_ASSIGN_OR_RETURN(const std::vector<uint64_t> firsts, ListLogSegments(env_, options_.directory));
    // A file is no longer wanted when the next one begins at or before `seq`. One after the other, for good:
    // a crash may leave too many, never a gap.
    for (size_t i = 0; i + 1 < firsts.size() && firsts[i + 1] <= seq; ++i) {
      SR_RETURN_IF_ERROR(env_->Remove(options_.directory + "/" + LogSegmentName(firsts[i])));
      SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.removed"));
      SR_RETURN_IF_ERROR(env_->SyncDirectory(options_.directory));
    }
    return Status::Ok();
  }

  std::shared_ptr<const std::string> Split(std::string_view split) {
    if (!split_ || *split_ != split) split_ = std::make_shared<const std::string>(split);
    return split_;
  }
  std::shared_ptr<const std::string> Header(std::string_view header) {
    if (!header_ || *header_ != header) header_ = std::make_shared<const std::string>(header);
    return header_;
  }

  const LogSourceOptions options_;
  Env* env_ = nullptr;
  std::string run_directory_;
  uint64_t generation_ = 0;
  std::optional<uint64_t> begin_;
  std::unique_ptr<LogTail> tail_;
  std::optional<LogReader> reader_;
  uint64_t limit_ = 0;
  uint64_t next_ = 0;              // behind what was given out
  std::optional<LogRecord> held_;  // read, not given out
  std::optional<LogDamage> damage_;
  mutable uint64_t asked_ = 0;
  std::deque<uint64_t> kept_;  // positions of the last epochs
  std::shared_ptr<const std::string> split_, header_;
  int64_t dropped_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Source> NewLogSource(LogSourceOptions options) {
  return std::make_unique<LogSource>(std::move(options));
}

}  // namespace streamrun
