#include "tests/operators/operator_fixture.h"

namespace streamrun::testing {
namespace {

TEST_CASE("filter passes rows for which the condition is true, not false or null") {
  const SchemaPtr schema = SchemaOf("a bigint, b text");
  const TextRows rows = {{"1", "x"}, {"NULL", "y"}, {"12", "z"}, {"11", "NULL"}};
  for (const bool each : {false, true}) {
    OperatorRun run("filter", {{"where", "a > 10"}}, {schema});
    each ? run.FeedEach(rows) : run.Feed(rows);
    CHECK(run.ok() == Texts{"12 | z", "11 | NULL"});
    CHECK(run.count(Fate::kFiltered) == 2);
    CHECK(run.out->failures.empty());
  }
}

TEST_CASE("filter shares the batch when every row passes and gives nothing for an empty one") {
  const SchemaPtr schema = SchemaOf("a bigint");
  OperatorRun run("filter", {{"where", "a > 0"}}, {schema});
  const BatchPtr batch = BatchOf(schema, {{"1"}, {"2"}});
  run.FeedBatch(0, batch);
  REQUIRE(run.out->batches.size() == 1);
  CHECK(run.out->batches[0] == batch);
  run.Feed({});
  CHECK(run.out->batches.size() == 1);
  CHECK(run.count(Fate::kFiltered) == 0);
}

TEST_CASE("a row whose condition cannot be computed fails, and the others go on") {
  OperatorRun run("filter", {{"where", "10 / a > 1"}}, {SchemaOf("a bigint")});
  CHECK(run.bound->can_fail);
  run.Feed({{"1"}, {"0"}, {"20"}, {"0"}, {"5"}});
  CHECK(run.ok() == Texts{"1", "5"});
  CHECK(run.out->failures == Texts{"1: 22012 division by zero", "3: 22012 division by zero"});
  CHECK(run.count(Fate::kFiltered) == 1);
  CHECK(run.out->offsets == std::vector<int64_t>{100, 104});
}

TEST_CASE("filter turns half an update into a delete or an insert") {
  OperatorRun run("filter", {{"where", "a > 10"}}, {WithChanges(SchemaOf("k text, a bigint"))});
  run.Feed({{"+I", "x", "20"},
            {"-U", "x", "20"},
            {"+U", "x", "30"},  // pass, pass
            {"-U", "x", "30"},
            {"+U", "x", "5"},  // pass, fail
            {"-U", "x", "5"},
            {"+U", "x", "6"},  // fail, fail
            {"-U", "x", "6"},
            {"+U", "x", "40"},  // fail, pass
            {"-D", "x", "40"},
            {"-D", "y", "1"}});
  CHECK(run.ok() == Texts{"+I x | 20", "-U x | 20", "+U x | 30", "-D x | 30", "+I x | 40", "-D x | 40"});
  CHECK(run.count(Fate::kFiltered) == 5);
}

TEST_CASE("filter reads only the columns of its condition and those wanted behind it") {
  const SchemaPtr schema = SchemaOf("a bigint, b text, c text");
  OperatorRun run("filter", {{"where", "a > 1"}}, {schema});
  const std::vector<bool> needed = run.bound->NeededColumns(0, {{false, true, false}});
  CHECK(needed == std::vector<bool>{true, true, false});
  run.FeedBatch(0, OperatorRun::Prune(BatchOf(schema, {{"1", "x", "p"}, {"2", "y", "q"}}), needed));
  CHECK(run.ok() == Texts{"2 | y | -"});
}

TEST_CASE("filter refuses a condition that is not boolean and one that varies on changes") {
  CHECK(BindOperator("filter", {{"where", "a + 1"}}, {SchemaOf("a bigint")}).problems.size() == 1);
  CHECK(BindOperator("filter", {{"where", "random() < 0.5"}}, {SchemaOf("a bigint")}).problems.empty());
  const Texts problems =
      BindOperator("filter", {{"where", "random() < 0.5"}}, {WithChanges(SchemaOf("a bigint"))}).problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].starts_with("expr.volatile_on_changes: "));
}

}  // namespace
}  // namespace streamrun::testing
