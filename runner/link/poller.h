// Waiting for channels, plain descriptors and a deadline in one call; the one place that knows ZeroMQ's
// edge-triggered descriptors.
//
// A channel is waited for only when it was tried since the last wake-up and was not ready: a full output
// never makes readable inputs spin, and an input that a task does not want now cannot wake it for ever. So a
// task must try every channel it wants before it says that it waits.
#pragma once

#include <vector>

#include "core/base/env.h"
#include "core/stream/wait.h"
#include "runner/link/link_socket.h"

namespace streamrun {

class Poller {
 public:
  /// `socket` outlives the poller.
  void Add(LinkSocket* socket) { sockets_.push_back(socket); }

  /// Sleeps until a wanted channel is ready or its peer is gone, one of `descriptors` is ready, or
  /// `env->MonotonicNow()` passes `deadline`. May wake for nothing. Signals with handlers wake it too.
  Status Wait(Env* env, const std::vector<WaitSpec::Descriptor>& descriptors, Timestamp deadline);

 private:
  std::vector<LinkSocket*> sockets_;
};

}  // namespace streamrun
