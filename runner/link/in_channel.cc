// The receiving end of a channel.
#include <zmq.h>

#include <cstring>

#include "runner/link/zmq_channel.h"

namespace streamrun {

namespace {

// Arrow buffers need 8-byte alignment; nothing in core/data needs more.
constexpr uintptr_t kAlignment = 8;

// A received part; libzmq frees it when the last buffer that points into it goes.
struct Part {
  zmq_msg_t message;
  Part() { zmq_msg_init(&message); }
  ~Part() { zmq_msg_close(&message); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  std::string_view view() {
    return {static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message)};
  }
};

Status CheckEnds(const BufferPtr& bytes, const BufferPtr& ends) {
  uint32_t previous = 0;
  const auto* end = ends->as<uint32_t>();
  const size_t count = ends->size() / 4;
  for (size_t i = 0; i < count; ++i) {
    if (end[i] < previous) return Status::Corruption("record ends are not ascending");
    previous = end[i];
  }
  if (previous != bytes->size())
    return Status::Corruption("the last record does not end where the bytes end");
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<ZmqInChannel>> ZmqInChannel::Bind(LinkContext& context, ChannelSettings settings) {
  std::unique_ptr<ZmqInChannel> channel(new ZmqInChannel(std::move(settings)));
  const ChannelSettings& s = channel->settings_;
  SR_ASSIGN_OR_RETURN(channel->socket_, LinkSocket::Open(context, LinkSocket::Direction::kReceive, s.endpoint,
                                                         s.high_water, MaxPayload(s.max_row)));
  return channel;
}

Result<BufferPtr> ZmqInChannel::ReceivePart(uint64_t expected, bool last) {
  auto part = std::make_shared<Part>();
  if (zmq_msg_recv(&part->message, socket_->handle(), ZMQ_DONTWAIT) < 0) {
    return Status::Corruption("a message part is missing");
  }
  if ((zmq_msg_more(&part->message) != 0) == last) {
    return Status::Corruption(last ? "the message has more parts than its kind"
                                   : "a message part is missing");
  }
  const std::string_view bytes = part->view();
  if (bytes.size() != expected) {
    return Status::Corruption("a part has " + std::to_string(bytes.size()) + " bytes, its header says " +
                              std::to_string(expected));
  }
  counters_.bytes += static_cast<int64_t>(bytes.size());
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment != 0) {
    // Small messages lie anywhere in libzmq's read buffer.
    counters_.copied += static_cast<int64_t>(bytes.size());
    return Buffer::Copy(bytes);
  }
  return Buffer::Wrap(bytes.data(), bytes.size(), std::move(part));
}

Status ZmqInChannel::CheckSequence(const FrameHeader& header) {
  if (header.generation != settings_.generation || header.attempt != settings_.attempt) {
    return Status::Corruption("a frame of attempt " + std::to_string(header.generation) + "." +
                              std::to_string(header.attempt) + " came in attempt " +
                              std::to_string(settings_.generation) + "." + std::to_string(settings_.attempt));
  }
  if (header.channel != static_cast<uint32_t>(settings_.channel)) {
    return Status::Corruption("a frame of channel " + std::to_string(header.channel) + " came here");
  }
  if (header.seq != next_seq_) {
    return Status::Corruption("expected frame " + std::to_string(next_seq_) + ", got " +
                              std::to_string(header.seq));
  }
  if (ended_ && header.kind != FrameKind::kBarrier) {
    return Status::Corruption("a frame came after the end of the stream");
  }
  if (header.kind == FrameKind::kBarrier && header.epoch <= last_epoch_) {
    return Status::Corruption("barrier " + std::to_string(header.epoch) + " came after barrier " +
                              std::to_string(last_epoch_));
  }
  ++next_seq_;
  return Status::Ok();
}

Result<std::optional<ZmqInChannel::Frame>> ZmqInChannel::ReceiveFrame() {
  Part first;
  if (zmq_msg_recv(&first.message, socket_->handle(), ZMQ_DONTWAIT) < 0) {
    // Only now: what the peer sent before it went is read first.
    if (!ended_ && socket_->PeerGone() && !socket_->Ready()) {
      return Status::Unavailable("the sender went away");
    }
    socket_->wanted = true;
    return std::optional<Frame>();
  }
  Frame frame;
  SR_ASSIGN_OR_RETURN(frame.header, DecodeFrameHeader(first.view()));
  const FrameHeader& header = frame.header;
  SR_RETURN_IF_ERROR(CheckSequence(header));
  const bool encoded = header.kind == FrameKind::kEncoded;
  const bool payload = header.payload > 0 || encoded || header.kind == FrameKind::kRows;
  if (payload != (zmq_msg_more(&first.message) != 0)) {
    return Status::Corruption("a frame of kind " + std::string(FrameKindName(header.kind)) +
                              " has the wrong number of parts");
  }
  ++counters_.frames;
  counters_.bytes += static_cast<int64_t>(kFrameHeaderSize);
  if (payload) {
    SR_ASSIGN_OR_RETURN(frame.payload, ReceivePart(header.payload, !encoded));
  }
  if (encoded) {
    SR_ASSIGN_OR_RETURN(frame.ends, ReceivePart(uint64_t{header.records} * 4, true));
  }
  return std::optional<Frame>(std::move(frame));
}

Status ZmqInChannel::CheckHello(const Frame& frame) {
  const std::string ours = settings_.encoded ? std::string() : EncodeIpcSchema(settings_.layout);
  const std::string_view theirs = frame.payload ? frame.payload->view() : std::string_view();
  if (theirs == ours) return Status::Ok();
  std::string described = "bytes that are no schema";
  if (const auto layout = DecodeIpcSchema(theirs); layout.ok()) described = layout->schema->ToString();
  return Status::Internal("the sender's schema is (" + described + "), ours is (" +
                          (settings_.encoded ? "encoded records" : settings_.layout.schema->ToString()) +
                          ")");
}

Result<bool> ZmqInChannel::TryReceiveHello() {
  if (hello_) return true;
  const auto context = [&](const Status& status) {
    return status.WithContext("channel " + std::to_string(settings_.channel));
  };
  auto frame = ReceiveFrame();
  if (!frame.ok()) return context(frame.status());
  if (!frame->has_value()) return false;
  if (Status status = CheckHello(**frame); !status.ok()) return context(status);
  hello_ = true;
  return true;
}

Result<Event> ZmqInChannel::ToEvent(Frame frame) {
  const FrameHeader& header = frame.header;
  switch (header.kind) {
    case FrameKind::kRows: {
      if (settings_.encoded) return Status::Corruption("rows came on a channel of encoded records");
      SR_ASSIGN_OR_RETURN(BatchPtr batch, DecodeIpcBatch(frame.payload, settings_.layout));
      if (batch->rows() != int64_t{header.records})
        return Status::Corruption("the header's row count is wrong");
      return Event(Rows{std::move(batch), header.ordinal});
    }
    case FrameKind::kEncoded:
      if (!settings_.encoded) return Status::Corruption("encoded records came on a channel of rows");
      SR_RETURN_IF_ERROR(CheckEnds(frame.payload, frame.ends));
      return Event(Encoded{std::move(frame.payload), std::move(frame.ends), header.ordinal});
    case FrameKind::kWatermark:
      return Event(Watermark{header.time, header.ordinal});
    case FrameKind::kIdle:
      return Event(Idle{});
    case FrameKind::kActive:
      return Event(Active{});
    case FrameKind::kBarrier:
      last_epoch_ = header.epoch;
      return Event(Barrier{header.epoch, static_cast<BarrierKind>(header.flags)});
    case FrameKind::kEndOfStream:
      ended_ = true;
      return Event(EndOfStream{header.flags == 1});
    case FrameKind::kHello:
      break;
  }
  return Status::Corruption("a second HELLO came");
}

Result<std::optional<Event>> ZmqInChannel::TryReceive() {
  SR_CHECK(hello_);
  auto frame = ReceiveFrame();
  if (!frame.ok()) return frame.status().WithContext("channel " + std::to_string(settings_.channel));
  if (!frame->has_value()) return std::optional<Event>();
  auto event = ToEvent(std::move(**frame));
  if (!event.ok()) return event.status().WithContext("channel " + std::to_string(settings_.channel));
  return std::optional<Event>(std::move(*event));
}

}  // namespace streamrun
