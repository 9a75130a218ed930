#include "connectors/socket/stream_source.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <unordered_map>

#include "connectors/socket/dialer.h"
#include "connectors/socket/listener.h"
#include "core/stream/framing.h"

namespace streamrun::socket {
namespace {

constexpr size_t kLeastRead = 4 * 1024;
constexpr size_t kMostRead = 256 * 1024;
/// How long clients wait in the backlog when this process is out of descriptors.
constexpr Duration kAcceptPause = 100 * kMillisecond;

/// One peer. Its memory is at most one unfinished record and one read.
struct Connection {
  Connection(Descriptor socket, const FramingOptions& framing) : fd(std::move(socket)), framer(framing) {}

  Descriptor fd;
  RecordFramer framer;
  Chunk prototype;  // split and header, for every chunk of this peer
  bool wants_header = false;
  bool ended = false;
  std::string end_reason;
};

class StreamSource final : public Source {
 public:
  explicit StreamSource(StreamSourceOptions options) : options_(std::move(options)) {}

  Status Open(SourceContext& context, const std::vector<std::string>&) override {
    const Endpoint& endpoint = options_.endpoint;
    if (!options_.format.line_delimited && endpoint.frame == Frame::kNewline) {
      return Status::InvalidArgument(endpoint.address.ToString() +
                                     ": records of this format do not end at a newline; use framing: length");
    }
    env_ = context.env;
    once_ = context.once;
    framing_.max_record = context.max_record;
    framing_.framing = endpoint.frame == Frame::kNewline   ? Framing::kNewline
                       : endpoint.order == ByteOrder::kBig ? Framing::kLengthBig
                                                           : Framing::kLengthLittle;
    if (!options_.format.splittable) framing_.quote = '"';
    epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return Status::FromErrno(errno, "cannot watch sockets");
    if (!endpoint.listen) return dialer_.Open(endpoint.address, env_, options_.retry);
    SR_ASSIGN_OR_RETURN(listener_, Listener::Open(endpoint.address, endpoint.field));
    return Watch(listener_.fd(), EPOLLIN, EPOLL_CTL_ADD);
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    if (current_ != nullptr) {
      if (EmitOne(out)) return SourceOutcome::kMore;
      if (Finished()) return SourceOutcome::kDone;
    }
    if (!options_.endpoint.listen && connections_.empty()) Dial();
    if (ready_.empty()) SR_RETURN_IF_ERROR(FindReady());
    if (ready_.empty()) return Finished() ? SourceOutcome::kDone : SourceOutcome::kWait;
    const int fd = ready_.front();
    ready_.pop_front();
    if (options_.endpoint.listen && fd == listener_.fd()) {
      AcceptOne();
      return SourceOutcome::kMore;
    }
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return SourceOutcome::kMore;
    SR_RETURN_IF_ERROR(Read(*found->second));
    current_ = found->second.get();
    EmitOne(out);
    return Finished() ? SourceOutcome::kDone : SourceOutcome::kMore;
  }

  WaitSpec Wait() override {
    WaitSpec wait{{{epoll_.get(), POLLIN}}};
    if (!options_.endpoint.listen && connections_.empty()) dialer_.AddWait(wait);
    if (accept_pause_ != 0) wait.deadline = std::min(wait.deadline, accept_pause_);
    return wait;
  }

  std::string Trouble() const override {
    if (accept_pause_ != 0)
      return options_.endpoint.address.ToString() + ": out of file descriptors, clients wait";
    return connections_.empty() ? dialer_.trouble() : std::string();
  }

 private:
  /// True when nothing can follow: the one peer left and is not called again, or a single pass was asked for.
  bool Finished() const {
    if (!had_peer_ || !connections_.empty()) return false;
    return once_ || (!options_.endpoint.listen && !options_.reconnect);
  }

  Status Watch(int fd, uint32_t events, int operation) {
    epoll_event event = {};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_.get(), operation, fd, &event) == 0) return Status::Ok();
    return Status::FromErrno(errno, "cannot watch a socket of " + options_.endpoint.address.ToString());
  }

  Status FindReady() {
    if (accept_pause_ != 0 && env_->MonotonicNow() >= accept_pause_) {
      accept_pause_ = 0;
      SR_RETURN_IF_ERROR(WatchListener());
    }
    epoll_event events[64];
    const int count = epoll_wait(epoll_.get(), events, 64, 0);
    for (int i = 0; i < count; ++i) ready_.push_back(events[i].data.fd);
    return Status::Ok();
  }

