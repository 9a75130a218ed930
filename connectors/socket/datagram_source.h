// Records from datagrams.
#pragma once

#include <memory>

#include "connectors/socket/socket_config.h"
#include "core/stream/source.h"

namespace streamrun::socket {

/// With newline framing a datagram holds lines, the last one with or without its newline; with datagram
/// framing it is one record.
std::unique_ptr<Source> NewDatagramSource(Endpoint endpoint);

}  // namespace streamrun::socket
