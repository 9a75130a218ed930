// Addresses as pipeline files write them: tcp://host:port, udp://[::1]:port, unix:///path.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace streamrun::socket {

enum class Transport : uint8_t { kTcp, kUdp, kUnix };

struct Address {
  Transport transport = Transport::kTcp;
  std::string host;  // as written; empty = this machine only (loopback)
  uint16_t port = 0;
  std::string path;  // kUnix

  /// As written, with the host that an empty one means.
  std::string ToString() const;
  /// "tcp:127.0.0.1:9000", "unix:/run/x.sock": equal for equal addresses, without asking a name server.
  std::string Exclusive() const;
};

/// InvalidArgument says what is wrong and how it is written.
Result<Address> ParseAddress(std::string_view text);

/// What the kernel wants. A name may stand for several.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

/// Looks names up (may block: call it in Open only). kUnavailable when the name server does not answer.
Result<std::vector<SocketAddress>> Resolve(const Address& address);

/// "127.0.0.1:51234", "[::1]:51234"; "client" for a nameless unix peer.
std::string PrintSocketAddress(const SocketAddress& address);

}  // namespace streamrun::socket
