// The sending end of a channel.
#include <zmq.h>

#include <algorithm>
#include <cstring>

#include "runner/link/zmq_channel.h"

namespace streamrun {

namespace {

// From here on handing memory over by reference is faster than copying it (LIMITS, section e).
constexpr size_t kZeroCopyFrom = 256 * 1024;

void ReleaseBuffer(void*, void* hint) { delete static_cast<BufferPtr*>(hint); }

void FillMessage(zmq_msg_t* message, const BufferPtr& buffer) {
  if (buffer->size() >= kZeroCopyFrom) {
    zmq_msg_init_data(message, const_cast<uint8_t*>(buffer->data()), buffer->size(), ReleaseBuffer,
                      new BufferPtr(buffer));
    return;
  }
  zmq_msg_init_size(message, buffer->size());
  std::memcpy(zmq_msg_data(message), buffer->data(), buffer->size());
}

// False: nothing was taken.
bool SendPart(void* socket, zmq_msg_t* message, bool more) {
  if (zmq_msg_send(message, socket, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0) return true;
  zmq_msg_close(message);
  return false;
}

}  // namespace

int64_t MaxPayload(int64_t max_row) { return std::max<int64_t>(int64_t{16} << 20, 4 * max_row); }

Result<std::unique_ptr<ZmqOutChannel>> ZmqOutChannel::Connect(LinkContext& context,
                                                              ChannelSettings settings) {
  std::unique_ptr<ZmqOutChannel> channel(new ZmqOutChannel(std::move(settings)));
  const ChannelSettings& s = channel->settings_;
  SR_ASSIGN_OR_RETURN(channel->socket_, LinkSocket::Open(context, LinkSocket::Direction::kSend, s.endpoint,
                                                         s.high_water, MaxPayload(s.max_row)));
  FrameHeader hello;
  hello.kind = FrameKind::kHello;
  const std::string schema = s.encoded ? std::string() : EncodeIpcSchema(s.layout);
  SR_ASSIGN_OR_RETURN(const bool sent,
                      channel->SendFrame(hello, schema.empty() ? nullptr : Buffer::Copy(schema), nullptr));
  if (!sent) return Status::Internal("a fresh channel refused its HELLO");
  return channel;
}

Result<bool> ZmqOutChannel::Refused() {
  if (!ended_ && socket_->PeerGone()) {
    return Status::Unavailable("channel " + std::to_string(settings_.channel) + ": the receiver went away");
  }
  socket_->wanted = true;
  return false;
}

Result<bool> ZmqOutChannel::SendFrame(FrameHeader header, BufferPtr payload, BufferPtr ends) {
  header.channel = static_cast<uint32_t>(settings_.channel);
  header.generation = settings_.generation;
  header.attempt = settings_.attempt;
  header.seq = next_seq_;
  header.payload = payload ? payload->size() : 0;
  if (header.payload > static_cast<uint64_t>(MaxPayload(settings_.max_row))) {
    return Status::ResourceExhausted("channel " + std::to_string(settings_.channel) + ": a batch of " +
                                     std::to_string(header.payload) + " bytes is larger than the " +
                                     std::to_string(MaxPayload(settings_.max_row)) + " a link takes");
  }
  const FrameBytes bytes = EncodeFrameHeader(header);
  zmq_msg_t message;
  zmq_msg_init_size(&message, bytes.size());
  std::memcpy(zmq_msg_data(&message), bytes.data(), bytes.size());
  if (!SendPart(socket_->handle(), &message, payload != nullptr)) return Refused();
  // The high-water mark counts whole messages: once the first part is in, the others are taken too.
  for (const BufferPtr* part : {&payload, &ends}) {
    if (*part == nullptr) continue;
    FillMessage(&message, *part);
    const bool more = part == &payload && ends != nullptr;
    if (!SendPart(socket_->handle(), &message, more)) {
      return Status::Unavailable("channel " + std::to_string(settings_.channel) + ": broke within a frame");
    }
    counters_.bytes += static_cast<int64_t>((*part)->size());
  }
  ++next_seq_;
  ++counters_.frames;
  counters_.bytes += static_cast<int64_t>(bytes.size());
  return true;
}

Result<bool> ZmqOutChannel::TrySend(const Event& event) {
  SR_CHECK(!ended_ || std::holds_alternative<Barrier>(event));
  if (!socket_->Ready()) return Refused();  // before encoding: a full channel costs nothing
  FrameHeader header;
  BufferPtr payload, ends;
  if (const auto* rows = std::get_if<Rows>(&event)) {
    SR_CHECK(!settings_.encoded);
    header.kind = FrameKind::kRows;
    header.ordinal = rows->ordinal;
    header.records = static_cast<uint32_t>(rows->batch->rows());
    payload = EncodeIpcBatch(*rows->batch, settings_.layout);
  } else if (const auto* encoded = std::get_if<Encoded>(&event)) {
    SR_CHECK(settings_.encoded);
    header.kind = FrameKind::kEncoded;
    header.ordinal = encoded->ordinal;
    header.records = static_cast<uint32_t>(encoded->records());
    payload = encoded->bytes;
    ends = encoded->record_ends;
  } else if (const auto* watermark = std::get_if<Watermark>(&event)) {
    header.kind = FrameKind::kWatermark;
    header.time = watermark->time;
    header.ordinal = watermark->next_ordinal;
  } else if (std::holds_alternative<Idle>(event)) {
    header.kind = FrameKind::kIdle;
  } else if (std::holds_alternative<Active>(event)) {
    header.kind = FrameKind::kActive;
  } else if (const auto* barrier = std::get_if<Barrier>(&event)) {
    header.kind = FrameKind::kBarrier;
    header.epoch = barrier->epoch;
    header.flags = static_cast<uint8_t>(barrier->kind);
  } else {
    header.kind = FrameKind::kEndOfStream;
    header.flags = std::get<EndOfStream>(event).complete ? 1 : 0;
  }
  SR_ASSIGN_OR_RETURN(const bool sent, SendFrame(header, std::move(payload), std::move(ends)));
  ended_ = ended_ || (sent && header.kind == FrameKind::kEndOfStream);
  return sent;
}

}  // namespace streamrun
