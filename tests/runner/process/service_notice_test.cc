// What a service manager hears, and when.
#include "runner/process/service_notice.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace streamrun {
namespace {

// The service manager's end, on an abstract name.
class Manager {
 public:
  Manager() : name_("@streamrun-test-" + std::to_string(::getpid())) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size())) == 0);
  }
  ~Manager() { ::close(fd_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  const std::string& name() const { return name_; }
  /// All that came since the last time.
  std::string Heard() {
    std::string all;
    char text[256];
    for (ssize_t n; (n = ::recv(fd_, text, sizeof text, 0)) > 0;) all.append(text, static_cast<size_t>(n));
    return all;
  }

 private:
  std::string name_;
  int fd_ = -1;
};

TEST_CASE("ready is said once, when it runs; stopping once, when it ends") {
  Manager manager;
  ServiceNotice notice(manager.name(), 0);
  notice.Follow(Phase::kStarting, 0);
  CHECK(manager.Heard().empty());
  notice.Follow(Phase::kRunning, 0);
  CHECK(manager.Heard() == "READY=1\nSTATUS=running\n");
  notice.Follow(Phase::kRestarting, 1);
  notice.Follow(Phase::kRunning, 2);
  CHECK(manager.Heard().empty());
  notice.Follow(Phase::kStopping, 3);
  notice.Follow(Phase::kFinished, 4);
  CHECK(manager.Heard() == "STOPPING=1\nSTATUS=stopping\n");
  CHECK(notice.Deadline() == kMaxTimestamp);
}

TEST_CASE("the watchdog is fed at half its interval, from the start on") {
  Manager manager;
  ServiceNotice notice(manager.name(), 10 * kSecond);
  notice.Follow(Phase::kStarting, kHour);
  CHECK(manager.Heard() == "WATCHDOG=1\n");
  CHECK(notice.Deadline() == kHour + 5 * kSecond);
  notice.Follow(Phase::kStarting, kHour + 5 * kSecond - 1);
  CHECK(manager.Heard().empty());
  notice.Follow(Phase::kStarting, kHour + 5 * kSecond);
  CHECK(manager.Heard() == "WATCHDOG=1\n");
}

TEST_CASE("the environment asks once, and for this process only") {
  Manager manager;
  ::setenv("NOTIFY_SOCKET", manager.name().c_str(), 1);
  ::setenv("WATCHDOG_USEC", "2000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ServiceNotice ours = ServiceNotice::FromEnvironment();
  CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
  CHECK(std::getenv("WATCHDOG_USEC") == nullptr);
  ours.Follow(Phase::kStarting, kHour);
  CHECK(ours.Deadline() == kHour + kSecond);
  ::setenv("NOTIFY_SOCKET", manager.name().c_str(), 1);
  ::setenv("WATCHDOG_USEC", "2000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  ServiceNotice others = ServiceNotice::FromEnvironment();
  CHECK(others.Deadline() == kMaxTimestamp);
  ServiceNotice nobody = ServiceNotice::FromEnvironment();
  nobody.Follow(Phase::kRunning, kHour);
  CHECK(manager.Heard() == "WATCHDOG=1\n");
}

}  // namespace
}  // namespace streamrun
