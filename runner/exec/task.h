// One worker's share of a plan, as a machine that is stepped: Step never blocks, so the same code runs in a
// worker process, in a test with virtual time, and under a simulator.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/stream/source.h"
#include "core/stream/wait.h"
#include "runner/exec/batch_place.h"
#include "runner/exec/channel.h"
#include "runner/exec/counters.h"
#include "runner/exec/restored_state.h"
#include "runner/exec/snapshot.h"
#include "runner/exec/table_saver.h"
#include "runner/exec/time_board.h"
#include "runner/local/local_plan.h"

namespace streamrun {

enum class StepResult : uint8_t {
  kRan,   // call again
  kWait,  // nothing can go on: poll the channels, Task::Wait() and its deadline
  kDone,  // everything ended; only barriers still come: go on as after kWait
};

struct TaskOptions {
  Env* env = nullptr;
  std::string run_directory;
  /// Dead-letter segments go here; empty: kept in memory only (tests).
  std::string dead_letter_directory;
  /// Operators keep files here that need not outlive them; empty: they cannot.
  std::string scratch_directory;
  uint64_t generation = 0;
  uint64_t attempt = 0;
  bool once = false;
  /// An earlier attempt of this generation ran and may have written.
  bool restarted = false;
  /// Where the sources of the pipeline compare their event times (max_drift); outlives the task. Null: none
  /// waits for another.
  TimeBoard* times = nullptr;
  /// Told which rows components have in their hands; outlives the task. Null: nobody asks.
  BatchPlace* place = nullptr;
  /// What is known of rows that ended earlier attempts.
  std::vector<CarefulRows> careful;
  /// The checkpoint to go on from; null: begin anew.
  std::shared_ptr<const RestoredState> restore;
  /// Sinks stage files here, each in a directory of its own; empty: they cannot.
  std::string stage_directory;
  /// The state directory's unique mark, for idempotency keys.
  std::string identity;
  /// The start of the pipeline that began anew, for the tokens of dead letters.
  uint64_t run = 0;
  /// Where orders to replay lie; those above the restored checkpoint's, up to `replay_to`, are applied before
  /// any other input.
  std::string state_directory;
  uint64_t replay_to = 0;
  /// When snapshots hold changes only.
  ChangesPolicy changes;

  // For tests of a whole pipeline in one process (runner/harness); all empty in a worker.
  /// Rows that went to the dead letters.
  std::function<void(const BatchPtr& letters)> on_dead_letters;
  /// Every batch that leaves node `node` by port `port`, or enters a sink (port -1).
  std::function<void(int node, int port, const BatchPtr& batch)> on_rows;
  /// Replaces the source of a node.
  std::function<std::unique_ptr<Source>(int node)> replace_source;
  /// Sinks are not opened and take everything.
  bool discard_sinks = false;
  /// All state of operators is spilled, whatever they say.
  bool spill_state = false;
};

class Task {
 public:
  virtual ~Task() = default;
  /// Opens sources, operators and sinks and restores them. kUnavailable may be retried with a new task.
  virtual Status Open() = 0;
  /// After Open: has sinks commit (again) what the restored epoch decided. False: some wait for their peers,
  /// as long as it takes; call again after Wait(). Step does nothing else before.
  virtual Result<bool> CommitRestored() = 0;
  virtual Result<StepResult> Step() = 0;
  /// After kWait: descriptors and deadline of sources, sinks, timers and linger.
  virtual WaitSpec Wait() = 0;

  // An epoch (RELIABILITY 1.3): Trigger, for some sources SetBound, then the barrier passes all nodes and
  // TakeSnapshot gives what they were at it; after the decision Commit, until TakeCommitted gives the epoch.

  /// Where a source stands whose chunks are dealt to several instances.
  struct Place {
    int node = 0;
    Ordinal next = 0;  // first ordinal that this instance has not begun
  };
  /// Sources put the barrier behind what they have given out; with kStop they read no more. Those returned
  /// hold still until SetBound says behind which ordinal all their instances put it, so that a merge by
  /// ordinal never waits behind a barrier (DECISIONS 6).
  virtual std::vector<Place> Trigger(const Barrier& barrier) = 0;
  virtual void SetBound(uint64_t epoch, const std::vector<Place>& bounds) = 0;
  /// The epoch was given up: nobody waits for its barriers any more.
  virtual void Abort(uint64_t epoch) = 0;
  /// Once, when the barrier has passed every node of this task.
  virtual std::optional<TaskSnapshot> TakeSnapshot() = 0;
  /// The epoch is decided.
  virtual void Commit(uint64_t epoch) = 0;
  /// Applies orders up to this one before any other input. No barrier is under way, none comes before
  /// TakeReplayed has given the number.
  virtual void Replay(uint64_t to) = 0;
  /// Once, when every node has taken in its share.
  virtual std::optional<uint64_t> TakeReplayed() = 0;
  /// Once, when every source and sink has committed.
  virtual std::optional<uint64_t> TakeCommitted() = 0;
  virtual TaskCounters Counters() const = 0;
  /// After kDone: why an input ended before its end (damaged data that reading again would not mend); what
  /// was whole before the damage has been delivered. Ok when everything was read.
  virtual Status Failure() const = 0;
  /// What the task waits for in words ("output of edge 2", "source bids"), for BEATs and SIGUSR1 dumps.
  virtual std::string BlockedOn() const = 0;
};

/// `channels_in` and `channels_out` by Channel::id for the channels that end or begin at this worker; they
/// outlive the task.
Result<std::unique_ptr<Task>> CreateTask(LocalPlanPtr plan, int stage, int instance,
                                         std::map<int, InChannel*> channels_in,
                                         std::map<int, OutChannel*> channels_out, TaskOptions options);

}  // namespace streamrun
