#include "tests/operators/operator_fixture.h"

namespace streamrun::testing {
namespace {

const Conf kByPrice = {{"routes", {{"dear", "price >= 100"}, {"fair", "price >= 10"}}}};
const TextRows kPrices = {{"5"}, {"50"}, {"500"}, {"NULL"}, {"100"}};

TEST_CASE("each row leaves by the first route whose condition is true") {
  for (const bool each : {false, true}) {
    OperatorRun run("route", kByPrice, {SchemaOf("price bigint")});
    REQUIRE(run.bound->ports.size() == 3);
    CHECK(run.bound->ports[2].name == "unmatched");
    CHECK(run.bound->ports[2].role == PortRole::kSide);
    each ? run.FeedEach(kPrices) : run.Feed(kPrices);
    run.Feed({});
    CHECK(run.port("dear") == Texts{"500", "100"});
    CHECK(run.port("fair") == Texts{"50"});
    CHECK(run.port("unmatched") == Texts{"5", "NULL"});
    CHECK(run.count(Fate::kUnmatched) == 2);
  }
}

TEST_CASE("mode all gives a row to every route whose condition is true") {
  OperatorRun run("route", {{"routes", {{"dear", "price >= 100"}, {"fair", "price >= 10"}}}, {"mode", "all"}},
                  {SchemaOf("price bigint")});
  run.Feed(kPrices);
  CHECK(run.port("dear") == Texts{"500", "100"});
  CHECK(run.port("fair") == Texts{"50", "500", "100"});
  CHECK(run.port("unmatched") == Texts{"5", "NULL"});
}

TEST_CASE("a condition counts only for rows that no earlier route took") {
  const TextRows rows = {{"0"}, {"1"}, {"20"}};
  OperatorRun first("route", {{"routes", {{"zero", "a = 0"}, {"big", "10 / a < 1"}}}},
                    {SchemaOf("a bigint")});
  first.Feed(rows);
  CHECK(first.port("zero") == Texts{"0"});
  CHECK(first.port("big") == Texts{"20"});
  CHECK(first.port("unmatched") == Texts{"1"});
  CHECK(first.out->failures.empty());

  OperatorRun failing("route", {{"routes", {{"big", "10 / a < 1"}, {"zero", "a = 0"}}}},
                      {SchemaOf("a bigint")});
  failing.Feed(rows);
  CHECK(failing.port("zero").empty());
  CHECK(failing.out->failures == Texts{"0: 22012 division by zero"});
}

TEST_CASE("with mode all a row that fails in one condition leaves by no route") {
  OperatorRun run("route", {{"routes", {{"zero", "a = 0"}, {"big", "10 / a < 1"}}}, {"mode", "all"}},
                  {SchemaOf("a bigint")});
  run.Feed({{"0"}, {"1"}, {"20"}});
  CHECK(run.port("zero").empty());
  CHECK(run.port("big") == Texts{"20"});
  CHECK(run.port("unmatched") == Texts{"1"});
  CHECK(run.count(Fate::kUnmatched) == 1);
  CHECK(run.out->failures == Texts{"0: 22012 division by zero"});
}

TEST_CASE("an update whose rows take different routes becomes a delete here and an insert there") {
  OperatorRun run("route", kByPrice, {WithChanges(SchemaOf("price bigint"))});
  run.Feed({{"-U", "100"}, {"+U", "50"}, {"-U", "50"}, {"+U", "60"}, {"-U", "60"}, {"+U", "1"}});
  CHECK(run.port("dear") == Texts{"-D 100"});
  CHECK(run.port("fair") == Texts{"+I 50", "-U 50", "+U 60", "-D 60"});
  CHECK(run.port("unmatched") == Texts{"+I 1"});
}

TEST_CASE("route needs the columns of its conditions and what any port wants") {
  OperatorRun run("route", kByPrice, {SchemaOf("price bigint, a text, b text, c text")});
  const std::vector<bool> none(4, false);
  CHECK(run.bound->NeededColumns(0, {none, {false, true, false, false}, {false, false, true, false}}) ==
        std::vector<bool>{true, true, true, false});
}

TEST_CASE("a route's name must be fit to be a port") {
  const auto problems = [](const char* name) {
    return BindOperator("route", {{"routes", {{name, "true"}}}}, {SchemaOf("a bigint")}).problems;
  };
  CHECK(problems("errors") ==
        Texts{"route.reserved_name: 'errors' is the name of a port with a meaning of its own"});
  CHECK(problems("unmatched").size() == 1);
  CHECK(problems("Dear") == Texts{"route.name: 'Dear' cannot be the name of a port"});
  CHECK(problems("1st").size() == 1);
  CHECK(problems("ok").empty());
  CHECK(BindOperator("route", {{"routes", Conf({})}}, {SchemaOf("a bigint")}).problems ==
        Texts{"route.empty: 'routes' must not be empty"});
}

}  // namespace
}  // namespace streamrun::testing
