// Where the http source listens: "127.0.0.1:8080", "[::]:8080", ":8080" for this machine only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace streamrun::http {

struct ListenAddress {
  std::string host;  // a number, never a name
  uint16_t port = 0;
  bool loopback = true;

  /// "127.0.0.1:8080", "[::1]:8080".
  std::string ToString() const;
};

/// InvalidArgument says what is wrong and how it is written.
Result<ListenAddress> ParseListenAddress(std::string_view text);

/// A listening socket (non-blocking, close-on-exec). `field` is what to change when the address is taken;
/// such a failure is kAlreadyExists with an external fault and is not retried.
Result<int> Listen(const ListenAddress& address, const std::string& field);

}  // namespace streamrun::http
