// A channel between two workers of one process.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "runner/exec/channel.h"

namespace streamrun {

/// Holds a few events, as a link does: who sends meets a full channel, too.
class MemoryChannel final : public OutChannel, public InChannel {
 public:
  explicit MemoryChannel(size_t room = 4) : room_(room) {}

  Result<bool> TrySend(const Event& event) override {
    if (queue_.size() >= room_) return false;
    queue_.push_back(event);
    return true;
  }
  Result<std::optional<Event>> TryReceive() override {
    if (queue_.empty()) return std::optional<Event>();
    std::optional<Event> event(std::move(queue_.front()));
    queue_.pop_front();
    return event;
  }

 private:
  size_t room_;
  std::deque<Event> queue_;
};

}  // namespace streamrun
