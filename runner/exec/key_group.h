// Key groups: hash of the exchange key mod `settings.max_parallelism`; groups belong to instances by range,
// so that state can be dealt to another number of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamrun {

class KeyGroups {
 public:
  explicit KeyGroups(int count)
      : count_(static_cast<uint64_t>(count)), mask_((count_ & (count_ - 1)) == 0 ? count_ - 1 : 0) {}

  uint64_t count() const { return count_; }
  // A division takes as long as the rest of the loop over a batch.
  uint64_t Of(uint64_t hash) const { return mask_ != 0 ? hash & mask_ : hash % count_; }
  size_t InstanceOfGroup(uint64_t group, size_t parallelism) const { return group * parallelism / count_; }
  size_t InstanceOf(uint64_t hash, size_t parallelism) const {
    return InstanceOfGroup(Of(hash), parallelism);
  }

 private:
  uint64_t count_;
  uint64_t mask_;  // of a power of two
};

}  // namespace streamrun
