// Checks of the addresses that a zeromq node binds or connects to.
#pragma once

#include <string>
#include <vector>

#include "core/component/bind_context.h"

namespace streamrun::zeromq {

struct Endpoints {
  std::vector<std::string> bind, connect;
  /// "tcp:127.0.0.1:5555" of the first bound address, spelled as the socket connector does; empty without
  /// one.
  std::string exclusive;
  /// "bind tcp://127.0.0.1:5555".
  std::string place;
};

/// Exactly one of both lists is not empty and every address is tcp://host:port or ipc:///path; else reports.
bool BindEndpoints(const std::vector<ConfigValue>& bind, const std::vector<ConfigValue>& connect,
                   BindContext& context, Endpoints* endpoints);

/// The HWM that `configured` means: 0 = the default for the pattern.
int HighWaterMark(int64_t configured, bool broadcast, bool batch);

}  // namespace streamrun::zeromq
