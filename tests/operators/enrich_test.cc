#include "tests/operators/operator_fixture.h"

namespace streamrun::testing {
namespace {

FakeTable Auctions() {
  return {SchemaOf("id bigint, seller text, reserve bigint"),
          {{"1", "ann", "10"}, {"2", "bob", "NULL"}, {"NULL", "nobody", "0"}, {"4", "dan", "0"}}};
}
const TextRows kBids = {{"2", "5"}, {"1", "7"}, {"9", "8"}, {"NULL", "9"}, {"1", "10"}};
const Conf kTable = {{"path", "unused"}};

TEST_CASE("a matched row gets the table's columns; an unmatched one leaves as it came") {
  for (const bool each : {false, true}) {
    FakeTable table = Auctions();
    OperatorRun run("enrich", {{"table", kTable}, {"on", "auction = id"}},
                    {SchemaOf("auction bigint, price bigint")}, &table);
    CHECK(run.bound->outputs[0]->ToString() == "auction bigint, price bigint, seller text, reserve bigint");
    CHECK_FALSE(run.bound->can_fail);
    each ? run.FeedEach(kBids) : run.Feed(kBids);
    run.Feed({});
    CHECK(run.ok() == Texts{"2 | 5 | bob | NULL", "1 | 7 | ann | 10", "1 | 10 | ann | 10"});
    CHECK(run.port("unmatched") == Texts{"9 | 8", "NULL | 9"});
    CHECK(run.count(Fate::kUnmatched) == 2);
  }
}

TEST_CASE("unmatched: null and drop have no port") {
  FakeTable table = Auctions();
  OperatorRun null("enrich", {{"table", kTable}, {"on", "auction = id"}, {"unmatched", "null"}},
                   {SchemaOf("auction bigint, price bigint")}, &table);
  CHECK(null.bound->ports.size() == 1);
  null.Feed(kBids);
  CHECK(null.ok() == Texts{"2 | 5 | bob | NULL", "1 | 7 | ann | 10", "9 | 8 | NULL | NULL",
                           "NULL | 9 | NULL | NULL", "1 | 10 | ann | 10"});
  CHECK(null.count(Fate::kUnmatched) == 0);
  CHECK(null.out->offsets == std::vector<int64_t>{100, 101, 102, 103, 104});

  OperatorRun drop("enrich", {{"table", kTable}, {"on", "auction = id"}, {"unmatched", "drop"}},
                   {SchemaOf("auction bigint, price bigint")}, &table);
  CHECK(drop.bound->ports.size() == 1);
  drop.Feed(kBids);
  CHECK(drop.ok().size() == 3);
  CHECK(drop.count(Fate::kUnmatched) == 2);
}

TEST_CASE("select computes over both sides and keeps the event-time mark") {
  FakeTable table = Auctions();
  auto schema = SchemaOf("auction bigint, price bigint, at timestamp");
  schema->event_time = 2;
  OperatorRun run(
      "enrich",
      {{"table", kTable},
       {"on", "lookup.id = input.auction"},
       {"select", {{"when", "at"}, {"who", "upper(seller)"}, {"over", "price - lookup.reserve"}}}},
      {schema}, &table);
  CHECK(run.bound->outputs[0]->ToString() == "when timestamp, who text, over bigint");
  CHECK(run.bound->outputs[0]->event_time == 0);
  run.Feed({{"1", "12", "2024-01-01 00:00:00"}});
  CHECK(run.ok() == Texts{"2024-01-01 00:00:00 | ANN | 2"});
}

TEST_CASE("an expression that fails on a matched row sends the input row to errors") {
  FakeTable table = Auctions();
  OperatorRun run(
      "enrich",
      {{"table", kTable}, {"on", "auction = id"}, {"select", {{"q", "price / reserve"}, {"p", "price"}}}},
      {SchemaOf("auction bigint, price bigint")}, &table);
  CHECK(run.bound->can_fail);
  run.Feed({{"9", "1"}, {"4", "2"}, {"1", "30"}, {"4", "3"}});
  CHECK(run.ok() == Texts{"3 | 30"});
  CHECK(run.out->offsets == std::vector<int64_t>{102, 100});  // the matched row, then the unmatched one
  CHECK(run.out->failures == Texts{"1: 22012 division by zero", "3: 22012 division by zero"});
}

TEST_CASE("a key that cannot be computed sends the row to errors, not to unmatched") {
  FakeTable table = Auctions();
  OperatorRun run("enrich", {{"table", kTable}, {"on", "auction::bigint = id"}}, {SchemaOf("auction text")},
                  &table);
  run.Feed({{"1"}, {"x"}, {"7"}});
  CHECK(run.ok() == Texts{"1 | ann | 10"});
  CHECK(run.port("unmatched") == Texts{"7"});
  CHECK(run.out->failures == Texts{"1: 22P02 invalid input syntax for type bigint: \"x\""});
}

TEST_CASE("text keys, keys of several columns and keys of different numeric types are found") {
  FakeTable text{SchemaOf("code text, name text"), {{"de", "Germany"}, {"", "empty"}, {"es", "Spain"}}};
  OperatorRun by_text("enrich", {{"table", kTable}, {"on", "country = code"}}, {SchemaOf("country text")},
                      &text);
  by_text.Feed({{"es"}, {""}, {"d"}, {"de"}, {"NULL"}});
  CHECK(by_text.ok() == Texts{"es | Spain", " | empty", "de | Germany"});

  FakeTable pair{SchemaOf("k text, n bigint, v text"),
                 {{"a", "1", "a1"}, {"a", "2", "a2"}, {"b", "NULL", "b?"}}};
  OperatorRun by_pair("enrich", {{"table", kTable}, {"on", "x = k AND y = n"}},
                      {SchemaOf("x text, y bigint")}, &pair);
  CHECK(by_pair.bound->outputs[0]->ToString() == "x text, y bigint, v text");
  by_pair.Feed({{"a", "2"}, {"b", "1"}, {"a", "1"}, {"b", "NULL"}});
  CHECK(by_pair.ok() == Texts{"a | 2 | a2", "a | 1 | a1"});

  FakeTable small{SchemaOf("id integer, v text"), {{"-3", "minus"}, {"7", "seven"}}};
  OperatorRun wider("enrich", {{"table", kTable}, {"on", "x = id"}}, {SchemaOf("x bigint")}, &small);
  CHECK(wider.bound->outputs[0]->ToString() == "x bigint, v text");
  wider.Feed({{"7"}, {"4294967303"}, {"-3"}});
  CHECK(wider.ok() == Texts{"7 | seven", "-3 | minus"});

  FakeTable decimals{SchemaOf("amount numeric(6,3), v text"), {{"1.500", "x"}, {"2.000", "y"}}};
  OperatorRun scaled("enrich", {{"table", kTable}, {"on", "a = amount"}}, {SchemaOf("a numeric(4,1)")},
                     &decimals);
  scaled.Feed({{"1.5"}, {"2.0"}, {"2.1"}});
  CHECK(scaled.ok() == Texts{"1.5 | x", "2.0 | y"});
}

TEST_CASE("a duplicate key or one that cannot be computed fails the table and names the rows") {
  FakeTable twice = Auctions();
  twice.rows.push_back({"2", "eve", "1"});
  OperatorRun run("enrich", {{"table", kTable}, {"on", "auction = id"}}, {SchemaOf("auction bigint")},
                  &twice);
  CHECK(run.opened.message() == "table: key 2 is there twice, in rows 2 and 5: keys must be unique");

  FakeTable bad{SchemaOf("id text, v text"), {{"1", "a"}, {"?", "b"}}};
  OperatorRun failing("enrich", {{"table", kTable}, {"on", "auction = id::bigint"}},
                      {SchemaOf("auction bigint")}, &bad);
  CHECK(failing.opened.message().starts_with("table: row 2: the key cannot be computed: "));
}

TEST_CASE("an empty table matches nothing") {
  FakeTable empty{SchemaOf("id bigint, v text"), {}};
  OperatorRun run("enrich", {{"table", kTable}, {"on", "a = id"}}, {SchemaOf("a bigint")}, &empty);
  run.Feed({{"1"}, {"0"}});
  CHECK(run.port("unmatched") == Texts{"1", "0"});
}

TEST_CASE("refresh takes a changed table in, and keeps the old one while the new one is broken") {
  FakeTable table = Auctions();
  OperatorRun run("enrich", {{"table", kTable}, {"on", "auction = id"}, {"refresh", "5s"}},
                  {SchemaOf("auction bigint")}, &table);
  const Timestamp start = run.context.now;
  CHECK(run.op->NextTimer() == start + 5 * kSecond);
  table.rows[0][1] = "ann the second";
  run.Tick(start + 6 * kSecond).Feed({{"1"}});
  CHECK(run.ok().back() == "1 | ann | 10");  // same version: not read again
  table.version = "2";
  run.Tick(start + 7 * kSecond).Feed({{"1"}});
  CHECK(run.ok().back() == "1 | ann | 10");  // not due yet
  run.Tick(start + 11 * kSecond).Feed({{"1"}});
  CHECK(run.ok().back() == "1 | ann the second | 10");
  table.version = "3";
  table.broken = Status::InvalidArgument("line 1: not a number");
  run.Tick(start + 17 * kSecond).Feed({{"1"}});
  CHECK(run.ok().back() == "1 | ann the second | 10");
  table.broken = Status::Ok();
  table.version = "4";
  table.rows[0][1] = "ann the third";
  run.Tick(start + 23 * kSecond).Feed({{"1"}});
  CHECK(run.ok().back() == "1 | ann the third | 10");
  CHECK(
      OperatorRun("enrich", {{"table", kTable}, {"on", "auction = id"}}, {SchemaOf("auction bigint")}, &table)
          .op->NextTimer() == kMaxTimestamp);
}

TEST_CASE("an update that loses its partner becomes a delete, one that finds it an insert") {
  FakeTable table = Auctions();
  OperatorRun run("enrich", {{"table", kTable}, {"on", "auction = id"}},
                  {WithChanges(SchemaOf("auction bigint"))}, &table);
  run.Feed({{"-U", "1"}, {"+U", "9"}, {"-U", "9"}, {"+U", "2"}, {"-U", "1"}, {"+U", "2"}});
  CHECK(run.ok() == Texts{"-D 1 | ann | 10", "+I 2 | bob | NULL", "-U 1 | ann | 10", "+U 2 | bob | NULL"});
  CHECK(run.port("unmatched") == Texts{"+I 9", "-D 9"});
}

TEST_CASE("enrich reads its keys always and other columns when a port wants them") {
  FakeTable table = Auctions();
  const SchemaPtr schema = SchemaOf("auction bigint, price bigint, note text");
  OperatorRun run(
      "enrich",
      {{"table", kTable}, {"on", "auction = id"}, {"select", {{"price", "price"}, {"seller", "seller"}}}},
      {schema}, &table);
  const std::vector<bool> none(3, false);
  CHECK(run.bound->NeededColumns(0, {{false, true}, none}) == std::vector<bool>{true, false, false});
  CHECK(run.bound->NeededColumns(0, {{true, true}, {false, false, true}}) ==
        std::vector<bool>{true, true, true});
  run.FeedBatch(
      0, OperatorRun::Prune(BatchOf(schema, {{"1", "5", "n"}, {"9", "6", "m"}}), {true, false, false}));
  CHECK(run.ok() == Texts{"- | ann"});
  CHECK(run.port("unmatched") == Texts{"9 | - | -"});
}

TEST_CASE("enrich says what is wrong with its fields") {
  FakeTable table = Auctions();
  const auto problems = [&table](const Conf& config, bool changes = false) {
    auto schema = SchemaOf("auction bigint, seller text, s text");
    schema->changes = changes;
    return BindOperator("enrich", config, {schema}, &table).problems;
  };
  const Conf select = {{"s", "s"}};
  CHECK(problems({{"table", kTable}, {"on", "auction > id"}, {"select", select}})[0].starts_with(
      "enrich.on: "));
  CHECK(
      problems({{"table", kTable}, {"on", "auction = 1"}, {"select", select}})[0].starts_with("enrich.on: "));
  CHECK(problems({{"table", kTable}, {"on", "auction = ident"}})[0].starts_with("expr."));
  CHECK(problems({{"table", kTable}, {"on", "auction = id"}}) ==
        Texts{"enrich.duplicate_column: both the input and the table have a column 'seller'"});
  CHECK(problems({{"table", kTable}, {"on", "s = id"}})[0].starts_with("expr."));
  CHECK(problems({{"table", kTable}, {"on", "auction = id"}, {"select", select}, {"refresh", "5s"}}, true)[0]
            .starts_with("enrich.refresh_on_changes: "));
  CHECK(problems({{"on", "auction = id"}})[0].starts_with("config.missing_field: "));
}

}  // namespace
}  // namespace streamrun::testing