  void Dial() {
    if (Finished()) return;
    if (Descriptor fd = dialer_.Poll()) {
      Add(std::move(fd), options_.endpoint.address.ToString() + " connection " + std::to_string(peers_ + 1));
    }
  }

  void AcceptOne() {
    std::string peer;
    Result<Descriptor> client = listener_.Accept(&peer);
    if (!client.ok()) {
      accept_pause_ = env_->MonotonicNow() + kAcceptPause;
    } else if (*client) {
      Add(std::move(*client), options_.endpoint.address.ToString() + " from " + peer + " connection " +
                                  std::to_string(peers_ + 1));
    }
    (void)WatchListener().ok();
  }

  /// At the limit, further clients wait in the kernel's backlog.
  Status WatchListener() {
    const bool open =
        accept_pause_ == 0 && static_cast<int64_t>(connections_.size()) < options_.max_connections;
    if (open == accepting_) return Status::Ok();
    accepting_ = open;
    return Watch(listener_.fd(), open ? static_cast<uint32_t>(EPOLLIN) : 0, EPOLL_CTL_MOD);
  }

  void Add(Descriptor fd, std::string name) {
    const int number = fd.get();
    auto connection = std::make_unique<Connection>(std::move(fd), framing_);
    connection->prototype.split = std::make_shared<const std::string>(std::move(name));
    connection->wants_header = options_.format.header;
    // A socket that cannot be watched is closed again: its peer sees it.
    if (!Watch(number, EPOLLIN, EPOLL_CTL_ADD).ok()) return;
    connections_.emplace(number, std::move(connection));
    had_peer_ = true;
    ++peers_;
  }

  Status Read(Connection& c) {
    int available = 0;
    ioctl(c.fd.get(), FIONREAD, &available);
    const size_t room = std::clamp(static_cast<size_t>(std::max(available, 0)), kLeastRead, kMostRead);
    const ssize_t count = ::recv(c.fd.get(), c.framer.Space(room), room, 0);
    if (count > 0) {
      c.framer.Filled(static_cast<size_t>(count));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      c.end_reason = count == 0 ? "the peer closed the connection" : std::strerror(errno);
      // A peer that dies and one that closes look alike, so an unfinished record is never taken for a whole
      // one.
      c.framer.End(false);
      c.ended = true;
    }
    return Status::Ok();
  }

  /// Gives out the next chunk of the current connection; false (and no current one) when it needs more bytes
  /// or ended.
  bool EmitOne(SourceOutput& out) {
    Connection& c = *current_;
    if (c.wants_header) {
      std::string line;
      const Result<bool> taken = c.framer.TakeLine(&line);
      if (!taken.ok()) {
        out.FailRecord(c.prototype.split, 0, line, "record.too_long", taken.status().message());
        c.end_reason = "its header is too long";
        return Remove(c);
      } else if (*taken) {
        c.prototype.header = std::make_shared<const std::string>(std::move(line));
        c.wants_header = false;
      }
    }
    const bool usable = !c.wants_header || c.ended;
    if (usable && c.framer.pending() > 0 && c.framer.Emit(out, c.prototype)) return true;
    if (c.ended) return Remove(c);
    current_ = nullptr;
    return false;
  }

  /// Always false: nothing more comes from it.
  bool Remove(Connection& c) {
    current_ = nullptr;
    if (!options_.endpoint.listen && options_.reconnect) dialer_.Lost(c.end_reason);
    const int fd = c.fd.get();
    ready_.erase(std::remove(ready_.begin(), ready_.end(), fd), ready_.end());
    connections_.erase(fd);
    if (options_.endpoint.listen) (void)WatchListener().ok();
    return false;
  }

  StreamSourceOptions options_;
  Env* env_ = nullptr;
  bool once_ = false;
  FramingOptions framing_;
  Descriptor epoll_;
  Listener listener_;
  Dialer dialer_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  std::deque<int> ready_;          // descriptors that epoll named and no Poll has served yet
  Connection* current_ = nullptr;  // may have more chunks
  bool accepting_ = true;
  Timestamp accept_pause_ = 0;
  bool had_peer_ = false;
  int64_t peers_ = 0;
};

}  // namespace

std::unique_ptr<Source> NewStreamSource(StreamSourceOptions options) {
  return std::make_unique<StreamSource>(std::move(options));
}

}  // namespace streamrun::socket
