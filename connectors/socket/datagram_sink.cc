#include "connectors/socket/datagram_sink.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "connectors/socket/descriptor.h"
#include "connectors/socket/frames.h"

namespace streamrun::socket {
namespace {

constexpr int64_t kAtOnce = 64;

class DatagramSink final : public Sink {
 public:
  explicit DatagramSink(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  Status Open(SinkContext&) override {
    SR_ASSIGN_OR_RETURN(const std::vector<SocketAddress> found, Resolve(endpoint_.address));
    const SocketAddress& to = found.front();
    const std::string what = "cannot send to " + endpoint_.address.ToString();
    socket_ = Descriptor(::socket(to.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return Status::FromErrno(errno, what);
    // Connecting a datagram socket sends nothing; it fixes the address and lets the kernel report refusals.
    if (::connect(socket_.get(), to.get(), to.length) != 0) return Status::FromErrno(errno, what);
    return Status::Ok();
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    while (next_ < records.records()) {
      const int sent = SendSome(records);
      if (sent > 0) {
        next_ += sent;
      } else if (errno == EAGAIN || errno == ENOBUFS) {
        return SinkOutcome::kBusy;
      } else if (errno == EMSGSIZE) {
        ++dropped_;
        ++next_;
      } else if (errno == ECONNREFUSED) {
        // An earlier datagram found nobody; reading the error cleared it, this one is tried again.
        ++dropped_;
      } else if (errno != EINTR) {
        return Status::FromErrno(errno, "cannot send to " + endpoint_.address.ToString());
      }
    }
    next_ = 0;
    return SinkOutcome::kAccepted;
  }

  WaitSpec Wait() override { return {{{socket_.get(), POLLOUT}}}; }
  int64_t Dropped() const override { return dropped_; }

 private:
  /// Datagrams sent, or -1 with errno.
  int SendSome(const Encoded& records) const {
    const int64_t count = std::min(kAtOnce, records.records() - next_);
    std::array<mmsghdr, kAtOnce> headers = {};
    std::array<iovec, kAtOnce> pieces;
    for (int64_t i = 0; i < count; ++i) {
      const auto slot = static_cast<size_t>(i);
      std::string_view record = BareRecord(records, next_ + i);
      // The newline stands right behind the bare record when there was one.
      if (endpoint_.frame == Frame::kNewline && HasNewline(records, next_ + i))
        record = {record.data(), record.size() + 1};
      pieces[slot] = {const_cast<char*>(record.data()), record.size()};
      headers[slot].msg_hdr.msg_iov = &pieces[slot];
      headers[slot].msg_hdr.msg_iovlen = 1;
    }
    return sendmmsg(socket_.get(), headers.data(), static_cast<unsigned>(count), MSG_NOSIGNAL);
  }
  static bool HasNewline(const Encoded& records, int64_t i) {
    const uint32_t end = records.record_ends->as<uint32_t>()[i];
    return end > 0 && records.bytes->data()[end - 1] == '\n';
  }

  Endpoint endpoint_;
  Descriptor socket_;
  int64_t next_ = 0;  // record of the event under way
  int64_t dropped_ = 0;
};

}  // namespace

std::unique_ptr<Sink> NewDatagramSink(Endpoint endpoint) {
  return std::make_unique<DatagramSink>(std::move(endpoint));
}

}  // namespace streamrun::socket
