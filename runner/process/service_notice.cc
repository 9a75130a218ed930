#include "runner/process/service_notice.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/logging.h"

namespace streamrun {

namespace {

std::string Taken(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

// Connected, or -1.
int Connect(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, socket.data(), socket.size());
  if (socket[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

}  // namespace

ServiceNotice ServiceNotice::FromEnvironment() {
  const std::string socket = Taken("NOTIFY_SOCKET");
  const std::string interval = Taken("WATCHDOG_USEC");
  const std::string pid = Taken("WATCHDOG_PID");
  const bool ours = pid.empty() || std::strtol(pid.c_str(), nullptr, 10) == ::getpid();
  return {socket, ours ? std::strtoll(interval.c_str(), nullptr, 10) : 0};
}

ServiceNotice::ServiceNotice(const std::string& socket, Duration watchdog) : fd_(Connect(socket)) {
  if (fd_ < 0 && !socket.empty()) LogWarning("the service manager does not listen on " + socket);
  if (fd_ < 0 || watchdog <= 0) return;
  watchdog_ = watchdog;
  next_ = kMinTimestamp;
}

ServiceNotice::~ServiceNotice() {
  if (fd_ >= 0) ::close(fd_);
}

ServiceNotice::ServiceNotice(ServiceNotice&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      watchdog_(other.watchdog_),
      next_(other.next_),
      ready_(other.ready_),
      stopping_(other.stopping_) {}

void ServiceNotice::Follow(Phase phase, Timestamp now) {
  if (fd_ < 0) return;
  if (phase == Phase::kRunning && !std::exchange(ready_, true)) Send("READY=1\nSTATUS=running\n");
  const bool ends = phase == Phase::kStopping || phase == Phase::kFinished || phase == Phase::kFailed;
  if (ends && !std::exchange(stopping_, true)) Send("STOPPING=1\nSTATUS=stopping\n");
  if (watchdog_ == 0 || now < next_) return;
  next_ = now + watchdog_ / 2;
  Send("WATCHDOG=1\n");
}

// What cannot be taken now is lost; the watchdog's next one comes in time.
void ServiceNotice::Send(const std::string& text) {
  (void)!::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace streamrun
