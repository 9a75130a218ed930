// What a running pipeline looks like from outside: one immutable snapshot for the API, the progress display,
// the closing summary and SIGUSR1 dumps.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/stream/fate.h"
#include "runner/exec/counters.h"

namespace streamrun {

enum class Phase : uint8_t {
  kStarting,  // workers are spawned and wired
  kRunning,
  kStopping,    // asked to stop; what is under way drains
  kRestarting,  // a region failed and waits for its next attempt
  kFinished,
  kFailed,
};
/// "starting", "running", ...
std::string_view PhaseName(Phase phase);

struct PortStatus {
  std::string name;
  int64_t rows = 0;
};

/// One node of the pipeline, summed over its workers. Counts are of the current attempt, as the ledger is:
/// a restart begins again. `totals` never go back (metrics).
struct NodeStatus {
  using Totals = RowCounts;
  std::string name;
  std::string kind;  // "source", "operator", "sink"
  std::string component;
  std::string place;  // "file out/a.jsonl"; empty for operators
  Totals now;
  Totals totals;
  std::vector<PortStatus> ports;  // rows of the current attempt
  int64_t created = 0;            // rows made beyond those forwarded
  int64_t state_bytes = 0;        // of its keyed state
  int64_t spilled_bytes = 0;      // of those, in files
  int64_t state_keys = 0;
  int64_t total_bytes = -1;  // bounded sources: input in all, -1 unknown
  Timestamp watermark = kMinTimestamp;
  int64_t dead_letters = 0;  // rows it sent to the dead-letter file
  /// Rows that its inputs gave out and that are not accounted for here: under way while it runs, 0 at the
  /// end.
  int64_t residue = 0;
};

/// One edge between processes, summed over its channels.
struct EdgeStatus {
  std::string from;  // "node.port"
  std::string to;
  int64_t sent = 0;
  int64_t received = 0;
  int64_t bytes = 0;
  int64_t full_us = 0;  // time its senders found it full
  /// Rows spread by key: the busiest key group (of settings.max_parallelism) and its rows; -1 when they are
  /// not.
  int hot_group = -1;
  int64_t hot_rows = 0;
  // Over all attempts, for metrics.
  int64_t total_sent = 0;
  int64_t total_bytes = 0;
  int64_t total_full_us = 0;
  int channels = 0;
};

struct WorkerStatus {
  int instance = 0;
  int64_t pid = 0;
  std::string state;  // "spawned", "bound", "ready", "running", "done", "gone"
  std::string blocked_on;
  int64_t steps = 0;
  Duration beat_age = 0;
};

struct StageStatus {
  std::string name;
  uint64_t attempt = 0;
  int64_t rows = 0;   // that entered it
  int64_t bytes = 0;  // that entered it: from outside at sources, over links elsewhere
  std::vector<WorkerStatus> workers;
};

/// The ingest worker of a source with a buffer and its log.
struct IngestStatus {
  std::string node;
  int64_t pid = 0;
  std::string
      state;  // "starting", "running", "complete", "dying", "waiting", "leaving", "finished", "failed"
  std::string blocked_on;
  int64_t records = 0;  // chunks that are safe, since the log began
  int64_t bytes = 0;    // of the log on disk
  int restarts = 0;
};

struct PipelineStatus {
  std::string pipeline;
  std::string revision;  // plan hash
  uint64_t generation = 0;
  Phase phase = Phase::kStarting;
  int64_t pid = 0;
  Timestamp started = 0;  // wall clock
  Duration elapsed = 0;
  int restarts = 0;
  std::string last_failure;
  std::vector<NodeStatus> nodes;  // in file order
  std::vector<EdgeStatus> edges;
  std::vector<StageStatus> stages;
  std::vector<IngestStatus> ingests;
  int64_t residue = 0;  // sum over the nodes: rows under way while it runs, 0 at the end
  int64_t dead_letters = 0;
  int64_t dead_letters_dropped = 0;  // of this generation, for newer ones
  std::string dead_letter_directory;
  uint64_t epoch = 0;             // newest checkpoint that counts, 0: none
  Timestamp epoch_completed = 0;  // wall clock, of the newest of this run; 0: none
  Duration epoch_duration = 0;    // of that one, from its trigger to its commit
  int epochs_failed = 0;          // in a row
  std::string epochs_held_up;     // why none is taken at present; empty: they are
  /// What the closing summary must say about repeated or lost rows; empty when there is nothing.
  std::vector<std::string> remarks;
};
using PipelineStatusPtr = std::shared_ptr<const PipelineStatus>;

/// One JSON object with everything (field names as above, times in microseconds).
std::string StatusToJson(const PipelineStatus& status);

/// Hands snapshots from the supervisor's thread to others.
class StatusBoard {
 public:
  void Publish(PipelineStatusPtr status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
  }
  /// Never null after the first Publish.
  PipelineStatusPtr Get() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  mutable std::mutex mutex_;
  PipelineStatusPtr status_;
};

}  // namespace streamrun
