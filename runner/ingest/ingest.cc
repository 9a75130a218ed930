#include "runner/ingest/ingest.h"

#include <algorithm>
#include <utility>

#include "core/base/failpoint.h"
#include "core/base/logging.h"

namespace streamrun {

namespace {

constexpr size_t kCommitBytes = 1 << 20;
// While the input does not pause, so long may a record wait for others to share its sync.
constexpr Duration kCommitDelay = 2 * kMillisecond;
constexpr Duration kLookAgain = 100 * kMillisecond;

}  // namespace

Ingest::Ingest(PlanPtr plan, int node, IngestOptions options)
    : plan_(std::move(plan)), node_(plan_->node(node)), options_(std::move(options)) {}

Ingest::~Ingest() = default;

Status Ingest::Open() {
  SR_ASSIGN_OR_RETURN(log_, LogWriter::Open(options_.env, options_.directory,
                                            static_cast<uint64_t>(node_.buffer->segment), options_.fresh));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.recovered"));
  SR_ASSIGN_OR_RETURN(tail_,
                      LogTail::Make(options_.run_directory, node_.name, options_.generation, log_->synced()));
  SR_ASSIGN_OR_RETURN(bytes_, log_->Bytes());
  tail_->Publish(log_->synced(), bytes_);
  if (log_->ended()) return Status::Ok();
  source_ = node_.source->Create(node_.format->traits);
  if (node_.source->marks_units) {
    context_.marks = log_->TakeMarks();
    log_->KeepMarks([this] { return source_->Marks(); });
  }
  context_.env = options_.env;
  context_.run_directory = options_.run_directory;
  context_.generation = options_.generation;
  context_.once = options_.once;
  context_.max_record = static_cast<size_t>(plan_->settings.max_row);
  context_.buffered = true;
  return source_->Open(context_, {}).WithContext("source '" + node_.name + "'");
}

Result<bool> Ingest::Step() {
  if (!source_ || ended()) return false;
  const Timestamp now = options_.env->MonotonicNow();
  if (full_ && now < look_again_) return false;
  if (full_) {
    SR_RETURN_IF_ERROR(CheckRoom());
    if (full_) return false;
  }
  bool more = false;
  if (!done_) {
    SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.poll"));
    SR_ASSIGN_OR_RETURN(const SourceOutcome outcome, source_->Poll(*this));
    SR_RETURN_IF_ERROR(failure_);
    more = outcome == SourceOutcome::kMore;
    done_ = outcome == SourceOutcome::kDone;
    if (const int64_t dropped = source_->Dropped(); dropped > dropped_) {
      LogRecord record;
      record.kind = LogRecordKind::kDropped;
      record.offset = dropped - std::exchange(dropped_, dropped);
      log_->Add(record);
    }
    if (done_) {
      LogRecord end;
      end.kind = LogRecordKind::kEnd;
      log_->Add(end);
    }
  }
  waits_ = !more;
  // Half a unit is never made safe: it is in memory anyway, and its end comes without a wait.
  if (unit_open_) return true;
  if (log_->pending_bytes() == 0) return more;
  if (first_pending_ == 0) first_pending_ = now;
  // An input that pauses is not kept waiting for others, unless the user wants fewer syncs.
  const Duration delay = std::max(node_.buffer->sync, more ? kCommitDelay : 0);
  const bool due = done_ || log_->pending_bytes() >= kCommitBytes ||
                   options_.env->MonotonicNow() - first_pending_ >= delay;
  if (due) SR_RETURN_IF_ERROR(CommitNow());
  return more || (due && !full_);
}

Status Ingest::CommitNow() {
  const size_t size = log_->pending_bytes();
  SR_ASSIGN_OR_RETURN(const LogWriter::Committed committed, log_->Commit());
  if (committed == LogWriter::Committed::kFull) {
    SetFull(true);
    return Status::Ok();
  }
  bytes_since_ += size;
  first_pending_ = 0;
  stored_ = emitted_;
  tail_->Publish(log_->synced(), bytes_ + bytes_since_);
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.published"));
  source_->Stored(stored_);
  SR_RETURN_IF_ERROR(SR_FAILPOINT("ingest.acknowledged"));
  if (bytes_ + bytes_since_ >= static_cast<uint64_t>(node_.buffer->max)) return CheckRoom();
  SetFull(false);
  return Status::Ok();
}

// The reader removes files behind our back, others fill and empty the disk.
Status Ingest::CheckRoom() {
  SR_ASSIGN_OR_RETURN(bytes_, log_->Bytes());
  bytes_since_ = 0;
  tail_->Publish(log_->synced(), bytes_);
  if (bytes_ < static_cast<uint64_t>(node_.buffer->max) && log_->pending_bytes() > 0) return CommitNow();
  SetFull(bytes_ >= static_cast<uint64_t>(node_.buffer->max));
  return Status::Ok();
}

void Ingest::SetFull(bool full) {
  if (full) look_again_ = options_.env->MonotonicNow() + kLookAgain;
  if (std::exchange(full_, full) == full) return;
  if (full) {
    LogWarning("the ingest log of '" + node_.name + "' is full: its input waits or is refused",
               {{"directory", options_.directory}, {"bytes", std::to_string(bytes_ + bytes_since_)}});
  } else {
    LogInfo("the ingest log of '" + node_.name + "' has room again");
  }
  source_->StorageFull(full);
}

WaitSpec Ingest::Wait() {
  WaitSpec wait;
  if (!source_ || ended()) return wait;
  if (full_) {
    wait.deadline = look_again_;
    return wait;
  }
  if (!done_) wait = source_->Wait();
  if (log_->pending_bytes() > 0) wait.deadline = std::min(wait.deadline, first_pending_ + node_.buffer->sync);
  return wait;
}

Status Ingest::Finish() {
  while (source_ && unit_open_) {
    SR_RETURN_IF_ERROR(source_->Poll(*this).status());
    SR_RETURN_IF_ERROR(failure_);
  }
  if (!source_ || log_->pending_bytes() == 0) return Status::Ok();
  return CommitNow();
}

std::string Ingest::BlockedOn() const {
  if (full_) return "space in the log";
  if (!waits_ && source_ && !ended()) return "";
  const std::string trouble = source_ ? source_->Trouble() : "";
  return trouble.empty() ? "input" : "source '" + node_.name + "': " + trouble;
}

void Ingest::EmitChunk(Chunk chunk) {
  LogRecord record;
  record.split = *chunk.split;
  record.offset = chunk.offset;
  record.bytes = chunk.bytes->view();
  if (chunk.header) record.header = *chunk.header;
  if (chunk.record_ends) record.record_ends = chunk.record_ends->view();
  record.open = unit_open_;
  log_->Add(record);
  ++emitted_;
}

void Ingest::EndUnit(std::string_view mark) {
  LogRecord record;
  record.kind = LogRecordKind::kMark;
  record.bytes = mark;
  log_->Add(record);
  unit_open_ = false;
}

void Ingest::EmitBatch(BatchPtr, Ordinal) {
  failure_ = Status::Internal("source '" + node_.name + "' gives rows: a buffer takes bytes");
}

void Ingest::FailRecord(const std::shared_ptr<const std::string>& split, int64_t offset, std::string_view raw,
                        std::string code, std::string message) {
  LogRecord record;
  record.kind = LogRecordKind::kFailed;
  record.split = *split;
  record.offset = offset;
  record.bytes = raw;
  record.code = code;
  record.message = message;
  record.open = unit_open_;
  log_->Add(record);
  ++emitted_;
}

}  // namespace streamrun
