#include "runner/process/process_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>
#include <string>
#include <vector>

#include "core/component/config_spec.h"
#include "runner/process/control_channel.h"
#include "runner/process/worker.h"

namespace streamrun {

namespace {

// Counted on running families (libzmq 4.3.4, ipc): a channel that sends has its mailbox, the monitor's two
// and the connection; one that receives also the socket that listens. A process opens some for itself.
constexpr uint64_t kWorkerOwn = 24;
constexpr uint64_t kOutChannel = 4;
constexpr uint64_t kInChannel = 5;
constexpr uint64_t kNode = 4;  // files and connections that are open at one time
constexpr uint64_t kSupervisorOwn = 24;
constexpr uint64_t kAdminConnections = 32;
constexpr uint64_t kWorker = 2;  // its control channel and what watches it

std::atomic<int64_t> memory_limit{0};

}  // namespace

DescriptorNeed CountDescriptors(const LocalPlan& plan) {
  const auto workers = static_cast<uint64_t>(plan.workers());
  DescriptorNeed most{kSupervisorOwn + kAdminConnections + kWorker * workers, "the supervisor"};
  for (const Stage& stage : plan.stages) {
    std::vector<uint64_t> counts(static_cast<size_t>(stage.parallelism),
                                 kWorkerOwn + kNode * stage.members.size());
    for (const Stage::Member& member : stage.members) {
      const PlanNode& node = plan.plan->nodes[static_cast<size_t>(member.node)];
      if (!node.sink || member.part == NodePart::kEncode) continue;
      for (uint64_t& count : counts) count += static_cast<uint64_t>(node.sink->open_files);
    }
    for (const Channel& channel : plan.channels) {
      const LocalEdge& edge = plan.edges[static_cast<size_t>(channel.edge)];
      if (edge.from_stage == stage.id) counts[static_cast<size_t>(channel.from_instance)] += kOutChannel;
      if (edge.to_stage == stage.id) counts[static_cast<size_t>(channel.to_instance)] += kInChannel;
    }
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > most.count) most = {counts[i], "worker " + stage.name + "[" + std::to_string(i) + "]"};
    }
  }
  return most;
}

Result<uint64_t> ChooseDescriptorLimit(const DescriptorNeed& need, uint64_t soft, uint64_t hard) {
  if (need.count <= soft) return soft;
  if (need.count <= hard) return hard;
  return Status::ResourceExhausted(
      need.process + " needs " + std::to_string(need.count) + " open files, and at most " +
      std::to_string(hard) + " are allowed (ulimit -Hn, LimitNOFILE=): raise that, or lower the parallelism");
}

Status RaiseDescriptorLimit(const DescriptorNeed& need) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return Status::FromErrno(errno, "cannot read the limit of files");
  SR_ASSIGN_OR_RETURN(const uint64_t chosen, ChooseDescriptorLimit(need, limit.rlim_cur, limit.rlim_max));
  if (chosen == limit.rlim_cur) return Status::Ok();
  limit.rlim_cur = chosen;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return Status::FromErrno(errno, "cannot raise the limit of files");
  return Status::Ok();
}

Status LimitMemory(int64_t bytes) {
  if (bytes <= 0) return Status::Ok();
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0)
    return Status::FromErrno(errno, "cannot read the limit of memory");
  // The soft limit only: FailMemory needs a little more to say so.
  limit.rlim_cur = std::min<rlim_t>(static_cast<rlim_t>(bytes), limit.rlim_max);
  if (::setrlimit(RLIMIT_DATA, &limit) != 0) return Status::FromErrno(errno, "cannot limit the memory");
  memory_limit = bytes;
  std::set_new_handler(FailMemory);
  return Status::Ok();
}

void FailMemory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_DATA, &limit);
  }
  const int64_t bytes = memory_limit;
  const Status status = Status::ResourceExhausted(
      bytes > 0 ? "needs more memory than settings.worker_memory (" + PrintSize(bytes) + ") gives it"
                : std::string("finds no more memory"));
  ControlChannel control(kControlDescriptor);
  (void)control.Send(FailMessage{status}).ok();
  for (;;) ::pause();
}

}  // namespace streamrun
