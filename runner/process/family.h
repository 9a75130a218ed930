// All that runs for a pipeline, as one: its regions and its ingest workers.
#pragma once

#include <memory>
#include <vector>

#include "runner/process/ingest_keeper.h"
#include "runner/process/region.h"
#include "runner/process/status.h"

struct pollfd;

namespace streamrun {

/// Used by the supervisor's loop only. Nothing here blocks.
class Family {
 public:
  /// `host` is complete but for what workers get at their start, and outlives this.
  explicit Family(RegionHost* host);
  /// Kills what still runs.
  ~Family();
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  void Start();
  /// Hears everybody, then acts on what time brought.
  void Read();
  void Tick(Timestamp now);
  void AppendDescriptors(std::vector<pollfd>* fds) const;
  /// When Tick wants to be called next.
  Timestamp Deadline() const;
  /// To all workers of the regions that run.
  void Tell(const ControlMessage& message);

  /// A stop is under way: Region::Stop and IngestKeeper::Stop.
  void Stop(Timestamp deadline);
  /// The last epoch is committed: everybody leaves, the ingest workers until `deadline`.
  void Leave(Timestamp deadline);
  void KillNow();

  /// Every region runs, so that all can take part in an epoch.
  bool AllRun() const;
  /// All inputs of all regions have ended and everything was handed over.
  bool drained() const;
  bool ended() const;
  /// A part has failed for good.
  bool failed() const;
  /// Of the part that failed, 0: none did.
  int exit_code() const;
  /// Workers were killed before everything had drained.
  bool forced() const;
  Phase phase(bool stopping) const;

  void AppendWorkers(std::vector<ProcessIdentity>* workers) const;
  /// Stages, ingest workers, restarts, and remarks on what a restart cannot mend.
  void Fill(PipelineStatus* status) const;

 private:
  void AddRemarks(const Region& region, PipelineStatus* status) const;

  RegionHost* host_;
  std::vector<std::unique_ptr<IngestKeeper>> ingests_;
  std::vector<std::unique_ptr<Region>> regions_;
};

}  // namespace streamrun
