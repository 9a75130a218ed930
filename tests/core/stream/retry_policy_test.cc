#include "core/stream/retry_policy.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

namespace streamrun {
namespace {

constexpr uint64_t kNoLuck = 0;              // chance takes nothing off
constexpr uint64_t kAllLuck = ~uint64_t{0};  // all but a hair of the jitter
constexpr Duration kHair = 1 * kMillisecond;

TEST_CASE("pauses double up to the longest") {
  const RetryPolicy policy({100 * kMillisecond, 2 * kSecond, 2, 0.5});
  const std::vector<Duration> expected{100, 200, 400, 800, 1600, 2000, 2000};
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto d = policy.OnFailure(static_cast<int64_t>(i) + 1, 0, 0, kNoLuck);
    CHECK(d.again);
    CHECK(d.pause == expected[i] * kMillisecond);
  }
  CHECK(policy.OnFailure(1'000'000'000, 0, 0, kNoLuck).pause == 2 * kSecond);
}

TEST_CASE("jitter takes off at most its share") {
  const RetryPolicy policy({1 * kSecond, 10 * kSecond, 3, 0.25});
  const Duration least = policy.OnFailure(1, 0, 0, kAllLuck).pause;
  CHECK(least >= 750 * kMillisecond);
  CHECK(least < 750 * kMillisecond + kHair);
  CHECK(policy.OnFailure(2, 0, 0, kNoLuck).pause == 3 * kSecond);
  const RetryPolicy plain({1 * kSecond, 10 * kSecond, 2, 0});
  CHECK(plain.OnFailure(1, 0, 0, kAllLuck).pause == 1 * kSecond);
}

TEST_CASE("what the peer asks for is never undercut, and has a limit") {
  const RetryPolicy policy({100 * kMillisecond, 1 * kSecond, 2, 0.5});
  for (const uint64_t random : {kNoLuck, kAllLuck, uint64_t{1} << 63}) {
    const Duration pause = policy.OnFailure(1, 0, 7 * kSecond, random).pause;
    CHECK(pause >= 7 * kSecond);
    CHECK(pause < 7 * kSecond + 50 * kMillisecond);
  }
  CHECK(policy.OnFailure(4, 0, 10 * kMillisecond, kNoLuck).pause == 800 * kMillisecond);
  CHECK(policy.OnFailure(1, 0, 9 * kHour, kNoLuck).pause == RetryPolicy::kLongestWish);
}

TEST_CASE("limits on attempts and on time") {
  const RetryPolicy three({1 * kSecond, 10 * kSecond, 2, 0, 3, 0});
  CHECK(three.OnFailure(1, kHour, 0, kNoLuck).again);
  CHECK(three.OnFailure(2, kHour, 0, kNoLuck).again);
  CHECK_FALSE(three.OnFailure(3, 0, 0, kNoLuck).again);
  const RetryPolicy ten({1 * kSecond, 10 * kSecond, 2, 0, 0, 10 * kSecond});
  CHECK(ten.OnFailure(1, 9 * kSecond, 0, kNoLuck).again);
  // The next attempt would begin behind the limit.
  CHECK_FALSE(ten.OnFailure(1, 9 * kSecond + 1, 0, kNoLuck).again);
  CHECK_FALSE(ten.OnFailure(1, 0, 11 * kSecond, kNoLuck).again);
}

}  // namespace
}  // namespace streamrun
