#include "core/stream/circuit_breaker.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace streamrun {
namespace {

using State = CircuitBreaker::State;

// Plays a script, a step a word: "a" a call begins and is let through, "x" it is not; "+" one succeeds, "-"
// fails,
// "~" neither; a number moves the clock to that second. Returns the state at the end as a letter.
std::string Play(BreakerOptions options, const std::vector<std::string>& script) {
  CircuitBreaker breaker(options);
  Timestamp now = 0;
  for (const std::string& step : script) {
    INFO("step ", step, " at ", now);
    if (step == "a" || step == "x") {
      CHECK(breaker.Allow(now) == (step == "a"));
    } else if (step == "+") {
      breaker.OnSuccess();
    } else if (step == "-") {
      breaker.OnFailure(now);
    } else if (step == "~") {
      breaker.OnNeither();
    } else {
      now = std::stoll(step) * kSecond;
    }
  }
  return breaker.state() == State::kClosed ? "closed" : breaker.state() == State::kOpen ? "open" : "half";
}

TEST_CASE("the table of a breaker: three failures, ten seconds, two probes") {
  const BreakerOptions options{3, 10 * kSecond, 2};
  struct Row {
    const char* what;
    std::vector<std::string> script;
    const char* end;
  };
  const std::vector<Row> table{
      {"failures with a success between do not open",
       {"a", "-", "a", "-", "a", "+", "a", "-", "a", "-"},
       "closed"},
      {"three in a row open", {"a", "-", "a", "-", "a", "-", "x", "9", "x"}, "open"},
      {"an answer that says nothing does not count", {"a", "-", "a", "-", "a", "~", "a"}, "closed"},
      {"one probe at a time", {"-", "-", "-", "10", "a", "x", "x"}, "half"},
      {"a failed probe opens anew", {"-", "-", "-", "10", "a", "-", "19", "x", "20", "a"}, "half"},
      {"one good probe of two", {"-", "-", "-", "10", "a", "+", "a"}, "half"},
      {"two good probes close", {"-", "-", "-", "10", "a", "+", "a", "+", "a", "a"}, "closed"},
      {"a probe without a verdict may be repeated", {"-", "-", "-", "10", "a", "~", "a", "x"}, "half"},
      {"a late success of before does not close", {"a", "a", "-", "-", "-", "+", "x"}, "open"},
      {"closed again it counts from nought",
       {"-", "-", "-", "10", "a", "+", "a", "+", "a", "-", "a", "-", "a"},
       "closed"},
  };
  for (const Row& row : table) {
    INFO(row.what);
    CHECK(Play(options, row.script) == row.end);
  }
}

TEST_CASE("zero failures: it never opens") {
  CHECK(Play({}, {"-", "-", "-", "-", "-", "-", "a"}) == "closed");
}

}  // namespace
}  // namespace streamrun
