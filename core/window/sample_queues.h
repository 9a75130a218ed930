// The latest samples of each series of many, oldest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/time.h"

namespace streamrun {

struct Sample {
  Timestamp time = 0;
  double value = 0;
  /// What the function that reads the series has to remember beside the value.
  double extra = 0;
};

/// Queues by slot number in one pool of linked samples: 28 bytes a sample, 12 a series, no allocation of its
/// own for either. Not thread-safe.
class SampleQueues {
 public:
  void Resize(uint32_t slots);
  void Clear(uint32_t slot);

  uint32_t size(uint32_t slot) const { return queues_[slot].size; }
  bool empty(uint32_t slot) const { return queues_[slot].size == 0; }
  Sample& first(uint32_t slot) { return samples_[queues_[slot].first]; }
  Sample& last(uint32_t slot) { return samples_[queues_[slot].last]; }
  void Push(uint32_t slot, const Sample& sample);
  void PopFirst(uint32_t slot);

  /// f(sample) for each of the slot, oldest first.
  template <typename F>
  void ForEach(uint32_t slot, F&& f) const {
    uint32_t at = queues_[slot].first;
    for (uint32_t i = 0; i < queues_[slot].size; ++i, at = next_[at]) f(samples_[at]);
  }
  int64_t samples() const { return static_cast<int64_t>(samples_.size()) - free_count_; }
  size_t MemoryBytes() const;

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  struct Queue {
    uint32_t first = kNone;
    uint32_t last = kNone;
    uint32_t size = 0;
  };

  std::vector<Queue> queues_;
  std::vector<Sample> samples_;
  std::vector<uint32_t> next_;  // by sample: the one behind it, or the next free one
  uint32_t free_ = kNone;
  int64_t free_count_ = 0;
};

}  // namespace streamrun
