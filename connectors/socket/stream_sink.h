// Records to stream sockets (tcp, unix): to all clients that listen to us, or to one peer that we go to.
#pragma once

#include <memory>

#include "connectors/socket/dialer.h"
#include "connectors/socket/socket_config.h"
#include "core/stream/sink.h"

namespace streamrun::socket {

struct StreamSinkOptions {
  Endpoint endpoint;
  /// Pauses between two calls of a peer that is away (connect).
  RetryOptions retry = Dialer::Pauses();
  int64_t max_connections = 64;
  /// A client that takes nothing for so long is disconnected; 0: it holds back everyone.
  Duration client_timeout = 0;
};

std::unique_ptr<Sink> NewStreamSink(StreamSinkOptions options);

}  // namespace streamrun::socket
