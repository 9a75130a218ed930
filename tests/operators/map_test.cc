#include "tests/operators/operator_fixture.h"

namespace streamrun::testing {
namespace {

std::shared_ptr<Schema> Bids() {
  auto schema = SchemaOf("auction bigint, price bigint, at timestamp, note text");
  schema->event_time = 2;
  return schema;
}
const TextRows kBids = {{"1", "100", "2024-01-01 00:00:01", "a"}, {"2", "NULL", "2024-01-01 00:00:02", "b"}};

std::string Columns(const OperatorRun& run) { return run.bound->outputs[0]->ToString(); }

TEST_CASE("select names every output column in its order") {
  OperatorRun run("map", {{"select", {{"p", "price * 2"}, {"auction", "auction"}, {"at", "at"}}}}, {Bids()});
  CHECK(Columns(run) == "p bigint, auction bigint, at timestamp");
  CHECK(run.bound->outputs[0]->event_time == 2);
  run.Feed(kBids);
  CHECK(run.ok() == Texts{"200 | 1 | 2024-01-01 00:00:01", "NULL | 2 | 2024-01-01 00:00:02"});
  CHECK(run.out->offsets == std::vector<int64_t>{100, 101});
}

TEST_CASE("keep takes columns in the order of its list and shares them") {
  const SchemaPtr schema = Bids();
  OperatorRun run("map", {{"keep", Conf::List({"note", "auction"})}}, {schema});
  CHECK(Columns(run) == "note text, auction bigint");
  CHECK(run.bound->outputs[0]->event_time == -1);
  CHECK_FALSE(run.bound->can_fail);
  const BatchPtr batch = BatchOf(schema, kBids);
  run.FeedBatch(0, batch);
  CHECK(run.ok() == Texts{"a | 1", "b | 2"});
  CHECK(run.out->batches[0]->column(0) == batch->column(3));
  CHECK(run.out->batches[0]->column(1) == batch->column(0));
}

TEST_CASE("drop, rename and set apply in that order while expressions read the input") {
  OperatorRun run("map",
                  {{"drop", Conf::List({"note"})},
                   {"rename", {{"price", "dollars"}, {"at", "bid_time"}}},
                   {"set", {{"auction", "auction + price"}, {"twice", "auction * 2"}}}},
                  {Bids()});
  CHECK(Columns(run) == "auction bigint, dollars bigint, bid_time timestamp, twice bigint");
  CHECK(run.bound->outputs[0]->event_time == 2);
  run.Feed(kBids);
  // `twice` reads the auction of the input, not the one that the line above it sets.
  CHECK(run.ok() == Texts{"101 | 100 | 2024-01-01 00:00:01 | 2", "NULL | NULL | 2024-01-01 00:00:02 | 4"});
}

TEST_CASE("two columns can swap names") {
  OperatorRun run("map", {{"rename", {{"a", "b"}, {"b", "a"}}}}, {SchemaOf("a bigint, b text")});
  CHECK(Columns(run) == "b bigint, a text");
}

TEST_CASE("window and event-time marks stay with their columns and are lost when those are computed anew") {
  auto schema = SchemaOf("s timestamp, e timestamp, t timestamp");
  schema->window_start = 0;
  schema->window_end = 1;
  schema->event_time = 2;
  OperatorRun kept("map", {{"select", {{"t", "t"}, {"begin", "s"}, {"e", "e"}}}}, {schema});
  CHECK(kept.bound->outputs[0]->event_time == 0);
  CHECK(kept.bound->outputs[0]->window_start == 1);
  CHECK(kept.bound->outputs[0]->window_end == 2);
  OperatorRun computed("map", {{"set", {{"t", "t + interval '1 second'"}}}}, {schema});
  CHECK(computed.bound->outputs[0]->event_time == -1);
  CHECK(computed.bound->outputs[0]->window_start == 0);
}

TEST_CASE("a row that fails in several expressions fails once with the first reason; the others go on") {
  const TextRows rows = {{"2", "10"}, {"0", "x"}, {"5", "y"}, {"0", "7"}};
  OperatorRun run("map", {{"select", {{"q", "10 / a"}, {"n", "b::bigint"}}}}, {SchemaOf("a bigint, b text")});
  CHECK(run.bound->can_fail);
  run.Feed(rows);
  CHECK(run.ok() == Texts{"5 | 10"});
  CHECK(run.out->failures == Texts{"1: 22012 division by zero",
                                   "2: 22P02 invalid input syntax for type bigint: \"y\"",
                                   "3: 22012 division by zero"});
}

TEST_CASE("a failed half of an update leaves a delete or an insert of the other half") {
  OperatorRun run("map", {{"select", {{"q", "10 / a"}}}}, {WithChanges(SchemaOf("a bigint"))});
  run.Feed({{"-U", "1"}, {"+U", "0"}, {"-U", "0"}, {"+U", "2"}, {"-U", "2"}, {"+U", "5"}});
  CHECK(run.ok() == Texts{"-D 10", "+I 5", "-U 5", "+U 2"});
  CHECK(run.out->failures.size() == 2);
}

TEST_CASE("map reads what wanted columns need, and always what can fail") {
  const SchemaPtr schema = SchemaOf("a bigint, b bigint, c text");
  OperatorRun run("map", {{"select", {{"sum", "a > b"}, {"upper", "upper(c)"}, {"c", "c"}}}}, {schema});
  CHECK(run.bound->NeededColumns(0, {{false, false, false}}) == std::vector<bool>{false, false, false});
  CHECK(run.bound->NeededColumns(0, {{true, false, false}}) == std::vector<bool>{true, true, false});
  const std::vector<bool> needed = run.bound->NeededColumns(0, {{false, true, false}});
  CHECK(needed == std::vector<bool>{false, false, true});
  run.FeedBatch(0, OperatorRun::Prune(BatchOf(schema, {{"1", "2", "x"}}), needed));
  CHECK(run.ok() == Texts{"- | X | x"});

  OperatorRun failing("map", {{"select", {{"q", "a / b"}, {"c", "c"}}}}, {schema});
  CHECK(failing.bound->NeededColumns(0, {{false, true}}) == std::vector<bool>{true, true, true});
}

TEST_CASE("an unwanted column that cannot fail is not computed, one that can fail is") {
  const std::vector<std::vector<bool>> wanted = {{false, false, true}};
  OperatorRun run("map", {{"select", {{"up", "upper(c)"}, {"q", "10 / a"}, {"c", "c"}}}},
                  {SchemaOf("a bigint, c text")});
  run.context.wanted = &wanted;
  REQUIRE(run.op->Open(run.context).ok());
  run.Feed({{"0", "x"}, {"5", "y"}});
  CHECK(run.ok() == Texts{"- | 2 | y"});
  CHECK(run.out->failures.size() == 1);
}

TEST_CASE("map says what is wrong with its fields") {
  const auto problems = [](const Conf& config) { return BindOperator("map", config, {Bids()}).problems; };
  CHECK(problems(Conf({})) == Texts{"map.nothing: operator 'map' changes nothing"});
  CHECK(problems({{"select", {{"a", "price"}}}, {"keep", Conf::List({"price"})}})[0].starts_with(
      "map.exclusive: "));
  CHECK(problems({{"keep", Conf::List({"price"})}, {"drop", Conf::List({"note"})}})[0].starts_with(
      "map.exclusive: "));
  CHECK(problems({{"keep", Conf::List({"price", "price"})}}) ==
        Texts{"map.duplicate_column: column 'price' would be there twice"});
  CHECK(problems({{"rename", {{"price", "note"}}}}) ==
        Texts{"map.duplicate_column: column 'note' would be there twice"});
  CHECK(problems({{"keep", Conf::List({"note"})}, {"rename", {{"price", "p"}}}}) ==
        Texts{"map.not_kept: column 'price' is renamed but not kept"});
  CHECK(problems({{"drop", Conf::List({"prise"})}})[0].starts_with("schema.unknown_column: "));
  CHECK(problems({{"set", {{"x", "prise + 1"}, {"y", "notes"}}}}).size() == 2);
  CHECK(problems({{"drop", Conf::List({"auction", "price", "at", "note"})}})[0].starts_with(
      "map.no_columns: "));
}

TEST_CASE("a volatile expression is refused on changes only") {
  CHECK(BindOperator("map", {{"set", {{"r", "random()"}}}}, {SchemaOf("a bigint")}).problems.empty());
  const Texts problems =
      BindOperator("map", {{"set", {{"r", "random()"}}}}, {WithChanges(SchemaOf("a bigint"))}).problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].starts_with("expr.volatile_on_changes: "));
}

}  // namespace
}  // namespace streamrun::testing
