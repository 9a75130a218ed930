// A bound socket: of a stream that accepts clients, or of datagrams.
#pragma once

#include <string>

#include "connectors/socket/address.h"
#include "connectors/socket/descriptor.h"
#include "core/base/status.h"

namespace streamrun::socket {

/// Owns the socket and, for a unix address, its file (mode 0600), which goes with it.
class Listener {
 public:
  Listener() = default;
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener() { Release(); }

  /// Binds and, for streams, listens. `field` is what to change when the address is taken
  /// ("sources.in.listen"): such a failure is kAlreadyExists with an external fault and is not retried. The
  /// dead socket file of a process that is gone is replaced, one that answers is not.
  static Result<Listener> Open(const Address& address, const std::string& field);

  int fd() const { return socket_.get(); }
  /// The next client (non-blocking, close-on-exec), or an empty descriptor when there is none now. An error
  /// means that this process has no descriptors or memory left for more: try again later.
  Result<Descriptor> Accept(std::string* peer_name);

 private:
  void Release();

  Descriptor socket_;
  std::string file_;  // unix: its path, empty when not ours
  uint64_t inode_ = 0;
};

}  // namespace streamrun::socket
