// The other side of the admin API, for `streamrun status` and `streamrun stop`.
#pragma once

#include <string>

#include "core/base/status.h"

namespace streamrun {

/// Body of GET /status, /metrics or /healthz. kUnavailable when nobody listens on the socket.
Result<std::string> AdminGet(const std::string& socket_path, const std::string& path);
/// POST /stop or /dump: accepted, not yet done.
Status AdminPost(const std::string& socket_path, const std::string& path);

}  // namespace streamrun
