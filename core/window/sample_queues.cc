#include "core/window/sample_queues.h"

namespace streamrun {

void SampleQueues::Resize(uint32_t slots) {
  if (slots > queues_.size()) queues_.resize(slots);
}

void SampleQueues::Clear(uint32_t slot) {
  Queue& queue = queues_[slot];
  if (queue.size == 0) return;
  next_[queue.last] = free_;
  free_ = queue.first;
  free_count_ += queue.size;
  queue = {};
}

void SampleQueues::Push(uint32_t slot, const Sample& sample) {
  uint32_t at = free_;
  if (at == kNone) {
    at = static_cast<uint32_t>(samples_.size());
    samples_.push_back(sample);
    next_.push_back(kNone);
  } else {
    free_ = next_[at];
    --free_count_;
    samples_[at] = sample;
  }
  Queue& queue = queues_[slot];
  (queue.size == 0 ? queue.first : next_[queue.last]) = at;
  queue.last = at;
  ++queue.size;
}

void SampleQueues::PopFirst(uint32_t slot) {
  Queue& queue = queues_[slot];
  const uint32_t at = queue.first;
  queue.first = next_[at];
  next_[at] = free_;
  free_ = at;
  ++free_count_;
  if (--queue.size == 0) queue = {};
}

size_t SampleQueues::MemoryBytes() const {
  return queues_.capacity() * sizeof(Queue) + samples_.capacity() * sizeof(Sample) + next_.capacity() * 4;
}

}  // namespace streamrun
