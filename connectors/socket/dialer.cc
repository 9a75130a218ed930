#include "connectors/socket/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace streamrun::socket {
namespace {

constexpr Duration kAttemptTime = 10 * kSecond;
/// A connection that lasted this long was a good one.
constexpr Duration kSettled = 5 * kSecond;

}  // namespace

Status Dialer::Open(const Address& address, Env* env, const RetryOptions& pauses) {
  env_ = env;
  pauses_ = RetryPolicy(pauses);
  address_ = address;
  SR_ASSIGN_OR_RETURN(targets_, Resolve(address));
  return Status::Ok();
}

Descriptor Dialer::Poll() {
  const Timestamp now = env_->MonotonicNow();
  if (!pending_) {
    if (now < deadline_) return {};
    Begin();
    if (!pending_) return {};
  }
  pollfd ready = {pending_.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) > 0) return Connected();
  if (now >= deadline_) Failed("no answer in " + std::to_string(kAttemptTime / kSecond) + " s");
  return {};
}

void Dialer::Begin() {
  const SocketAddress& to = targets_[target_];
  pending_ = Descriptor(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!pending_) return Failed(std::strerror(errno));
  deadline_ = env_->MonotonicNow() + kAttemptTime;
  // EAGAIN: the backlog of a unix socket is full, which is worth another attempt later.
  if (::connect(pending_.get(), to.get(), to.length) != 0 && errno != EINPROGRESS)
    Failed(std::strerror(errno));
}

Descriptor Dialer::Connected() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(pending_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    Failed(std::strerror(error));
    return {};
  }
  const int on = 1;
  setsockopt(pending_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(pending_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connected_ = env_->MonotonicNow();
  trouble_.clear();
  return std::move(pending_);
}

void Dialer::Failed(const std::string& why) {
  pending_.Close();
  trouble_ = address_.ToString() + ": " + why;
  target_ = (target_ + 1) % targets_.size();
  // The other addresses of a name are tried at once, the pause comes when all of them failed.
  if (target_ != 0) {
    deadline_ = env_->MonotonicNow();
    return;
  }
  deadline_ = env_->MonotonicNow() + pauses_.OnFailure(++failures_, 0, 0, env_->Random64()).pause;
}

void Dialer::Lost(const std::string& why) {
  if (env_->MonotonicNow() - connected_ >= kSettled) failures_ = 0;
  target_ = targets_.size() - 1;
  Failed(why);
}

void Dialer::AddWait(WaitSpec& wait) const {
  if (pending_) wait.descriptors.push_back({pending_.get(), POLLOUT});
  wait.deadline = std::min(wait.deadline, deadline_);
}

}  // namespace streamrun::socket
