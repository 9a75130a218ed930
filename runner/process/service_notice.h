// What a service manager is told: ready, stopping, still alive. The protocol of sd_notify(3): datagrams of
// NAME=value lines to the socket that NOTIFY_SOCKET names, a WATCHDOG=1 at least every WATCHDOG_USEC.
#pragma once

#include <string>

#include "core/base/time.h"
#include "runner/process/status.h"

namespace streamrun {

/// Does nothing where nobody wants to be told. One thread.
class ServiceNotice {
 public:
  /// What the environment asks for, taken out of it: workers are no services.
  static ServiceNotice FromEnvironment();
  /// `socket`: a path, or @name of an abstract one; empty: nobody listens. `watchdog`: the longest silence
  /// that is allowed, 0: any.
  ServiceNotice(const std::string& socket, Duration watchdog);
  ~ServiceNotice();
  ServiceNotice(ServiceNotice&& other) noexcept;
  ServiceNotice& operator=(ServiceNotice&&) = delete;

  /// From the supervisor's loop, each time it comes by: READY once it has run, STOPPING once it stops, and
  /// the watchdog fed twice as often as it must be.
  void Follow(Phase phase, Timestamp now);
  /// When Follow wants to be called next.
  Timestamp Deadline() const { return next_; }

 private:
  void Send(const std::string& text);

  int fd_ = -1;
  Duration watchdog_ = 0;
  Timestamp next_ = kMaxTimestamp;
  bool ready_ = false;
  bool stopping_ = false;
};

}  // namespace streamrun
