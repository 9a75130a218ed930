// Keeps the ingest worker of one source running: starts it before the regions, again when it dies, and lets
// it leave when the pipeline does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runner/ingest/log_tail.h"
#include "runner/process/attempts.h"
#include "runner/process/region.h"
#include "runner/process/watched_worker.h"

namespace streamrun {

class IngestKeeper {
 public:
  enum class State : uint8_t {
    kStarting,  // until its source is open
    kRunning,
    kDying,    // it failed and is being killed
    kWaiting,  // for the next try
    kLeaving,
    kFinished,
    kFailed,
  };

  /// `node`: a source with a buffer; `host` outlives this.
  IngestKeeper(RegionHost* host, int node) : host_(host), node_(node), attempts_(host->env) {}

  void Start();
  /// Hears it. Never blocks.
  void Read();
  void Tick(Timestamp now);
  Timestamp Deadline() const;
  /// Its source takes no more: what was taken is made safe, then it leaves; killed at `deadline`.
  void Stop(Timestamp deadline);
  void KillNow();

  State state() const { return state_; }
  bool ended() const { return state_ == State::kFinished || state_ == State::kFailed; }
  const Attempts& attempts() const { return attempts_; }
  void AppendDescriptors(std::vector<pollfd>* fds) const;
  void AppendWorkers(std::vector<ProcessIdentity>* workers) const;
  void Fill(PipelineStatus* status) const;

 private:
  Status Spawn();
  void OnMessage(const ControlMessage& message);
  void OnGone(const std::string& how);
  void Fail(Status status, bool opening);
  const std::string& node_name() const { return host_->plan->plan->node(node_).name; }

  RegionHost* host_;
  const int node_;
  State state_ = State::kWaiting;
  std::unique_ptr<WorkerGroup> group_;
  std::unique_ptr<WatchedWorker> worker_;
  std::unique_ptr<LogTail> tail_;
  Timestamp stop_deadline_ = kMaxTimestamp;
  bool stopping_ = false;
  bool complete_ = false;     // the log says that the input ended
  uint64_t safe_before_ = 0;  // records in the log when it was started
  Attempts attempts_;
};

}  // namespace streamrun
