// What a worker has started does not outlive it, nobody's exit status is taken, and strangers are left alone.
#include "runner/process/orphans.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "tests/lifeline.h"

namespace streamrun {
namespace {

// The other tests of this program are not to adopt anybody.
struct Adopting {
  Orphans orphans;
  Adopting() { orphans.Adopt(); }
  ~Adopting() { ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
};

pid_t Paused(const Lifeline& lifeline) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) lifeline.Hang();
  return pid;
}

struct Worker {
  ProcessIdentity identity;
  pid_t child = 0;     // in its session
  pid_t daemon = 0;    // in one of its own
  pid_t grandson = 0;  // the child's
};

// Leads a session, as the supervisor's workers do.
Worker MakeWorker(const Lifeline& lifeline) {
  struct Told {
    pid_t Worker::*who;
    pid_t pid;
  };
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  const auto tell = [&](pid_t Worker::*who) {
    const Told told{who, ::getpid()};
    if (::write(fds[1], &told, sizeof(told)) != sizeof(told)) ::_exit(1);
    lifeline.Hang();
  };
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::setsid();
    if (::fork() == 0) tell(&Worker::child);
    if (::fork() == 0) ::setsid(), tell(&Worker::daemon);
    if (::fork() == 0) {
      if (::fork() == 0) tell(&Worker::grandson);
      lifeline.Hang();
    }
    lifeline.Hang();
  }
  Worker worker;
  worker.identity = {pid, ProcessIdentity::StartTime(pid)};
  for (int i = 0; i < 3; ++i) {
    Told told{};
    REQUIRE(::read(fds[0], &told, sizeof(told)) == sizeof(told));
    worker.*told.who = told.pid;
  }
  ::close(fds[0]);
  ::close(fds[1]);
  return worker;
}

bool Exists(pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }

void AwaitZombie(pid_t pid) {
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
}

TEST_CASE("everything below a worker that was killed ends and is reaped; its own exit status stays") {
  Adopting a;
  const Lifeline lifeline;
  const Worker worker = MakeWorker(lifeline), other = MakeWorker(lifeline);
  CHECK(a.orphans.Tend({worker.identity, other.identity}) == 0);
  const auto pid = static_cast<pid_t>(worker.identity.pid);
  ::kill(pid, SIGKILL);
  AwaitZombie(pid);
  // Dead, but its status was not asked for yet: it counts as running, and so does what is in its session.
  CHECK(a.orphans.Tend({worker.identity, other.identity}) == 0);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, WNOHANG) == pid);
  CHECK(WTERMSIG(status) == SIGKILL);

  CHECK(a.orphans.Tend({other.identity}) >= 3);
  for (int i = 0; i < 30'000 && a.orphans.Tend({other.identity}) > 0; ++i) ::usleep(1'000);
  for (const pid_t gone : {worker.child, worker.daemon, worker.grandson}) CHECK(!Exists(gone));
  for (const pid_t there : {other.child, other.daemon, other.grandson}) CHECK(Exists(there));

  ::kill(static_cast<pid_t>(other.identity.pid), SIGKILL);
  REQUIRE(::waitpid(static_cast<pid_t>(other.identity.pid), &status, 0) > 0);
  a.orphans.AwaitEnd(Env::Default(), 30 * kSecond);
  for (const pid_t gone : {other.child, other.daemon, other.grandson}) CHECK(!Exists(gone));
}

TEST_CASE("a process whose parent went away lives as long as the worker whose session it is in") {
  Adopting a;
  const Lifeline lifeline;
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::setsid();
    const pid_t between = ::fork();
    if (between == 0) {
      const pid_t own = ::fork();
      if (own == 0) lifeline.Hang();
      if (::write(fds[1], &own, sizeof(own)) != sizeof(own)) ::_exit(1);
      ::_exit(0);  // the one below has no parent now but the supervisor
    }
    ::waitpid(between, nullptr, 0);
    if (::write(fds[1], &between, sizeof(between)) != sizeof(between)) ::_exit(1);
    lifeline.Hang();
  }
  pid_t adopted = 0, between = 0;
  REQUIRE(::read(fds[0], &adopted, sizeof(adopted)) == sizeof(adopted));
  REQUIRE(::read(fds[0], &between, sizeof(between)) == sizeof(between));
  const ProcessIdentity worker{pid, ProcessIdentity::StartTime(pid)};
  CHECK(a.orphans.Tend({worker}) == 0);
  CHECK(Exists(adopted));
  ::kill(pid, SIGKILL);
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  a.orphans.AwaitEnd(Env::Default(), 30 * kSecond);
  CHECK(!Exists(adopted));
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_CASE("children from before are left alone, and beside them what is in no worker's session") {
  const Lifeline lifeline;
  const pid_t before = Paused(lifeline);
  {
    Adopting a;
    const Worker worker = MakeWorker(lifeline);
    CHECK(a.orphans.Tend({worker.identity}) == 0);
    ::kill(static_cast<pid_t>(worker.identity.pid), SIGKILL);
    REQUIRE(::waitpid(static_cast<pid_t>(worker.identity.pid), nullptr, 0) > 0);
    a.orphans.AwaitEnd(Env::Default(), 30 * kSecond);
    CHECK(!Exists(worker.child));
    CHECK(!Exists(worker.grandson));
    CHECK(Exists(worker.daemon));  // it may as well come from the child from before
    ::kill(worker.daemon, SIGKILL);
    ::waitpid(worker.daemon, nullptr, 0);
  }
  CHECK(Exists(before));
  ::kill(before, SIGKILL);
  ::waitpid(before, nullptr, 0);
}

}  // namespace
}  // namespace streamrun
