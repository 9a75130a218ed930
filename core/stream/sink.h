// The contract of a sink connector: where rows leave.
//
// A byte sink gets Encoded events (the format's encoder ran upstream); a row sink gets batches. Called by the
// worker's data thread only; a sink that must wait says so and is called again with the same event.
#pragma once

#include <cstdint>
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
};

struct SinkContext {
  Env* env = nullptr;
  int instance = 0;
  int parallelism = 1;
  std::string run_directory;
  OutputStart start = OutputStart::kFresh;
  /// Bytes that a file of this format begins with (CSV header), empty for most.
  std::string preamble;
  /// Every source of the pipeline comes to an end by itself.
  bool bounded = false;
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
  /// Records that it knows were not delivered (a datagram that is too large, a refused one).
  virtual int64_t Dropped() const { return 0; }
  /// What it is waiting for when something outside is amiss ("no client on tcp://127.0.0.1:9000"), empty when
  /// all is well: for `status` and the log. Asked after kBusy.
  virtual std::string Trouble() const { return {}; }
  /// First phase at a barrier: everything written so far is durable but not visible. Returns a handle (the
  /// sink's own JSON) that Commit can finish even in another process after a crash.
  virtual Result<std::string> Prepare(uint64_t epoch) {
    (void)epoch;
    return std::string();
  }
  /// Second phase, idempotent: make what `handle` names visible.
  virtual Status Commit(uint64_t epoch, const std::string& handle) {
    (void)epoch;
    (void)handle;
    return Status::Ok();
  }
  /// After the last event. `complete` is false on a stop. Publishes what is to be published; called again
  /// after kBusy.
  virtual Result<SinkOutcome> Finish(bool complete) {
    (void)complete;
    return SinkOutcome::kAccepted;
  }
};

}  // namespace streamrun
