// A region: the stages that edges connect, started, watched and restarted together.
//
//   kWiring -> kRunning -> kLeaving (told so, after the last epoch) -> kFinished
//   any failure: -> kDying (all its workers are killed) -> kWaiting (back-off) -> kWiring, or kFailed
//
// A worker that dies takes the region with it: what lies in its channels belongs to no attempt any more. The
// next attempt has fresh workers, endpoints and a new number.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/exec/time_board.h"
#include "runner/local/local_plan.h"
#include "runner/process/attempts.h"
#include "runner/process/checkpointer.h"
#include "runner/process/ledger.h"
#include "runner/process/poison_hunt.h"
#include "runner/process/state_directory.h"
#include "runner/process/status.h"
#include "runner/process/watched_worker.h"
#include "runner/process/worker_groups.h"

struct pollfd;

namespace streamrun {

/// What all regions share. Outlives them.
struct RegionHost {
  Env* env = nullptr;
  LocalPlanPtr plan;
  StateDirectory* state = nullptr;
  Ledger* ledger = nullptr;
  Checkpointer* checkpoints = nullptr;
  /// Everything but stage, instance, attempt and endpoints.
  AssignMessage assignment;
  int log_fd = 2;
  TimeBoard* times = nullptr;
  int times_fd = -1;             // its memory, for the workers
  BatchPlace* places = nullptr;  // by worker
  uint64_t last_attempt = 0;
  WorkerGroups* groups = nullptr;  // null: there are none here
  /// Called when the set of running workers changed.
  std::function<void()> on_workers_changed;
};

/// A control group for an attempt; null: it does without.
std::unique_ptr<WorkerGroup> MakeGroup(const RegionHost& host);

class Region {
 public:
  enum class State : uint8_t { kWiring, kRunning, kLeaving, kDying, kWaiting, kFinished, kFailed };

  Region(RegionHost* host, std::vector<int> stages)
      : host_(host), stages_(std::move(stages)), attempts_(host->env) {}

  void Start();
  /// Reads what its workers said and reaps the dead. Never blocks.
  void ReadWorkers();
  /// Acts on what time brought: gathering, back-off, hangs, stop deadline. Call after ReadWorkers.
  void Tick(Timestamp now);
  /// A stop is under way: a region that does not run ends at once, the workers of another are killed if it
  /// was not told to leave by `deadline` (monotonic).
  void Stop(Timestamp deadline);
  /// The last epoch is committed: its workers leave.
  void Leave();
  /// Gives a message to its workers, if they run.
  void Tell(const ControlMessage& message);
  /// All inputs have ended and everything was handed over.
  bool drained() const { return state_ == State::kRunning && All(WorkerState::kDone); }
  void KillNow();

  void AppendDescriptors(std::vector<pollfd>* fds) const;
  /// When Tick wants to be called next.
  Timestamp Deadline() const;

  State state() const { return state_; }
  bool ended() const { return state_ == State::kFinished || state_ == State::kFailed; }
  /// It was killed before everything had drained.
  bool forced() const { return forced_; }
  const Attempts& attempts() const { return attempts_; }
  const std::vector<int>& stages() const { return stages_; }
  /// Rows of sources that cannot be read again which were given out in attempts that failed.
  int64_t unrepeatable() const { return unrepeatable_; }
  void AppendWorkers(std::vector<ProcessIdentity>* workers) const;
  void Fill(PipelineStatus* status) const;

 private:
  enum class WorkerState : uint8_t { kSpawned, kBound, kReady, kRunning, kDone, kGone };
  struct Slot {
    int stage = 0;
    int instance = 0;
    std::unique_ptr<WatchedWorker> worker;
    WorkerState state = WorkerState::kSpawned;
  };
  enum class Cause : uint8_t { kPeerGone, kReported, kDied };

  Status Spawn();
  Status SpawnWorker(int stage, int instance);
  void OnMessage(Slot& slot, ControlMessage message);
  void OnGone(Slot& slot, const std::string& how);
  void Fail(Cause cause, const Slot* slot, Status status, bool opening);
  void BeginRunning();
  void BeginDying();
  void Conclude();
  bool Examine();
  bool Progressed() const;
  bool All(WorkerState state) const;
  void SendAll(const ControlMessage& message);
  void Enter(State state) { state_ = state; }

  RegionHost* host_;
  std::vector<int> stages_;
  State state_ = State::kWaiting;
  std::vector<Slot> slots_;
  uint64_t attempt_ = 0;
  uint64_t base_epoch_ = 0;  // the attempt began there
  std::unique_ptr<WorkerGroup> group_;
  PoisonHunt hunt_;
  std::optional<PoisonHunt::Place> death_;  // where a worker of this attempt crashed
  Timestamp gather_until_ = kMaxTimestamp;  // a failure is known; its cause may still come
  Timestamp stop_deadline_ = kMaxTimestamp;
  bool stopping_ = false;
  bool forced_ = false;
  Cause cause_ = Cause::kPeerGone;
  Status damage_;  // what a worker said when it was done: an input ended before its end
  int64_t unrepeatable_ = 0;
  Attempts attempts_;
};

/// The stages of a plan by region (connected components over edges), in stage order.
std::vector<std::vector<int>> FindRegions(const LocalPlan& plan);

}  // namespace streamrun
