// Locks between processes: one holder, whose death frees it.
#include "core/base/file_lock.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "core/base/env.h"
#include "doctest/doctest.h"
#include "tests/lifeline.h"

namespace streamrun {
namespace {

struct TempDirectory {
  TempDirectory() {
    char name[] = "/tmp/streamrun_lock_XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~TempDirectory() {
    if (const auto names = Env::Default()->List(path); names.ok()) {
      for (const std::string& name : *names) (void)Env::Default()->Remove(path + "/" + name).ok();
    }
    ::rmdir(path.c_str());
  }
  std::string path;
};

TEST_CASE("one holder at a time; the file goes with the lock") {
  const TempDirectory directory;
  const std::string path = directory.path + "/lock";
  auto first = FileLock::Take(path);
  REQUIRE(first.ok());
  CHECK(FileLock::Take(path).status().ToString() ==
        "already_exists: " + path + " is locked by pid " + std::to_string(::getpid()));
  first->reset();
  CHECK(Env::Default()->List(directory.path)->empty());
  CHECK(FileLock::Take(path).ok());
  CHECK(FileLock::Take(directory.path + "/missing/lock").status().code() == Code::kNotFound);
  REQUIRE(::symlink("/dev/null", path.c_str()) == 0);
  CHECK(!FileLock::Take(path).ok());
}

TEST_CASE("a holder that is killed frees it, and its file is no lock any more") {
  const TempDirectory directory;
  const std::string path = directory.path + "/lock";
  const Lifeline lifeline;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto held = FileLock::Take(path);
    const char answer = held.ok() ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    lifeline.Hang();
  }
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK(FileLock::Take(path).status().message().ends_with("is locked by pid " + std::to_string(child)));
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(Env::Default()->Info(path).ok());
  CHECK(FileLock::Take(path).ok());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("however many take and let go, there are never two holders") {
  const TempDirectory directory;
  const std::string path = directory.path + "/lock";
  std::atomic<int> holders{0}, most{0}, taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 2'000; ++turn) {
        const auto lock = FileLock::Take(path);
        if (!lock.ok()) continue;
        ++taken;
        const int now = ++holders;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        --holders;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(taken > 100);
}

}  // namespace
}  // namespace streamrun
