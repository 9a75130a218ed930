// The control channel between supervisor and worker: one message a packet over a SOCK_SEQPACKET pair;
// messages above 64 KiB travel in a sealed memfd. The end of file is the death of the other side.
#pragma once

#include <optional>

#include "core/base/status.h"
#include "runner/process/control_message.h"

namespace streamrun {

/// Send may be called from any thread, Receive from one.
class ControlChannel {
 public:
  /// Packets carry up to this many bytes (the kernel's limit is about 200 KB with default buffers).
  static constexpr size_t kInline = 64 * 1024;
  /// Longest message a receiver maps.
  static constexpr size_t kMaxMessage = size_t{64} << 20;

  /// Takes the descriptor (non-blocking from here on).
  explicit ControlChannel(int fd);
  ~ControlChannel();
  ControlChannel(ControlChannel&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ControlChannel& operator=(ControlChannel&& other) noexcept;
  ControlChannel(const ControlChannel&) = delete;
  ControlChannel& operator=(const ControlChannel&) = delete;

  struct Ends {
    int supervisor;
    int worker;
  };
  /// Both close-on-exec.
  static Result<Ends> MakePair();

  /// False: the other side does not read and the socket is full. kUnavailable: it has gone.
  Result<bool> Send(const ControlMessage& message);
  /// Nothing for now; kUnavailable at the end of file.
  Result<std::optional<ControlMessage>> Receive();
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace streamrun
