// The supervisor's loop: one thread, one poll over workers, signals, worker logs and API commands.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/process/admin.h"
#include "runner/process/ingest_keeper.h"
#include "runner/process/progress.h"
#include "runner/process/region.h"
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
  };

  Status Prepare();
  void Loop();
  void Sleep();
  void ReadSignals();
  void ReadCommands();
  void ReadLogs();
  void OnStopSignal(bool interrupt);
  void StopAll();
  void TakeEpochs(Timestamp now);
  void KillAll();
  bool ComesToItsEnd() const;
  void Dump();
  void EndOthersAfterFailure();
  void RecordWorkers();
  bool Ended() const;
  Phase CurrentPhase() const;
  PipelineStatusPtr Snapshot();
  void AddRemarks(PipelineStatus* status) const;
  void Show(Timestamp now);
  void LogPaths() const;
  int Finish();

  Env* env_ = Env::Default();
  LocalPlanPtr plan_;
  std::unique_ptr<SharedCells> cells_;
  std::unique_ptr<TimeBoard> times_;  // on cells_
  const RunOptions& options_;
  StateDirectory* state_;
  RegionHost host_;
  Ledger ledger_;
  Checkpointer checkpoints_;
  std::vector<std::unique_ptr<IngestKeeper>> ingests_;
  std::vector<std::unique_ptr<Region>> regions_;
  StatusBoard board_;
  CommandQueue commands_;
  std::unique_ptr<AdminServer> admin_;
  int signal_fd_ = -1;
  int log_read_fd_ = -1;
  int log_write_fd_ = -1;
  std::string log_rest_;  // the beginning of a line of a worker
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
  Timestamp next_show_ = 0;
  bool live_ = false;
  LiveDisplay display_;
  ServiceNotice notice_ = ServiceNotice::FromEnvironment();
  std::deque<PipelineStatusPtr>
      shown_;  // displays of the last seconds, oldest first: what rates are computed from
};

}  // namespace streamrun
