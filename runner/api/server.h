// The admin API: HTTP over a unix socket in the run directory that only its owner can open.
//
//   GET  /status    PipelineStatus as JSON
//   GET  /metrics   Prometheus text format 0.0.4
//   GET  /healthz   200 "running" while it starts, runs or stops, 503 with the phase otherwise
//   POST /stop      202; sources stop, the rest drains
//   POST /savepoint?name=N   202 {"id": 1}; the next epoch is kept under this name
//   GET  /savepoint?id=1     {"name", "state": "waiting" | "taken" | "failed", "epoch", "path", "note"}
//   POST /dump      202; the state of every worker goes to the log
//
// Its threads read snapshots and post commands; they never touch the supervisor's state.
#pragma once

#include <memory>
#include <string>

#include "runner/process/admin.h"

namespace streamrun {

/// Serves until the result is destroyed. Fits RunOptions::start_admin. kAlreadyExists when the socket is
/// taken.
Result<std::unique_ptr<AdminServer>> StartAdminServer(const std::string& socket_path,
                                                      const StatusBoard* board, CommandQueue* commands);

}  // namespace streamrun
