// State directories: private, locked, counted, and cleaned of what an older generation left.
#include "runner/process/state_directory.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/lifeline.h"

namespace streamrun {
namespace {

struct TempDirectory {
  std::string path = "/tmp/srstateXXXXXX";
  TempDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~TempDirectory() { [[maybe_unused]] const int r = std::system(("rm -rf " + path).c_str()); }
};

TEST_CASE("each start is a new generation in a private directory") {
  TempDirectory temp;
  const std::string path = temp.path + "/deep/state";
  for (uint64_t generation = 1; generation <= 3; ++generation) {
    auto state = StateDirectory::Open(Env::Default(), "p", path);
    REQUIRE_MESSAGE(state.ok(), state.status().ToString());
    CHECK((*state)->generation() == generation);
    CHECK((*state)->run_path() == path + "/run");
    struct stat s;
    REQUIRE(::stat(path.c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0700);
    auto socket = FindAdminSocket(path);
    REQUIRE(socket.ok());
    CHECK(*socket == path + "/run/admin.sock");
  }
  CHECK(FindAdminSocket(path).status().code() == Code::kNotFound);
}

TEST_CASE("a supervisor that was killed is known by what it left, once") {
  TempDirectory temp;
  {
    auto state = StateDirectory::Open(Env::Default(), "p", temp.path);
    REQUIRE(state.ok());
    CHECK(!(*state)->left_by_force());
    std::filesystem::copy_file(temp.path + "/admin", temp.path + "/kept");
  }
  std::filesystem::rename(temp.path + "/kept", temp.path + "/admin");
  CHECK((*StateDirectory::Open(Env::Default(), "p", temp.path))->left_by_force());
  CHECK(!(*StateDirectory::Open(Env::Default(), "p", temp.path))->left_by_force());
}

TEST_CASE("a second supervisor is told who holds the lock") {
  TempDirectory temp;
  auto first = StateDirectory::Open(Env::Default(), "p", temp.path);
  REQUIRE(first.ok());
  auto second = StateDirectory::Open(Env::Default(), "p", temp.path);
  REQUIRE(!second.ok());
  CHECK(second.status().message() == "the state directory " + temp.path + " is locked by pid " +
                                         std::to_string(::getpid()) + ": this pipeline is already running");
  first->reset();
  CHECK(StateDirectory::Open(Env::Default(), "p", temp.path).ok());
}

TEST_CASE("a damaged generation file is an error, not generation 1") {
  TempDirectory temp;
  CHECK(StateDirectory::Open(Env::Default(), "p", temp.path).ok());
  REQUIRE(Env::Default()->WriteFileAtomically(temp.path + "/gen", "7\ncrc32c 00000000\n").ok());
  const auto state = StateDirectory::Open(Env::Default(), "p", temp.path);
  REQUIRE(!state.ok());
  CHECK(state.status().code() == Code::kCorruption);
}

TEST_CASE("a state path too long for sockets gets a short private run directory") {
  TempDirectory temp;
  auto state = StateDirectory::Open(Env::Default(), "p", temp.path + "/" + std::string(90, 'x'));
  REQUIRE_MESSAGE(state.ok(), state.status().ToString());
  const std::string run = (*state)->run_path();
  CHECK(run.starts_with("/tmp/streamrun-"));
  CHECK(run.size() < 60);
  auto endpoints = (*state)->MakeEndpoints(1);
  REQUIRE(endpoints.ok());
  CHECK(::access(endpoints->c_str(), F_OK) == 0);
  (*state)->RemoveEndpoints(1);
  CHECK(::access(endpoints->c_str(), F_OK) != 0);
  ::rmdir(run.c_str());
}

TEST_CASE("workers of an older generation are killed, a reused process id is not") {
  TempDirectory temp;
  const Lifeline lifeline;
  const auto sleeper = [&] {
    const pid_t pid = ::fork();
    if (pid == 0) lifeline.Hang();
    return pid;
  };
  const pid_t left = sleeper();
  const pid_t other = sleeper();
  std::string workers;
  for (const auto& [pid, offset] : {std::pair<pid_t, uint64_t>{left, 0}, {other, 1}}) {
    workers += std::to_string(pid) + " " + std::to_string(ProcessIdentity::StartTime(pid) + offset) + "\n";
  }
  REQUIRE(Env::Default()->WriteFileAtomically(temp.path + "/workers", workers).ok());
  auto state = StateDirectory::Open(Env::Default(), "p", temp.path);
  REQUIRE_MESSAGE(state.ok(), state.status().ToString());
  int status = 0;
  CHECK(::waitpid(left, &status, 0) == left);
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(::waitpid(other, &status, WNOHANG) == 0);
  ::kill(other, SIGKILL);
  ::waitpid(other, &status, 0);
}

TEST_CASE("a start time of zero means there is no such process") {
  CHECK(ProcessIdentity::StartTime(::getpid()) > 0);
  CHECK(ProcessIdentity::StartTime(0x3FFFFFFF) == 0);
}

}  // namespace
}  // namespace streamrun
