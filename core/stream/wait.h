// What a source or sink waits for when it cannot go on: the worker's one poll covers all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/time.h"

namespace streamrun {

struct WaitSpec {
  struct Descriptor {
    int fd;
    short events;  // POLLIN, POLLOUT
  };
  /// Any of these becoming ready ends the wait. Owned by the component.
  std::vector<Descriptor> descriptors;
  /// Env::MonotonicNow() at which the wait ends in any case; kMaxTimestamp for none.
  Timestamp deadline = kMaxTimestamp;
};

}  // namespace streamrun
