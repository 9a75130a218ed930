// The forgetful disk forgets what it may, and only that.
#include "tests/sim/crash_env.h"

#include <doctest/doctest.h>

#include <set>

namespace streamrun {
namespace {

// What is found over many crashes after `work`.
template <typename Work>
std::set<std::map<std::string, std::string>> Outcomes(const Work& work) {
  std::set<std::map<std::string, std::string>> outcomes;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    CrashEnv env;
    work(env);
    env.Crash(seed);
    outcomes.insert(env.Tree());
  }
  return outcomes;
}

void Append(CrashEnv& env, const std::string& path, const std::string& text, bool sync) {
  auto file = env.OpenForWrite(path, WriteMode::kAppend);
  REQUIRE(file.ok());
  REQUIRE((*file)->Append(text).ok());
  if (sync) REQUIRE((*file)->Sync().ok());
}

TEST_CASE("a file without a synced name may vanish, with its bytes synced or not") {
  const auto outcomes = Outcomes([](CrashEnv& env) { Append(env, "/a", "x", true); });
  CHECK(outcomes == std::set<std::map<std::string, std::string>>{{{"/", ""}}, {{"/", ""}, {"/a", "x"}}});
}

TEST_CASE("unsynced bytes may be there, torn or missing; synced ones stay") {
  const auto outcomes = Outcomes([](CrashEnv& env) {
    Append(env, "/a", "x", true);
    REQUIRE(env.SyncDirectory("/").ok());
    Append(env, "/a", "yz", false);
  });
  std::set<std::string> contents;
  for (const auto& tree : outcomes) contents.insert(tree.at("/a"));
  CHECK(contents == std::set<std::string>{"x", "xy", "xyz"});
}

TEST_CASE("a file replaced atomically is the old or the new one, afterwards the new one") {
  const auto replace = [](CrashEnv& env, uint64_t stop) {
    REQUIRE(env.WriteFileAtomically("/a", "old").ok());
    const uint64_t before = env.operations();
    env.StopAt(before + stop);
    return env.WriteFileAtomically("/a", "new").ok();
  };
  for (uint64_t stop = 0; stop <= 6; ++stop) {
    bool done = false;
    for (const auto& tree : Outcomes([&](CrashEnv& env) { done = replace(env, stop); })) {
      CHECK((tree.at("/a") == "new" || (!done && tree.at("/a") == "old")));
    }
    CHECK(done == (stop >= 5));
  }
}

TEST_CASE("a kill loses nothing but open files") {
  CrashEnv env;
  auto file = env.OpenForWrite("/a", WriteMode::kCreate);
  REQUIRE((*file)->Append("x").ok());
  env.Kill();
  CHECK(!(*file)->Append("y").ok());
  CHECK(*env.ReadFile("/a", 9) == "x");
}

TEST_CASE("linked files are one; a full disk says so") {
  CrashEnv env;
  Append(env, "/a", "x", true);
  REQUIRE(env.Link("/a", "/b").ok());
  Append(env, "/b", "y", true);
  CHECK(*env.ReadFile("/a", 9) == "xy");
  REQUIRE(env.Remove("/a").ok());
  CHECK(*env.ReadFile("/b", 9) == "xy");
  env.SetCapacity(3);
  auto file = env.OpenForWrite("/c", WriteMode::kCreate);
  CHECK((*file)->Append("zz").code() == Code::kResourceExhausted);
  CHECK((*file)->Append("z").ok());
}

}  // namespace
}  // namespace streamrun
