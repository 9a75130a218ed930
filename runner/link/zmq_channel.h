// The channels of runner/exec over ZeroMQ: one PUSH/PULL pair each, frames as docs/formats/frames.md says.
//
// Order and completeness are proved, not hoped for: every frame carries the next sequence number and the
// attempt; a gap, a foreign attempt, a damaged frame or a vanished peer is an error, and the region restarts.
// Nothing ever reconnects. Back pressure is the high-water mark alone: TrySend gives false, TryReceive is not
// called.
//
// LINGER is 0, so a sender must stay alive until the receiver has read its EndOfStream: workers leave when
// the supervisor, who hears DONE from all of them, says EXIT.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "core/data/arrow_ipc.h"
#include "runner/exec/channel.h"
#include "runner/link/frame.h"
#include "runner/link/link_socket.h"

namespace streamrun {

/// Both ends of a channel are opened with equal settings.
struct ChannelSettings {
  std::string endpoint;  // "ipc:///run/dir/7.2/12", tests: "inproc://name"
  int channel = 0;
  uint64_t generation = 0;
  uint64_t attempt = 0;
  bool encoded = false;  // carries Encoded; `layout` is unused
  IpcLayout layout;
  int64_t max_row = 1 << 20;
  /// Messages on each side; a channel holds about twice this many, plus what the kernel buffers.
  int high_water = 8;
};

/// Largest payload a channel takes: batches aim at 256 KiB, a row may be `max_row` and may grow in an
/// operator.
int64_t MaxPayload(int64_t max_row);

struct LinkCounters {
  int64_t frames = 0;
  int64_t bytes = 0;   // headers and payloads
  int64_t copied = 0;  // receiver: payload bytes copied because they lay unaligned
};

class ZmqOutChannel final : public OutChannel {
 public:
  /// Connects to a receiver that is bound and queues HELLO.
  static Result<std::unique_ptr<ZmqOutChannel>> Connect(LinkContext& context, ChannelSettings settings);
  Result<bool> TrySend(const Event& event) override;
  LinkSocket& socket() { return *socket_; }
  const LinkCounters& counters() const { return counters_; }

 private:
  explicit ZmqOutChannel(ChannelSettings settings) : settings_(std::move(settings)) {}
  Result<bool> SendFrame(FrameHeader header, BufferPtr payload, BufferPtr ends);
  Result<bool> Refused();

  ChannelSettings settings_;
  std::unique_ptr<LinkSocket> socket_;
  uint64_t next_seq_ = 0;
  bool ended_ = false;
  LinkCounters counters_;
};

class ZmqInChannel final : public InChannel {
 public:
  static Result<std::unique_ptr<ZmqInChannel>> Bind(LinkContext& context, ChannelSettings settings);
  /// Wiring: true once the sender's HELLO arrived and its schema is ours.
  Result<bool> TryReceiveHello();
  Result<std::optional<Event>> TryReceive() override;
  LinkSocket& socket() { return *socket_; }
  const LinkCounters& counters() const { return counters_; }

 private:
  struct Frame {
    FrameHeader header;
    BufferPtr payload;  // null: none
    BufferPtr ends;
  };
  explicit ZmqInChannel(ChannelSettings settings) : settings_(std::move(settings)) {}
  Result<std::optional<Frame>> ReceiveFrame();
  Result<BufferPtr> ReceivePart(uint64_t expected, bool last);
  Status CheckSequence(const FrameHeader& header);
  Status CheckHello(const Frame& frame);
  Result<Event> ToEvent(Frame frame);

  ChannelSettings settings_;
  std::unique_ptr<LinkSocket> socket_;
  uint64_t next_seq_ = 0;
  uint64_t last_epoch_ = 0;
  bool hello_ = false;
  bool ended_ = false;
  LinkCounters counters_;
};

}  // namespace streamrun
