// Scenario 71 without processes: which deaths of workers prove what about which row.
#include "runner/process/poison_hunt.h"

#include <doctest/doctest.h>
#include <signal.h>

namespace streamrun {
namespace {

using Finding = PoisonHunt::Finding;

PoisonHunt::Place At(int64_t from, int64_t to, int node = 4, int instance = 0) {
  return {node, instance, from, to, 0, {}};
}

PoisonHunt::Place Row(int64_t index, uint64_t mark, int node = 4) {
  return {node, 0, index, index + 1, mark, "{\"id\": 7}"};
}

TEST_CASE("the third death in one place makes the next attempt careful around it") {
  PoisonHunt hunt;
  CHECK(hunt.OnDeath(At(200'000, 200'100)) == Finding::kNothing);
  CHECK(hunt.OnDeath(At(200'050, 200'400)) == Finding::kNothing);
  CHECK(hunt.careful().empty());
  CHECK(hunt.OnDeath(At(199'900, 200'200)) == Finding::kCareful);
  REQUIRE(hunt.careful().size() == 1);
  CHECK(hunt.careful()[0].node == 4);
  CHECK(hunt.careful()[0].from == 199'900 - PoisonHunt::kMargin);
  CHECK(hunt.careful()[0].to == 200'400 + PoisonHunt::kMargin);
  CHECK(hunt.careful()[0].poison.empty());
}

TEST_CASE("deaths in other places, of other causes, or with a checkpoint between them prove nothing") {
  const PoisonHunt::Place here = At(100, 200);
  struct Case {
    const char* name;
    PoisonHunt::Place other;
  };
  for (const Case& c : {Case{"rows far from it", At(300'000, 300'100)}, Case{"another node", At(100, 200, 5)},
                        Case{"another instance", At(100, 200, 4, 1)}, Case{"no rows at all", At(0, 0, -1)}}) {
    CAPTURE(c.name);
    PoisonHunt hunt;
    hunt.OnDeath(here);
    hunt.OnDeath(here);
    CHECK(hunt.OnDeath(c.other) == Finding::kNothing);
    CHECK(hunt.OnDeath(here) == Finding::kNothing);
  }
  PoisonHunt hunt;
  hunt.OnDeath(here);
  hunt.OnDeath(here);
  hunt.Forget();
  CHECK(hunt.OnDeath(here) == Finding::kNothing);
}

TEST_CASE("a row that was tried by itself is found at once, and rows like it leave from then on") {
  PoisonHunt hunt;
  for (int i = 0; i < 3; ++i) hunt.OnDeath(At(0, 500));
  CHECK(hunt.OnDeath(Row(17, 0xabc)) == Finding::kFoundRow);
  hunt.Divert(Row(17, 0xabc));
  hunt.Divert(Row(18, 0xabc));
  CHECK(hunt.OnDeath(Row(40, 0xdef)) == Finding::kFoundRow);
  hunt.Divert(Row(40, 0xdef));
  REQUIRE(hunt.careful().size() == 1);
  CHECK(hunt.careful()[0].poison == std::vector<uint64_t>{0xabc, 0xdef});
  CHECK(hunt.careful()[0].to == 500 + PoisonHunt::kMargin);
}

TEST_CASE("signals of a program's own doing count, being killed does not") {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) CHECK(PoisonHunt::IsOwnDoing(signal));
  for (const int signal : {SIGKILL, SIGTERM, SIGXCPU, 0}) CHECK(!PoisonHunt::IsOwnDoing(signal));
}

TEST_CASE("what a worker leaves is read as it was written") {
  BatchPlace place{};
  CHECK(PoisonHunt::Read(place, 2).node == -1);
  place.Enter(0, 10, 20);
  PoisonHunt::Place read = PoisonHunt::Read(place, 2);
  CHECK(read.node == 0);
  CHECK(read.instance == 2);
  CHECK(read.from == 10);
  CHECK(read.to == 20);
  CHECK(read.row == 0);
  place.EnterRow(0, 12, 99, std::string(1'000, 'x'));
  read = PoisonHunt::Read(place, 2);
  CHECK(read.from == 12);
  CHECK(read.row == 99);
  CHECK(read.text == std::string(BatchPlace::kText - 1, 'x'));
  place.Enter(0, 20, 30);
  CHECK(PoisonHunt::Read(place, 2).row == 0);
  place.Leave();
  CHECK(PoisonHunt::Read(place, 2).node == -1);
}

}  // namespace
}  // namespace streamrun
