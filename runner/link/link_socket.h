// One end of a data channel as ZeroMQ sees it: a PUSH or PULL socket with the options every link has, its
// monitor, and the rule for waiting on it. The only file family that names libzmq is runner/link.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/status.h"

namespace streamrun {

/// The ZeroMQ context of a process: one I/O thread. Outlives every socket made from it. Must not cross a
/// fork.
class LinkContext {
 public:
  LinkContext();
  ~LinkContext();
  LinkContext(const LinkContext&) = delete;
  LinkContext& operator=(const LinkContext&) = delete;
  void* handle() const { return handle_; }

 private:
  void* handle_;
};

/// Options: SNDHWM = RCVHWM = `high_water`, LINGER 0, no reconnect, no heartbeats (they kill channels that
/// are under back pressure), MAXMSGSIZE = `max_message`. Used by one thread.
class LinkSocket {
 public:
  enum class Direction : uint8_t { kSend, kReceive };
  /// Receivers bind, senders connect; bind first, there is no second try.
  static Result<std::unique_ptr<LinkSocket>> Open(LinkContext& context, Direction direction,
                                                  const std::string& endpoint, int high_water,
                                                  int64_t max_message);
  ~LinkSocket();
  LinkSocket(const LinkSocket&) = delete;
  LinkSocket& operator=(const LinkSocket&) = delete;

  void* handle() const { return socket_; }
  /// May a message be sent (received) now? Also what re-arms the edge-triggered descriptors.
  bool Ready();
  /// The peer disconnected, or could not be connected to. Stays true. inproc endpoints never report it.
  bool PeerGone();
  /// Descriptors that become readable when Ready() or PeerGone() may have changed. They are edge-triggered:
  /// ask both after every wake-up and before every sleep.
  int fd() const { return fd_; }
  int monitor_fd() const { return monitor_fd_; }

  /// The last attempt found it not ready: a Poller waits for it. Set by the channel, cleared by the Poller.
  bool wanted = false;

 private:
  LinkSocket() = default;
  Status OpenMonitor(LinkContext& context);

  Direction direction_ = Direction::kSend;
  void* socket_ = nullptr;
  void* monitor_ = nullptr;
  int fd_ = -1;
  int monitor_fd_ = -1;
  bool peer_gone_ = false;
};

}  // namespace streamrun
