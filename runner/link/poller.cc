#include "runner/link/poller.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace streamrun {

Status Poller::Wait(Env* env, const std::vector<WaitSpec::Descriptor>& descriptors, Timestamp deadline) {
  std::vector<pollfd> fds;
  fds.reserve(descriptors.size() + 2 * sockets_.size());
  for (const auto& d : descriptors) fds.push_back({d.fd, d.events, 0});
  bool ready = false;
  for (LinkSocket* socket : sockets_) {
    if (!socket->wanted) continue;
    socket->wanted = false;
    // Asking consumes the edge, so it comes before the sleep; what happens after it makes the descriptor
    // readable.
    ready = socket->Ready() || socket->PeerGone() || ready;
    fds.push_back({socket->fd(), POLLIN, 0});
    fds.push_back({socket->monitor_fd(), POLLIN, 0});
  }
  timespec timeout{};
  if (!ready && deadline != kMaxTimestamp) {
    const Duration left = std::max<Duration>(0, deadline - env->MonotonicNow());
    timeout = {static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond * 1000)};
  }
  const bool for_ever = !ready && deadline == kMaxTimestamp;
  if (::ppoll(fds.data(), fds.size(), for_ever ? nullptr : &timeout, nullptr) < 0 && errno != EINTR) {
    return Status::FromErrno(errno, "cannot wait for channels");
  }
  return Status::Ok();
}

}  // namespace streamrun
