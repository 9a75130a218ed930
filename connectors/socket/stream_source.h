// Records from stream sockets (tcp, unix): clients that come to us, or one peer that we go to.
#pragma once

#include <memory>

#include "connectors/socket/dialer.h"
#include "connectors/socket/socket_config.h"
#include "core/component/definition.h"
#include "core/stream/source.h"

namespace streamrun::socket {

struct StreamSourceOptions {
  Endpoint endpoint;
  /// Pauses between two calls of a peer that is away (connect).
  RetryOptions retry = Dialer::Pauses();
  int64_t max_connections = 64;
  bool reconnect = true;
  FormatTraits format;
};

std::unique_ptr<Source> NewStreamSource(StreamSourceOptions options);

}  // namespace streamrun::socket
