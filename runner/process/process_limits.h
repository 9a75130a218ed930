// What the operating system lets a family have: descriptors, counted before anything starts, and the memory
// of a worker (RELIABILITY 5).
#pragma once

#include <cstdint>

#include "core/base/status.h"
#include "runner/local/local_plan.h"

namespace streamrun {

/// Descriptors that one process of the family needs at most, and which one that is: an estimate from what
/// each worker, channel and node opens, not from what connections come in.
struct DescriptorNeed {
  uint64_t count = 0;
  std::string process;  // "the supervisor", "worker bids+dear[0]"
};
DescriptorNeed CountDescriptors(const LocalPlan& plan);

/// The soft limit to run with. kResourceExhausted names what is needed when even `hard` is too little.
Result<uint64_t> ChooseDescriptorLimit(const DescriptorNeed& need, uint64_t soft, uint64_t hard);
/// In the supervisor, before it starts workers, which inherit it.
Status RaiseDescriptorLimit(const DescriptorNeed& need);

/// In a worker that is assigned: from now on its data (RLIMIT_DATA: heap, buffers, stacks of threads) takes
/// at most `bytes`, 0: no limit. What asks for more ends the worker with FailMemory.
Status LimitMemory(int64_t bytes);
/// Tells the supervisor that the memory of this worker is used up and names the setting; then waits to be
/// killed. Any thread.
[[noreturn]] void FailMemory();

}  // namespace streamrun
