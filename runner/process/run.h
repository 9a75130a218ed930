// Runs a plan as a family of processes: the one entry for the command line.
#pragma once

#include <string>

#include "core/base/logging.h"
#include "runner/config/pipeline_file.h"
#include "runner/plan/plan.h"
#include "runner/process/admin.h"

namespace streamrun {

struct RunOptions {
  /// Wins over the pipeline's settings.state_dir; both empty: DefaultStateDirectory.
  std::string state_dir;
  /// Followed inputs end at their present end.
  bool once = false;
  LogLevel log_level = LogLevel::kInfo;
  bool log_json = false;
  /// Neither progress nor summary.
  bool quiet = false;
  /// Forget every checkpoint and begin anew.
  bool reset_state = false;
  /// Go on from this epoch (a number) or savepoint (a name) instead of the newest checkpoint; empty: no.
  std::string restore;
  /// With `restore`: though sinks may hold later epochs, whose rows come again.
  bool accept_duplicates = false;
  /// A run that came to its end does not begin anew: it takes in the orders to replay that wait, and ends.
  bool replay = false;
  /// Starts the admin API; empty: none.
  StartAdmin start_admin;
};

/// Runs until the input ends, SIGTERM or SIGINT stops it, or it fails for good. Call from the main thread,
/// before any other thread exists. Exit codes (DECISIONS 30): 0 fine or stopped cleanly, 1 runtime failure, 3
/// environment, 4 state refused, 130 interrupted before a bounded input ended. What went wrong has been
/// logged.
int RunPipeline(PlanPtr plan, const PipelineFile& file, const RunOptions& options);

}  // namespace streamrun
