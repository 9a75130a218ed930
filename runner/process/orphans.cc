#include "runner/process/orphans.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/base/logging.h"

namespace streamrun {

namespace {

// Of all threads: what is adopted becomes a child of any of them. Empty where the kernel does not tell
// (CONFIG_PROC_CHILDREN).
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream in(task.path() / "children");
    std::copy(std::istream_iterator<pid_t>(in), {}, std::back_inserter(children));
  }
  return children;
}

}  // namespace

void Orphans::Adopt() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  for (const pid_t child : Children()) before_.insert(child);
  only_sessions_ = ::getpid() == 1 || !before_.empty();
}

bool Orphans::IsToGo(pid_t child, const std::set<pid_t>& workers) const {
  const pid_t session = ::getsid(child);
  if (workers.contains(session)) return false;
  if (former_.contains(session)) return true;
  return bereaved_ && !only_sessions_;
}

int Orphans::Tend(const std::vector<ProcessIdentity>& workers) {
  std::set<pid_t> running;
  for (const ProcessIdentity& worker : workers) running.insert(static_cast<pid_t>(worker.pid));
  for (const pid_t pid : workers_) {
    if (!running.contains(pid)) former_.insert(pid), bereaved_ = true;
  }
  for (const pid_t pid : running) former_.erase(pid);  // ids are used again
  workers_ = running;
  int killed = 0;
  // Whoever was reaped may have left children behind after they were listed, and a list that is read while
  // somebody leaves it may skip another (proc_pid_task_children(5)): listed again until nobody was dead.
  for (bool reaped = true; reaped;) {
    reaped = false;
    for (const pid_t child : Children()) {
      if (running.contains(child)) continue;
      // By id, so that no worker's exit status is taken from whoever waits for it.
      if (::waitpid(child, nullptr, WNOHANG) == child) {
        reaped = true;
      } else if (!before_.contains(child) && IsToGo(child, running)) {
        LogDebug("ending a process that a worker left behind", {{"pid", std::to_string(child)}});
        ::kill(child, SIGKILL);
        ++killed;
      }
    }
  }
  if (killed == 0) bereaved_ = false;
  return killed;
}

void Orphans::AwaitEnd(Env* env, Duration patience) {
  const Timestamp end = env->MonotonicNow() + patience;
  while (Tend({}) > 0 && env->MonotonicNow() < end) env->Sleep(kMillisecond);
}

}  // namespace streamrun
