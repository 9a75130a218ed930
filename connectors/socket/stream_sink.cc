#include "connectors/socket/stream_sink.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>

#include "connectors/socket/dialer.h"
#include "connectors/socket/frames.h"
#include "connectors/socket/listener.h"

namespace streamrun::socket {
namespace {

/// How long Finish waits for peers to take what the kernel still holds.
constexpr Duration kGoodbye = 5 * kSecond;
constexpr Duration kGoodbyeStep = 2 * kMillisecond;

struct Peer {
  Descriptor fd;
  size_t sent = 0;           // bytes of the frames under way
  size_t greeting_sent = 0;  // bytes of the preamble
  Timestamp progress = 0;    // when it last took something
  bool parted = false;       // Finish: our side is shut down
};

class StreamSink final : public Sink {
 public:
  explicit StreamSink(StreamSinkOptions options) : options_(std::move(options)), frames_(options_.endpoint) {}

  Status Open(SinkContext& context) override {
    env_ = context.env;
    greeting_ = frames_.Preamble(context.preamble);
    if (!options_.endpoint.listen) return dialer_.Open(options_.endpoint.address, env_, options_.retry);
    SR_ASSIGN_OR_RETURN(listener_, Listener::Open(options_.endpoint.address, options_.endpoint.field));
    return Status::Ok();
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    if (!busy_) Begin(records);
    FindPeers();
    for (auto peer = peers_.begin(); peer != peers_.end();) {
      const std::string why = Send(*peer);
      front_ = std::max(front_, peer->sent);
      if (why.empty()) {
        ++peer;
      } else {
        Lost(why);
        peer = peers_.erase(peer);
      }
    }
    const size_t size = frames_.bytes().size();
    const bool all = std::all_of(peers_.begin(), peers_.end(), [&](const Peer& p) { return p.sent == size; });
    // Without a peer everything waits, unless all of it already went out to one that left since.
    if (!all || (peers_.empty() && front_ < size)) return SinkOutcome::kBusy;
    busy_ = false;
    frames_.Clear();
    return SinkOutcome::kAccepted;
  }

  Result<SinkOutcome> Finish(bool) override {
    const Timestamp now = env_->MonotonicNow();
    if (finish_by_ == 0) finish_by_ = now + kGoodbye;
    busy_ = false;
    for (auto peer = peers_.begin(); peer != peers_.end();) {
      peer = Goodbye(*peer) || now >= finish_by_ ? peers_.erase(peer) : std::next(peer);
    }
    listener_ = Listener();
    return peers_.empty() ? SinkOutcome::kAccepted : SinkOutcome::kBusy;
  }

  WaitSpec Wait() override {
    WaitSpec wait;
    if (finish_by_ != 0) {
      wait.deadline = std::min(finish_by_, env_->MonotonicNow() + kGoodbyeStep);
      return wait;
    }
    if (!options_.endpoint.listen && peers_.empty()) dialer_.AddWait(wait);
    if (Accepting()) wait.descriptors.push_back({listener_.fd(), POLLIN});
    for (const Peer& peer : peers_) {
      const bool unsent = peer.sent < frames_.bytes().size();
      wait.descriptors.push_back({peer.fd.get(), static_cast<short>(unsent ? POLLIN | POLLOUT : POLLIN)});
      if (unsent && options_.client_timeout > 0) {
        wait.deadline = std::min(wait.deadline, peer.progress + options_.client_timeout);
      }
    }
    return wait;
  }

  std::string Trouble() const override {
    if (!peers_.empty()) return {};
    return options_.endpoint.listen ? "no client on " + options_.endpoint.address.ToString()
                                    : dialer_.trouble();
  }

 private:
  void Begin(const Encoded& records) {
    frames_.Set(records);
    busy_ = true;
    front_ = 0;
    for (Peer& peer : peers_) {
      peer.sent = 0;
      peer.progress = env_->MonotonicNow();
    }
  }

  bool Accepting() const {
    return options_.endpoint.listen && listener_.fd() >= 0 &&
           static_cast<int64_t>(peers_.size()) < options_.max_connections;
  }

  void FindPeers() {
    if (!options_.endpoint.listen) {
      if (peers_.empty()) Add(dialer_.Poll());
      return;
    }
    while (Accepting()) {
      std::string name;
      Result<Descriptor> client = listener_.Accept(&name);
      // Out of descriptors: the client stays in the backlog until another one leaves.
      if (!client.ok() || !*client) return;
      Add(std::move(*client));
    }
  }

  /// A newcomer gets what nobody has got whole yet, from the start of a record on.
  void Add(Descriptor fd) {
    if (!fd) return;
    peers_.push_back({std::move(fd), frames_.RecordStart(front_), 0, env_->MonotonicNow(), false});
  }

  void Lost(const std::string& why) {
    if (!options_.endpoint.listen) dialer_.Lost(why);
    front_ = frames_.RecordStart(front_);
  }

  /// Sends what the kernel takes; why the peer is gone, or nothing.
  std::string Send(Peer& peer) {
    if (std::string gone = Gone(peer); !gone.empty()) return gone;
    for (;;) {
      const bool greet = peer.greeting_sent < greeting_.size();
      const std::string_view rest =
          greet ? std::string_view(greeting_).substr(peer.greeting_sent) : frames_.bytes().substr(peer.sent);
      if (rest.empty()) return {};
      const ssize_t count = ::send(peer.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return std::strerror(errno);
        return TimedOut(peer) ? "it takes no data" : "";
      }
      (greet ? peer.greeting_sent : peer.sent) += static_cast<size_t>(count);
      peer.progress = env_->MonotonicNow();
    }
  }

  bool TimedOut(const Peer& peer) const {
    return options_.client_timeout > 0 && env_->MonotonicNow() - peer.progress >= options_.client_timeout;
  }

  /// What a peer says is thrown away; that it closed is worth knowing before more is sent.
  static std::string Gone(Peer& peer) {
    char scratch[4096];
    for (;;) {
      const ssize_t count = ::recv(peer.fd.get(), scratch, sizeof scratch, MSG_DONTWAIT);
      if (count == 0) return "the peer closed the connection";
      if (count < 0) return errno == EAGAIN || errno == EINTR ? "" : std::strerror(errno);
    }
  }

  /// Shuts our side down; true when the peer's kernel has everything (closing earlier could reset the
  /// connection).
  bool Goodbye(Peer& peer) {
    if (!peer.parted) ::shutdown(peer.fd.get(), SHUT_WR);
    peer.parted = true;
    if (options_.endpoint.address.transport == Transport::kUnix) return true;
    int unsent = 0;
    return !Gone(peer).empty() || ioctl(peer.fd.get(), SIOCOUTQ, &unsent) != 0 || unsent == 0;
  }

  StreamSinkOptions options_;
  Env* env_ = nullptr;
  Frames frames_;
  std::string greeting_;
  Listener listener_;
  Dialer dialer_;
  std::list<Peer> peers_;
  bool busy_ = false;  // frames_ are under way
  size_t front_ = 0;   // how far the furthest peer of these frames got
  Timestamp finish_by_ = 0;
};

}  // namespace

std::unique_ptr<Sink> NewStreamSink(StreamSinkOptions options) {
  return std::make_unique<StreamSink>(std::move(options));
}

}  // namespace streamrun::socket
