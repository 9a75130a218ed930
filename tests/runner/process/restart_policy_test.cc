// When a failed region may start again.
#include "runner/process/restart_policy.h"

#include <doctest/doctest.h>

namespace streamrun {
namespace {

TEST_CASE("the delay doubles from 100 ms to 60 s with at most 10 % jitter") {
  RestartPolicy policy;
  Timestamp now = kHour;
  Duration expected = 100 * kMillisecond;
  for (int i = 0; i < 14; ++i) {
    const auto decision =
        policy.OnFailure(now, now - 1, true, static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15ull);
    REQUIRE(decision.restart);
    CHECK(decision.delay >= expected - expected / 10);
    CHECK(decision.delay <= expected + expected / 10);
    expected = expected * 2 > 60 * kSecond ? 60 * kSecond : expected * 2;
    now += 2 * kMinute;  // far enough apart for the failure rate, not for the healthy reset
  }
}

TEST_CASE("ten healthy minutes and a completed epoch bring the first delay back, neither does so alone") {
  struct Row {
    Duration ran;
    bool progressed;
    Duration delay;
  };
  for (const Row& row :
       {Row{10 * kMinute, true, 90 * kMillisecond}, Row{10 * kMinute - 1, true, 1440 * kMillisecond},
        Row{10 * kMinute, false, 1440 * kMillisecond}}) {
    RestartPolicy policy;
    for (int i = 0; i < 4; ++i) (void)policy.OnFailure(i * kSecond, i * kSecond, true, 0);
    CHECK(policy.OnFailure(kHour, kHour - row.ran, row.progressed, 0).delay == row.delay);
  }
}

TEST_CASE("more than ten failures within ten minutes end it") {
  RestartPolicy policy;
  for (int i = 0; i < 10; ++i) CHECK(policy.OnFailure(i * kSecond, i * kSecond, true, 0).restart);
  const auto decision = policy.OnFailure(11 * kSecond, 0, true, 0);
  CHECK(!decision.restart);
  CHECK(decision.reason == "it failed 11 times within 10 minutes");
}

TEST_CASE(
    "five failures in a row without a completed epoch are a crash loop; a completed one starts the count "
    "anew") {
  RestartPolicy policy;
  for (int i = 0; i < 4; ++i) CHECK(policy.OnFailure(i, i, false, 0).restart);
  CHECK(policy.OnFailure(4, 4, true, 0).restart);
  for (int i = 0; i < 4; ++i) CHECK(policy.OnFailure(i, i, false, 0).restart);
  const auto decision = policy.OnFailure(9, 9, false, 0);
  CHECK(!decision.restart);
  CHECK(decision.reason == "it failed 5 times in a row without completing a checkpoint");
}

}  // namespace
}  // namespace streamrun
