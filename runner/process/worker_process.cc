#include "runner/process/worker_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runner/process/worker.h"

extern char** environ;

namespace streamrun {

namespace {

// Spawn settings: own session, default signal actions, nothing blocked, control channel as descriptor 3, time
// board as descriptor 4.
class SpawnSettings {
 public:
  SpawnSettings(int control_fd, int log_fd, int times_fd) {
    ::posix_spawn_file_actions_init(&actions_);
    // A descriptor duplicated onto itself loses close-on-exec too (POSIX.1-2024, glibc).
    ::posix_spawn_file_actions_adddup2(&actions_, control_fd, kControlDescriptor);
    ::posix_spawn_file_actions_adddup2(&actions_, log_fd, STDERR_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, times_fd, kTimesDescriptor);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// What SpawnSettings says, in the child itself: nothing but system calls between its birth and the new
// program, for the locks of the other threads are copied as they were (signal-safety(7)).
[[noreturn]] void Become(char** argv, int control_fd, int log_fd, int times_fd) {
  constexpr size_t kSignalSet = 8;  // bytes of the kernel's sigset_t
  const unsigned long none = 0;
  const unsigned long by_default[4] = {};  // the kernel's struct sigaction: SIG_DFL, no flags, empty mask
  ::syscall(SYS_setsid);
  for (int signal = 1; signal < NSIG; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, by_default, nullptr, kSignalSet);
  }
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kSignalSet);
  const int moves[][2] = {
      {control_fd, kControlDescriptor}, {log_fd, STDERR_FILENO}, {times_fd, kTimesDescriptor}};
  for (const auto& [from, to] : moves) {
    // dup3 refuses a descriptor that is in its place already, and it must lose close-on-exec there.
    if (from != to ? ::syscall(SYS_dup3, from, to, 0) < 0 : ::syscall(SYS_fcntl, to, F_SETFD, 0) < 0) {
      ::syscall(SYS_exit_group, 127);
    }
  }
  ::syscall(SYS_execve, "/proc/self/exe", argv, environ);
  ::syscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

// Born in its group (CLONE_INTO_CGROUP, clone3(2)): moved there afterwards it would wait for a grace period
// of the kernel (20 ms), and what it had started by then would be outside. posix_spawn of this glibc cannot.
// Negative: not possible here.
pid_t SpawnInto(int group_fd, char** argv, int control_fd, int log_fd, int times_fd) {
  clone_args args{};
  args.flags = CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<uint64_t>(group_fd);
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof(args)));
  if (pid == 0) Become(argv, control_fd, log_fd, times_fd);
  return pid;
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Spawn(const std::string& title, int log_fd,
                                                            int times_fd, int group_fd) {
  SR_ASSIGN_OR_RETURN(const ControlChannel::Ends ends, ControlChannel::MakePair());
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(ends.supervisor));
  worker->reaped_ = true;  // nothing to kill yet
  const SpawnSettings settings(ends.worker, log_fd, times_fd);
  std::string parent = std::to_string(::getpid());
  std::string argument = kWorkerArgument;
  std::string name = title;
  char* argv[] = {name.data(), argument.data(), parent.data(), nullptr};
  pid_t pid = group_fd < 0 ? -1 : SpawnInto(group_fd, argv, ends.worker, log_fd, times_fd);
  int error = 0;
  if (pid < 0) {
    error = ::posix_spawn(&pid, "/proc/self/exe", &settings.actions_, &settings.attributes_, argv, environ);
  }
  ::close(ends.worker);
  if (error != 0) return Status::FromErrno(error, "cannot start a worker");
  worker->reaped_ = false;
  worker->identity_ = {pid, ProcessIdentity::StartTime(pid)};
  worker->pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (worker->pidfd_ < 0) return Status::FromErrno(errno, "cannot watch a worker");
  return worker;
}

WorkerProcess::~WorkerProcess() {
  if (!reaped_) {
    ::kill(static_cast<pid_t>(identity_.pid), SIGKILL);  // not reaped: the id is still its own
    ::waitpid(static_cast<pid_t>(identity_.pid), nullptr, 0);
  }
  if (pidfd_ >= 0) ::close(pidfd_);
}

void WorkerProcess::Signal(int signal) {
  if (!reaped_) ::kill(static_cast<pid_t>(identity_.pid), signal);
}

std::optional<std::string> WorkerProcess::Reap() {
  if (reaped_) return std::nullopt;
  int status = 0;
  if (::waitpid(static_cast<pid_t>(identity_.pid), &status, WNOHANG) <= 0) return std::nullopt;
  reaped_ = true;
  if (WIFSIGNALED(status)) {
    const int signal = ended_by_ = WTERMSIG(status);
    return "killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  }
  return "exited with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace streamrun
