// Scenario 74: what operators see of a wall clock that is set.
#include "runner/exec/processing_clock.h"

#include <doctest/doctest.h>

#include <vector>

#include "core/base/logging.h"
#include "runner/harness/virtual_env.h"

namespace streamrun {
namespace {

struct Clock {
  VirtualEnv env;
  ProcessingClock clock;
  std::vector<std::string> said;
  Clock() {
    StartLogging({LogLevel::kWarning, false, [this](std::string_view line) { said.emplace_back(line); }}, {});
  }
  ~Clock() { StartLogging({LogLevel::kInfo, false, nullptr}, {}); }
  Timestamp Now() { return clock.Now(&env); }
};

TEST_CASE_FIXTURE(Clock, "a clock that is set back stands still until it has caught up, and says so once") {
  const Timestamp begin = Now();
  env.JumpWall(-kHour);
  CHECK(Now() == begin);
  env.Advance(30 * kMinute);
  CHECK(Now() == begin);
  env.Advance(31 * kMinute);
  CHECK(Now() == begin + kMinute);
  REQUIRE(said.size() == 1);
  CHECK(said[0].find("set back by 3600 s") != std::string::npos);
}

TEST_CASE_FIXTURE(Clock, "a clock that is set forward is followed, and says so once") {
  const Timestamp begin = Now();
  env.JumpWall(kDay);
  CHECK(Now() == begin + kDay);
  env.Advance(kSecond);
  CHECK(Now() == begin + kDay + kSecond);
  REQUIRE(said.size() == 1);
  CHECK(said[0].find("set forward by 86400 s") != std::string::npos);
}

TEST_CASE_FIXTURE(Clock, "time that passes unseen and small corrections are no jump") {
  const Timestamp begin = Now();
  env.Advance(kDay);
  CHECK(Now() == begin + kDay);
  env.JumpWall(4 * kMinute);
  CHECK(Now() == begin + kDay + 4 * kMinute);
  env.JumpWall(-4 * kMinute);
  CHECK(Now() == begin + kDay + 4 * kMinute);
  CHECK(said.empty());
}

TEST_CASE_FIXTURE(Clock, "what a checkpoint has seen is not seen again") {
  clock.Restore(env.WallNow() + kHour);
  const Timestamp restored = Now();
  CHECK(restored == env.WallNow() + kHour);
  env.Advance(kMinute);
  CHECK(Now() == restored);
}

}  // namespace
}  // namespace streamrun
