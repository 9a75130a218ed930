// The other side of the admin API, for `streamrun status`, `stop` and `savepoint`.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "core/base/time.h"

namespace streamrun {

/// Body of GET /status, /metrics or /healthz. kUnavailable when nobody listens on the socket.
Result<std::string> AdminGet(const std::string& socket_path, const std::string& path);
/// POST /stop or /dump: accepted, not yet done. The body of the answer.
Result<std::string> AdminPost(const std::string& socket_path, const std::string& path);

struct AdminSavepoint {
  uint64_t epoch = 0;
  std::string path;
};
/// Asks for a savepoint and waits until it is there. kInvalidArgument: refused, with the pipeline's reason;
/// kResourceExhausted: not there in time, the pipeline goes on trying; kUnavailable: the pipeline went away
/// meanwhile.
Result<AdminSavepoint> TakeSavepoint(const std::string& socket_path, const std::string& name,
                                     Duration timeout);

}  // namespace streamrun
