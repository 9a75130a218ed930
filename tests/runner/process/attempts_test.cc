// Which failures are worth another attempt, and what is said when none is.
#include "runner/process/attempts.h"

#include <doctest/doctest.h>

namespace streamrun {
namespace {

Env* Real() { return Env::Default(); }

TEST_CASE("another attempt begins after the delay and forgets what ended the one before") {
  Attempts attempts(Real());
  attempts.Begin();
  CHECK(attempts.next_at() == kMaxTimestamp);
  attempts.Fail(Status::Unavailable("a worker died"), false);
  const Timestamp now = Real()->MonotonicNow();
  REQUIRE(attempts.Another(false));
  CHECK(attempts.next_at() >= now + 90 * kMillisecond);
  CHECK(attempts.next_at() <= Real()->MonotonicNow() + 110 * kMillisecond);
  CHECK(attempts.restarts() == 1);
  CHECK(attempts.last_failure() == "a worker died");
  attempts.Begin();
  CHECK(!attempts.failed());
  CHECK(attempts.failure().ok());
  CHECK(attempts.next_at() == kMaxTimestamp);
  CHECK(attempts.last_failure() == "a worker died");
}

TEST_CASE("what comes again whatever is done is not tried again") {
  struct Row {
    const char* what;
    Status failure;
    bool opening;
    bool worked;
    bool another;
    int exit_code;
  };
  const Row rows[] = {
      {"the user's fault", Status::InvalidArgument("x"), false, true, false, 1},
      {"damaged data", Status::Corruption("x").WithFault(Fault::kExternal), false, true, false, 1},
      {"damaged data that may be whole again",
       Status::Corruption("x").WithFault(Fault::kExternal).WithRetry(true), false, true, true, 1},
      {"cannot be opened at first", Status::IoError("x").WithRetry(false), true, false, false, 3},
      {"cannot be opened at first, for now", Status::Unavailable("x"), true, false, true, 1},
      {"cannot be opened again", Status::IoError("x").WithRetry(false), true, true, true, 1},
      {"fails at work", Status::IoError("x").WithRetry(false), false, false, true, 1},
      {"a bug while opening", Status::Internal("x"), true, false, true, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Attempts attempts(Real());
    attempts.Begin();
    if (row.worked) attempts.Work(), attempts.Begin();
    attempts.Fail(row.failure, row.opening);
    CHECK(attempts.Another(true) == row.another);
    CHECK((attempts.next_at() == kMaxTimestamp) == !row.another);
    if (!row.another) CHECK(attempts.exit_code() == row.exit_code);
    CHECK(attempts.restarts() == (row.another ? 1 : 0));
  }
}

TEST_CASE("a crash loop is given up, and what is given up does not come back") {
  Attempts attempts(Real());
  for (int i = 1; i <= RestartPolicy::kMaxFruitless; ++i) {
    attempts.Begin();
    attempts.Work();
    attempts.Fail(Status::Unavailable("again"), false);
    CHECK(attempts.Another(false) == (i < RestartPolicy::kMaxFruitless));
  }
  CHECK(attempts.restarts() == RestartPolicy::kMaxFruitless - 1);
  CHECK(attempts.exit_code() == 1);
  CHECK(attempts.last_failure() == "again");
  Attempts cancelled(Real());
  cancelled.Begin();
  cancelled.Fail(Status::Unavailable("x"), false);
  REQUIRE(cancelled.Another(false));
  cancelled.Cancel();
  CHECK(cancelled.next_at() == kMaxTimestamp);
}

}  // namespace
}  // namespace streamrun
