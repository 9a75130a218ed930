// Failpoints: what is armed acts where and when it says, what cannot be understood arms nothing.
#include "core/base/failpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "core/base/env.h"
#include "doctest/doctest.h"
#include "tests/lifeline.h"

namespace streamrun {
namespace {

constexpr auto kWorker = FamilyProcess::kWorker;
constexpr auto kSupervisor = FamilyProcess::kSupervisor;

struct Disarm {
  ~Disarm() { CHECK(ArmFailpoints("", "", kWorker).ok()); }
};

TEST_CASE("nothing armed, nothing happens") {
  const Disarm disarm;
  CHECK(ArmFailpoints("", "", kWorker).ok());
  CHECK(SR_FAILPOINT("source.poll").ok());
}

TEST_CASE("an error comes at the hit that was named, there and nowhere else") {
  const Disarm disarm;
  REQUIRE(ArmFailpoints("source.poll=error(ENOSPC):2,sink.commit=error(EIO):*", "", kWorker).ok());
  CHECK(SR_FAILPOINT("source.poll").ok());
  const Status second = SR_FAILPOINT("source.poll");
  CHECK(second.code() == Code::kResourceExhausted);
  CHECK(second.message().find("failpoint source.poll") != std::string::npos);
  CHECK(SR_FAILPOINT("source.poll").ok());
  for (int i = 0; i < 3; ++i) CHECK(SR_FAILPOINT("sink.commit").code() == Code::kIoError);
  CHECK(SR_FAILPOINT("sink.committed").ok());
}

TEST_CASE("a place in the other process is not armed") {
  const Disarm disarm;
  REQUIRE(ArmFailpoints("source.poll=error(EIO):*,ckpt.decide=error(EIO):*@worker", "", kSupervisor).ok());
  CHECK(SR_FAILPOINT("source.poll").ok());
  CHECK(SR_FAILPOINT("ckpt.decide").ok());
  REQUIRE(ArmFailpoints("ckpt.decide=error(EIO):*@supervisor", "", kSupervisor).ok());
  CHECK(!SR_FAILPOINT("ckpt.decide").ok());
}

TEST_CASE("with marks an entry acts once, whatever process gets there") {
  const Disarm disarm;
  char directory[] = "/tmp/failpoint_test.XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  const std::string mark = std::string(directory) + "/source.poll.1";
  for (const bool acts : {true, false}) {
    REQUIRE(ArmFailpoints("source.poll=error(EIO)", directory, kWorker).ok());
    CHECK(SR_FAILPOINT("source.poll").ok() == !acts);
    CHECK(Env::Default()->Info(mark).ok());
  }
  CHECK(Env::Default()->Remove(mark).ok());
  CHECK(Env::Default()->Remove(directory).ok());
}

TEST_CASE("kill and stop are signals that nothing can catch") {
  for (const int signal : {SIGKILL, SIGSTOP}) {
    const pid_t parent = ::getpid(), child = ::fork();
    if (child == 0) {
      EndWith(parent);
      (void)ArmFailpoints(signal == SIGKILL ? "worker.done=kill" : "worker.done=stop", "", kWorker).ok();
      (void)SR_FAILPOINT("worker.done").ok();
      ::_exit(7);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
    if (signal == SIGKILL) {
      CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
      continue;
    }
    CHECK((WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP));
    ::kill(child, SIGCONT);
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 7));
  }
}

TEST_CASE("crash_on ends the process on the data it names, and only where data passes") {
  for (const char* data : {"a harmless row", "a poison row"}) {
    const pid_t child = ::fork();
    if (child == 0) {
      (void)ArmFailpoints("source.poll=crash_on(poison):*", "", kWorker).ok();
      (void)SR_FAILPOINT("source.poll").ok();
      SR_CRASH_ON("source.poll", [&](std::string_view text) {
        return std::string_view(data).find(text) != std::string_view::npos;
      });
      ::_exit(7);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    const bool poison = std::string_view(data).find("poison") != std::string_view::npos;
    CHECK(poison == (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
    CHECK(poison != (WIFEXITED(status) && WEXITSTATUS(status) == 7));
  }
}

TEST_CASE("a delay takes its time") {
  const Disarm disarm;
  REQUIRE(ArmFailpoints("source.poll=delay(30)", "", kWorker).ok());
  const Timestamp before = Env::Default()->MonotonicNow();
  CHECK(SR_FAILPOINT("source.poll").ok());
  CHECK(Env::Default()->MonotonicNow() - before >= 30 * kMillisecond);
}

TEST_CASE("an entry that cannot be understood is named and arms nothing") {
  const Disarm disarm;
  for (const std::string entry :
       {"source.poll", "source.pol=kill", "source.poll=die", "source.poll=kill(1)", "source.poll=delay",
        "source.poll=delay(0)", "source.poll=delay(1", "source.poll=error", "source.poll=error(EPERM)",
        "source.poll=crash_on()", "source.poll=kill:0", "source.poll=kill:x", "source.poll=kill@me",
        "ckpt.triggered=error(EIO)"}) {
    const Status status = ArmFailpoints("source.poll=error(EIO):*," + entry, "", kWorker);
    CHECK(status.code() == Code::kInvalidArgument);
    CHECK(status.message().find("'" + entry + "'") != std::string::npos);
    CHECK(SR_FAILPOINT("source.poll").ok());
  }
}

TEST_CASE("every place has a name of its own") {
  std::set<std::string_view> names;
  for (const Failpoint& point : kFailpoints) CHECK(names.insert(point.name).second);
}

}  // namespace
}  // namespace streamrun
