// Key groups: hash of the exchange key mod kKeyGroups; groups belong to instances by range, so that state can
// be dealt to another number of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamrun {

inline constexpr uint64_t kKeyGroups = 128;

inline size_t InstanceOfGroup(uint64_t group, size_t parallelism) { return group * parallelism / kKeyGroups; }

}  // namespace streamrun
