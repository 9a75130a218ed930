// The supervisor's loop: one thread, one poll over workers, signals, worker logs and API commands.
#pragma once

#include <memory>

#include "runner/process/admin.h"
#include "runner/process/console.h"
#include "runner/process/family.h"
#include "runner/process/orphans.h"
#include "runner/process/run.h"
#include "runner/process/service_notice.h"
#include "runner/process/shared_cells.h"

namespace streamrun {

class Supervisor {
 public:
  /// `state` is open; `root` the resolved pipeline.
  Supervisor(LocalPlanPtr plan, const PipelineFile& file, const RunOptions& options, StateDirectory* state);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  int Run();

 private:
  struct Signals {
    int stops = 0;
    bool interrupted = false;
    bool child = false;  // one died
  };

  void FillAssignment(const PipelineFile& file);
  Status Prepare();
  Status WatchSignals();
  Status FindGroups();
  Status ShareCells();
  void Loop();
  void Sleep();
  void ReadSignals();
  void ReadCommands();
  void OnStopSignal(bool interrupt);
  void StopAll();
  void KillAll();
  void TakeEpochs(Timestamp now);
  void FollowWorkers();
  Phase CurrentPhase() const { return family_.phase(stopping_); }
  void Publish(Timestamp now);
  PipelineStatusPtr Snapshot() const;
  void LogPaths() const;
  int Finish();

  Env* env_ = Env::Default();
  LocalPlanPtr plan_;
  std::unique_ptr<SharedCells> cells_;
  std::unique_ptr<TimeBoard> times_;  // on cells_
  const RunOptions& options_;
  StateDirectory* state_;
  std::unique_ptr<WorkerGroups> groups_;
  RegionHost host_;
  Ledger ledger_;
  Checkpointer checkpoints_;
  Family family_;
  Orphans orphans_;
  StatusBoard board_;
  CommandQueue commands_;
  std::unique_ptr<AdminServer> admin_;
  Console console_;
  int signal_fd_ = -1;
  Signals signals_;
  bool stopping_ = false;
  bool leaving_ = false;  // the last epoch is committed
  bool final_wanted_ = false;
  bool workers_changed_ = false;
  Timestamp started_ = 0;
  Timestamp started_wall_ = 0;
  Timestamp next_snapshot_ = 0;
  bool snapshot_due_ = false;  // something was heard since the last snapshot
  bool quiet_wake_ = true;     // the last sleep ended with its deadline
  ServiceNotice notice_ = ServiceNotice::FromEnvironment();
};

}  // namespace streamrun
