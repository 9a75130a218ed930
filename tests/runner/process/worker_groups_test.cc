// Control groups of the workers: where they are offered and where not, on a directory that only looks like
// one, and with the kernel's own where this machine lets us.
#include "runner/process/worker_groups.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "runner/process/state_directory.h"
#include "tests/lifeline.h"

namespace streamrun {
namespace {

namespace fs = std::filesystem;

std::string Slurp(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A mount point with blanks in its name, a group in it and the two files by which it is found.
struct FakeMachine {
  std::string path = "/tmp/srgroupXXXXXX";
  WorkerGroups::Facts facts;
  explicit FakeMachine(const std::string& group, const std::string& root = "/") {
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    facts = {path + "/mounts", path + "/own"};
    Mount("cgroup2", root);
    std::ofstream(facts.own) << "4:memory:/elsewhere\n0::" << group << "\n";
  }
  ~FakeMachine() { fs::remove_all(path); }

  void Mount(const std::string& type, const std::string& root) const {
    std::ofstream(facts.mounts) << "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
                                << "30 22 0:26 " << root << " " << path << "/a\\040mount rw - " << type
                                << " none rw\n";
  }
  // What the kernel puts there by itself.
  std::string MakeGroup(const std::string& name) const {
    const std::string group = path + "/a mount" + name;
    fs::create_directories(group);
    for (const char* file : {"/cgroup.procs", "/cgroup.kill"}) std::ofstream(group + file) << "";
    return group;
  }
};

std::string Refusal(const WorkerGroups::Facts& facts) {
  const auto groups = WorkerGroups::Open("p", facts);
  if (groups.ok()) return "";
  CHECK(groups.status().code() == Code::kUnsupported);
  return groups.status().message();
}

TEST_CASE("groups are made below our own, one per attempt, killed and removed") {
  const FakeMachine machine("/");
  machine.MakeGroup("");
  const std::string top = machine.MakeGroup("/p");
  auto groups = WorkerGroups::Open("p", machine.facts);
  REQUIRE_MESSAGE(groups.ok(), groups.status().message());
  CHECK((*groups)->path() == top);
  CHECK(Slurp(top + "/cgroup.kill").empty());  // nothing was left there
  auto first = (*groups)->Make(), second = (*groups)->Make();
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  std::ofstream(top + "/1/cgroup.kill") << "";
  std::ofstream(top + "/2/cgroup.kill") << "";
  struct stat opened {
  }, named{};
  REQUIRE(::fstat((*first)->fd(), &opened) == 0);
  REQUIRE(::stat((top + "/1").c_str(), &named) == 0);
  CHECK(opened.st_ino == named.st_ino);
  (*first)->Kill();
  CHECK(Slurp(top + "/1/cgroup.kill") == "1");
  CHECK(Slurp(top + "/2/cgroup.kill").empty());
  second->reset();
  CHECK(Slurp(top + "/2/cgroup.kill") == "1");
  fs::remove(top + "/1/cgroup.kill");
  fs::remove(top + "/2/cgroup.kill");
  first->reset();
  CHECK(!fs::exists(top + "/1"));
  CHECK(fs::exists(top + "/2"));  // it was not empty when it was let go
  REQUIRE((*groups)->Make().ok());
  CHECK(!fs::exists(top + "/2"));
}

TEST_CASE("below the part of the tree that is mounted") {
  const FakeMachine machine("/slice/own", "/slice");
  machine.MakeGroup("/own");
  machine.MakeGroup("/own/p");
  const std::string own = machine.path + "/a mount/own";
  if (::geteuid() == 0 && ::setxattr(own.c_str(), "trusted.delegate", "1", 1, 0) != 0) {
    MESSAGE("skipped: this file system takes no trusted.delegate");
    return;
  }
  auto groups = WorkerGroups::Open("p", machine.facts);
  REQUIRE_MESSAGE(groups.ok(), groups.status().message());
  CHECK((*groups)->path() == own + "/p");
}

TEST_CASE("where groups cannot be had the reason is told") {
  const FakeMachine machine("/");
  CHECK(Refusal(machine.facts) == "the group / is not ours to write");
  machine.MakeGroup("");
  CHECK(Refusal(machine.facts) == "this kernel has no cgroup.kill (it came with Linux 5.14)");
  CHECK(Refusal({machine.facts.mounts, machine.path + "/absent"}) ==
        "this process is in no group of version 2");
  machine.Mount("cgroup2", "/other");
  CHECK(Refusal(machine.facts) == "the group / is not mounted");
  machine.Mount("cgroup", "/");
  CHECK(Refusal(machine.facts) == "no cgroup2 file system is mounted");
  if (::geteuid() == 0) {
    const FakeMachine managed("/system.slice/some.service");
    managed.MakeGroup("/system.slice/some.service/p");
    managed.MakeGroup("/system.slice/some.service");
    CHECK(Refusal(managed.facts) == "the group /system.slice/some.service is not delegated (Delegate=yes)");
  }
}

// --- The kernel's own ------------------------------------------------------------------------------------

std::unique_ptr<WorkerGroups> RealGroups() {
  auto groups = WorkerGroups::Open("streamrun-test-" + std::to_string(::getpid()), {});
  if (groups.ok()) return std::move(*groups);
  MESSAGE("skipped: " << groups.status().message());
  return nullptr;
}

// In the group from its first moment on: a process that starts another one in a session of its own.
void Populate(const Lifeline& lifeline, const std::string& group, pid_t* child, pid_t* daemon) {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  *child = ::fork();
  REQUIRE(*child >= 0);
  if (*child == 0) {
    std::ofstream(group + "/cgroup.procs") << ::getpid();
    const pid_t below = ::fork();
    if (below == 0) {
      ::setsid();
      lifeline.Hang();
    }
    if (::write(fds[1], &below, sizeof(below)) != sizeof(below)) ::_exit(1);
    lifeline.Hang();
  }
  REQUIRE(::read(fds[0], daemon, sizeof(*daemon)) == sizeof(*daemon));
  ::close(fds[0]);
  ::close(fds[1]);
}

bool Dies(pid_t pid) {
  for (int i = 0; i < 30'000; ++i) {
    const std::string stat = Slurp("/proc/" + std::to_string(pid) + "/stat");
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos || stat[name_end + 2] == 'Z') return true;
    ::usleep(1'000);
  }
  return false;
}

TEST_CASE("a real group ends with everything in it, whatever session that is in") {
  auto groups = RealGroups();
  if (!groups) return;
  auto group = groups->Make();
  REQUIRE_MESSAGE(group.ok(), group.status().message());
  const Lifeline lifeline;
  pid_t child = 0, daemon = 0;
  Populate(lifeline, groups->path() + "/1", &child, &daemon);
  (*group)->Kill();
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(Dies(daemon));
  group->reset();
  const std::string path = groups->path();
  groups.reset();
  CHECK(!fs::exists(path));
}

TEST_CASE("what a killed supervisor left in real groups is ended by the next one") {
  auto groups = RealGroups();
  if (!groups) return;
  auto group = groups->Make();
  REQUIRE(group.ok());
  const Lifeline lifeline;
  pid_t child = 0, daemon = 0;
  const std::string path = groups->path();
  Populate(lifeline, path + "/1", &child, &daemon);
  auto next = WorkerGroups::Open(fs::path(path).filename(), {});
  REQUIRE_MESSAGE(next.ok(), next.status().message());
  CHECK(Dies(child));
  CHECK(Dies(daemon));
  CHECK(!fs::exists(path + "/1"));
  ::waitpid(child, nullptr, 0);
  CHECK((*next)->Make().ok());
}

}  // namespace
}  // namespace streamrun
