// What people see of a running pipeline: log lines of the supervisor and of its workers, and above all a live
// block on a terminal or a line now and then elsewhere, that neither tears.
#pragma once

#include <deque>
#include <string>

#include "runner/process/progress.h"
#include "runner/process/run.h"

namespace streamrun {

/// Used by the supervisor's loop only.
class Console {
 public:
  /// `options` and `plan` outlive this.
  Console(const RunOptions& options, const Plan& plan);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// Call before any worker starts; from then on log lines go here.
  Status Open(Timestamp now);
  /// The stderr of the workers.
  int worker_fd() const { return write_fd_; }
  /// Becomes readable when a worker has logged.
  int fd() const { return read_fd_; }
  /// Passes whole lines of the workers on.
  void Relay();

  /// When Show wants to be called next.
  Timestamp next_show() const { return next_show_; }
  void Show(const PipelineStatusPtr& status, Timestamp now);
  /// Logs the state of every worker.
  void Dump(const PipelineStatus& status) const;
  /// The last words: removes the block, and says where every row went.
  void Close(const PipelineStatus& status);

 private:
  void LeaveTerminal();

  const RunOptions& options_;
  const Plan& plan_;
  bool live_ = false;
  LiveDisplay display_;
  int read_fd_ = -1;
  int write_fd_ = -1;
  std::string rest_;  // the beginning of a line of a worker
  Timestamp next_show_ = kMaxTimestamp;
  std::deque<PipelineStatusPtr> shown_;  // of the last seconds, oldest first: what rates are computed from
};

}  // namespace streamrun
