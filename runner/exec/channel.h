// The channel interface: one ordered, bounded queue of events between two workers. runner/link implements it
// over ZeroMQ, tests over memory. Used by the data thread only; never blocks.
#pragma once

#include <optional>

#include "core/base/status.h"
#include "core/stream/event.h"

namespace streamrun {

class OutChannel {
 public:
  virtual ~OutChannel() = default;
  /// True: the channel took it. False: it is full, nothing was taken; try again when the worker's poll says
  /// so. An error means the peer is gone: the region fails.
  virtual Result<bool> TrySend(const Event& event) = 0;
};

class InChannel {
 public:
  virtual ~InChannel() = default;
  /// The next event, or nothing for now. An error (gap in sequence numbers, foreign attempt, damaged frame,
  /// peer gone before its EndOfStream) fails the region.
  virtual Result<std::optional<Event>> TryReceive() = 0;
};

}  // namespace streamrun
