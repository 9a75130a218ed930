#include "connectors/socket/datagram_source.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "connectors/socket/listener.h"
#include "core/stream/framing.h"

namespace streamrun::socket {
namespace {

constexpr size_t kLargest = 65'536;  // above what UDP can carry
constexpr size_t kAtOnce = 32;

class DatagramSource final : public Source {
 public:
  explicit DatagramSource(Endpoint endpoint)
      : endpoint_(std::move(endpoint)),
        split_(std::make_shared<const std::string>(endpoint_.address.ToString())) {}

  Status Open(SourceContext& context, const std::vector<std::string>&) override {
    max_record_ = context.max_record;
    SR_ASSIGN_OR_RETURN(listener_, Listener::Open(endpoint_.address, endpoint_.field));
    space_ = std::make_unique<uint8_t[]>(kLargest * kAtOnce);
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    std::array<mmsghdr, kAtOnce> headers = {};
    std::array<iovec, kAtOnce> pieces;
    alignas(cmsghdr) std::array<char, kAtOnce * kControl> control;
    for (size_t i = 0; i < kAtOnce; ++i) {
      pieces[i] = {space_.get() + i * kLargest, kLargest};
      headers[i].msg_hdr.msg_iov = &pieces[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_control = control.data() + i * kControl;
      headers[i].msg_hdr.msg_controllen = kControl;
    }
    const int count = recvmmsg(listener_.fd(), headers.data(), kAtOnce, MSG_DONTWAIT, nullptr);
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) return SourceOutcome::kWait;
      return Status::FromErrno(errno, "cannot receive on " + endpoint_.address.ToString());
    }
    Chunk chunk{.split = split_, .offset = next_};
    BufferBuilder bytes, ends;
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      CountDrops(headers[i].msg_hdr);
      Take(static_cast<const uint8_t*>(pieces[i].iov_base), headers[i].msg_len, out, bytes, ends);
    }
    if (endpoint_.frame == Frame::kNewline) next_ += static_cast<int64_t>(bytes.size());
    const bool any = endpoint_.frame == Frame::kNewline ? bytes.size() > 0 : ends.size() > 0;
    chunk.bytes = bytes.Finish();
    if (endpoint_.frame == Frame::kDatagram) chunk.record_ends = ends.Finish();
    if (any) out.EmitChunk(std::move(chunk));
    return SourceOutcome::kMore;
  }

  WaitSpec Wait() override { return {{{listener_.fd(), POLLIN}}}; }
  int64_t Dropped() const override { return dropped_; }

 private:
  static constexpr size_t kControl = CMSG_SPACE(sizeof(uint32_t));

  void Take(const uint8_t* data, size_t size, SourceOutput& out, BufferBuilder& bytes, BufferBuilder& ends) {
    if (size > max_record_) {
      const std::string_view head(reinterpret_cast<const char*>(data), std::min(size, kFailedPrefix));
      out.FailRecord(split_, next_ + static_cast<int64_t>(bytes.size()), head, "record.too_long",
                     "a datagram of " + std::to_string(size) + " bytes is longer than max_record, " +
                         std::to_string(max_record_));
      return;
    }
    bytes.Append(data, size);
    if (endpoint_.frame == Frame::kDatagram) {
      ends.Push(static_cast<uint32_t>(bytes.size()));
      ++next_;
    } else if (size > 0 && data[size - 1] != '\n') {
      bytes.Push('\n');
    }
  }

  /// SO_RXQ_OVFL (socket(7)): with a datagram comes the number that the kernel dropped before it, modulo
  /// 2^32.
  void CountDrops(msghdr& header) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
      uint32_t total = 0;
      std::memcpy(&total, CMSG_DATA(c), sizeof total);
      dropped_ += static_cast<uint32_t>(total - last_total_);
      last_total_ = total;
    }
  }

  Endpoint endpoint_;
  std::shared_ptr<const std::string> split_;
  size_t max_record_ = 0;
  Listener listener_;
  std::unique_ptr<uint8_t[]> space_;
  int64_t next_ = 0;  // bytes (newline) or records (datagram) so far
  int64_t dropped_ = 0;
  uint32_t last_total_ = 0;
};

}  // namespace

std::unique_ptr<Source> NewDatagramSource(Endpoint endpoint) {
  return std::make_unique<DatagramSource>(std::move(endpoint));
}

}  // namespace streamrun::socket
