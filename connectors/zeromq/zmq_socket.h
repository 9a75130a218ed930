// A ZeroMQ socket that closes itself, and the one context of the process that connectors share.
//
// The file descriptor of a ZeroMQ socket is edge-triggered and only says that something may have changed
// (zmq_getsockopt(3), ZMQ_FD): after every send or receive, and before every wait on it, Ready() must be
// asked.
#pragma once

#include <zmq.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"

namespace streamrun::zeromq {

/// Lives as long as a socket that uses it; its end waits for lingering messages.
using Context = std::shared_ptr<void>;
Context SharedContext();

struct SocketOptions {
  int type = ZMQ_PULL;
  int high_water_mark = 64;
  int64_t max_message = -1;  // bytes a peer may send at once; -1 = no limit
  /// PUB: a slow subscriber makes Send wait instead of missing messages.
  bool no_drop = false;
  std::vector<std::string> topics;  // SUB
  std::vector<std::string> bind, connect;
  /// "sinks.out.bind": what to change when an address is taken.
  std::string bind_field;
};

class ZmqSocket {
 public:
  ZmqSocket() = default;
  ZmqSocket(ZmqSocket&& other) noexcept;
  ZmqSocket& operator=(ZmqSocket&& other) noexcept;
  /// Drops what is not sent yet.
  ~ZmqSocket() { Close(0); }

  /// Binds and connects. A taken address is kAlreadyExists with an external fault; it is never taken over.
  static Result<ZmqSocket> Open(const SocketOptions& options);

  void* get() const { return socket_; }
  int fd() const;
  /// `events`: ZMQ_POLLIN or ZMQ_POLLOUT.
  bool Ready(int events) const;
  /// Closes; what is not sent yet is tried for at most `linger` by the context in the background.
  void Close(Duration linger);
  Context TakeContext() { return std::move(context_); }

 private:
  Status Set(int option, const void* value, size_t size, std::string_view what);
  Status Configure(const SocketOptions& options);
  Status Bind(const std::string& address, const std::string& field);

  Context context_;
  void* socket_ = nullptr;
};

}  // namespace streamrun::zeromq
