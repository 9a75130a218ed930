// Connects without blocking, again and again, with exponential back-off and jitter.
#pragma once

#include <string>
#include <vector>

#include "connectors/socket/address.h"
#include "connectors/socket/descriptor.h"
#include "core/base/env.h"
#include "core/stream/retry_policy.h"
#include "core/stream/wait.h"

namespace streamrun::socket {

class Dialer {
 public:
  /// Looks the name up (the one thing that may block: call it in Open).
  Status Open(const Address& address, Env* env, const RetryOptions& pauses = Pauses());
  /// What is configured when nothing is.
  static RetryOptions Pauses() { return {50 * kMillisecond, 10 * kSecond, 2, 0.5}; }

  /// A connected socket (non-blocking, close-on-exec), or an empty one while there is none yet: see AddWait.
  Descriptor Poll();
  /// The connection that Poll gave is gone. One that did not last is followed by a longer pause.
  void Lost(const std::string& why);
  void AddWait(WaitSpec& wait) const;
  /// Why there is no connection: "tcp://127.0.0.1:9000: Connection refused". Empty before the first failure.
  const std::string& trouble() const { return trouble_; }

 private:
  void Begin();
  Descriptor Connected();
  void Failed(const std::string& why);

  Env* env_ = nullptr;
  RetryPolicy pauses_{Pauses()};
  Address address_;
  std::vector<SocketAddress> targets_;
  size_t target_ = 0;
  Descriptor pending_;
  Timestamp deadline_ = 0;   // end of the attempt, or of the pause
  Timestamp connected_ = 0;  // when the last connection came up
  int failures_ = 0;         // in a row
  std::string trouble_;
};

}  // namespace streamrun::socket
