// Records as datagrams: one each.
#pragma once

#include <memory>

#include "connectors/socket/socket_config.h"
#include "core/stream/sink.h"

namespace streamrun::socket {

/// Newline framing keeps the newline at the end of a record, datagram framing takes it away.
std::unique_ptr<Sink> NewDatagramSink(Endpoint endpoint);

}  // namespace streamrun::socket
