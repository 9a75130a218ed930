// The contract of a sink connector: where rows leave.
//
// A byte sink gets Encoded events (the format's encoder ran upstream); a row sink gets batches. Called by the
// worker's data thread only; a sink that must wait says so and is called again with the same event.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/stream/event.h"
#include "core/stream/operator.h"
#include "core/stream/wait.h"

namespace streamrun {

enum class SinkOutcome : uint8_t {
  kAccepted,  // all of it is the sink's now
  kBusy,      // some or nothing was taken: Wait(), then call again with the same argument
};

/// What a sink finds of the same run when it opens.
enum class OutputStart : uint8_t {
  kFresh,     // first attempt: nothing
  kReread,    // an earlier attempt wrote; its rows come again, so its output is replaced
  kContinue,  // an earlier attempt wrote; its rows do not come again, so its output stays and goes on
  kResume,    // a checkpoint was restored: its output stands up to the handles, what is behind them is void
};

/// What a sink gives at a barrier.
struct Prepared {
  /// The sink's own JSON: with it Commit can finish and Open go on, even in another process after a crash.
  std::string handle;
  /// Made durable (fdatasync, fsync) by the checkpoint's own thread before the epoch counts.
  std::vector<std::string> files;
  std::vector<std::string> directories;
};

struct SinkContext {
  Env* env = nullptr;
  int instance = 0;
  int parallelism = 1;
  std::string run_directory;
  OutputStart start = OutputStart::kFresh;
  /// kResume: the handles that Prepare gave for the restored epoch. Instance i has those of the instances i,
  /// i + parallelism, ... of then. Each is committed (again) by the host before the first row.
  std::vector<std::string> handles;
  /// kResume: the handles of all instances of then, in order: what belongs to an instance that is no more, or
  /// is again, is told by them alone.
  std::vector<std::string> all_handles;
  /// A directory of this sink alone that lives as long as the pipeline's state, for what is staged between
  /// Prepare and Commit; not made yet. Empty: there is none.
  std::string stage_directory;
  /// Name of pipeline and node and the state directory's unique mark: for idempotency keys.
  std::string pipeline;
  std::string node;
  std::string identity;
  /// Bytes that a file of this format begins with (CSV header), empty for most.
  std::string preamble;
  /// Every source of the pipeline comes to an end by itself.
  bool bounded = false;
};

/// A record of a byte sink that its peer refused for good.
struct RefusedRecord {
  /// Where it was on its way, and its number there: together they name it ("http://h/p 1f3c... batch 2", 17).
  std::shared_ptr<const std::string> place;
  int64_t number = 0;
  std::string raw;  // without separator
  std::string code, message;
};

class Sink {
 public:
  virtual ~Sink() = default;
  /// kUnavailable is retried by the host with back-off; others end the region.
  virtual Status Open(SinkContext& context) = 0;
  /// Exactly one of these is called, by the definition's `takes`.
  virtual Result<SinkOutcome> WriteBytes(const Encoded& records) {
    (void)records;
    return Status::Internal("this sink takes rows");
  }
  virtual Result<SinkOutcome> WriteRows(const BatchPtr& batch, Output& out) {
    (void)batch;
    (void)out;
    return Status::Internal("this sink takes bytes");
  }
  /// Called when input pauses or `linger` ran out: hand buffered data to the peer or the operating system.
  virtual Result<SinkOutcome> Flush() { return SinkOutcome::kAccepted; }
  virtual WaitSpec Wait() { return {}; }
  /// Byte sinks: accepted records that the peer has refused since the last call; they leave as dead letters
  /// of the epoch under way. Asked after WriteBytes, Flush, Commit and Finish.
  virtual std::vector<RefusedRecord> TakeRefused() { return {}; }
  /// Records that it knows were not delivered (a datagram that is too large, a refused one).
  virtual int64_t Dropped() const { return 0; }
  /// What it is waiting for when something outside is amiss ("no client on tcp://127.0.0.1:9000"), empty when
  /// all is well: for `status` and the log. Asked after kBusy.
  virtual std::string Trouble() const { return {}; }
  /// First phase at a barrier, after Flush was accepted (and, if the input ended, Finish): names what was
  /// written so far and not committed yet, without waiting for the disk. Nothing of it need be visible yet.
  /// An epoch that is given up (its Commit never comes) is part of the next one.
  virtual Result<Prepared> Prepare(uint64_t epoch) {
    (void)epoch;
    return Prepared{};
  }
  /// Second phase, once the epoch is decided: makes visible what `handle` names. Idempotent: after a crash
  /// it comes again, perhaps to another instance. kBusy: Wait(), then call again.
  virtual Result<SinkOutcome> Commit(uint64_t epoch, const std::string& handle) {
    (void)epoch;
    (void)handle;
    return SinkOutcome::kAccepted;
  }
  /// After the last row. `complete` is false when an input was damaged. Writes out what is held back; what is
  /// to become visible at the end does so at the Commit of a Prepare that follows. Called again after kBusy.
  virtual Result<SinkOutcome> Finish(bool complete) {
    (void)complete;
    return SinkOutcome::kAccepted;
  }
};

}  // namespace streamrun
