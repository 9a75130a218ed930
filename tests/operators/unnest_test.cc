#include "tests/operators/operator_fixture.h"

namespace streamrun::testing {
namespace {

const TextRows kOrders = {{"1", "{a,b}", "x"}, {"2", "{}", "y"}, {"3", "NULL", "z"}, {"4", "{c,NULL}", "w"}};

TEST_CASE("each element of an array becomes a row in the array's place") {
  for (const bool each : {false, true}) {
    OperatorRun run("unnest", {{"column", "tags"}}, {SchemaOf("id bigint, tags text[], note text")});
    CHECK(run.bound->outputs[0]->ToString() == "id bigint, tags text, note text");
    CHECK_FALSE(run.bound->can_fail);
    each ? run.FeedEach(kOrders) : run.Feed(kOrders);
    CHECK(run.ok() == Texts{"1 | a | x", "1 | b | x", "4 | c | w", "4 | NULL | w"});
    CHECK(run.count(Fate::kFiltered) == 2);
  }
}

TEST_CASE("keep_empty keeps rows without elements once, with nulls") {
  OperatorRun run("unnest", {{"column", "tags"}, {"as", "tag"}, {"ordinality", "n"}, {"keep_empty", "true"}},
                  {SchemaOf("id bigint, tags text[], note text")});
  CHECK(run.bound->outputs[0]->ToString() == "id bigint, tag text, note text, n bigint");
  run.Feed(kOrders);
  CHECK(run.ok() == Texts{"1 | a | x | 1", "1 | b | x | 2", "2 | NULL | y | NULL", "3 | NULL | z | NULL",
                          "4 | c | w | 1", "4 | NULL | w | 2"});
  CHECK(run.count(Fate::kFiltered) == 0);
  CHECK(run.out->offsets == std::vector<int64_t>{100, 100, 101, 102, 103, 103});
}

TEST_CASE("jsonb elements are cut out as they are written") {
  OperatorRun run("unnest", {{"column", "j"}}, {SchemaOf("j jsonb")});
  run.Feed(
      {{R"([1, "a,]\"[", {"k": [1, 2]} ,null,[ ]])"}, {"[]"}, {" [ ] "}, {"null"}, {"NULL"}, {"[true]"}});
  CHECK(run.ok() == Texts{"1", R"("a,]\"[")", R"({"k": [1, 2]})", "null", "[]", "true"});
  CHECK(run.count(Fate::kFiltered) == 4);
}

TEST_CASE("a row whose jsonb is no array fails with PostgreSQL's message") {
  OperatorRun run("unnest", {{"column", "j"}}, {SchemaOf("j jsonb")});
  CHECK(run.bound->can_fail);
  run.Feed({{"{\"a\": 1}"}, {"[1]"}, {"5"}});
  CHECK(run.ok() == Texts{"1"});
  CHECK(run.out->failures == Texts{"0: 22023 cannot extract elements from an object",
                                   "2: 22023 cannot extract elements from a scalar"});
  CHECK(run.count(Fate::kFiltered) == 0);
}

TEST_CASE("type reads JSON elements as values, and a bad one fails its whole row") {
  OperatorRun run("unnest", {{"column", "j"}, {"type", "bigint"}}, {SchemaOf("id bigint, j jsonb")});
  CHECK(run.bound->outputs[0]->ToString() == "id bigint, j bigint");
  run.Feed({{"1", "[1, \"2\", null]"}, {"2", "[3, \"x\", \"y\"]"}, {"3", "[]"}, {"4", "[4]"}});
  CHECK(run.ok() == Texts{"1 | 1", "1 | 2", "1 | NULL", "4 | 4"});
  CHECK(run.out->failures == Texts{"1: 22P02 invalid input syntax for type bigint: \"x\""});
  CHECK(run.count(Fate::kFiltered) == 1);
}

TEST_CASE("an expression leaves the input columns and adds or replaces the element's") {
  const SchemaPtr schema = SchemaOf("id bigint, a bigint[]");
  OperatorRun added("unnest", {{"expression", "a"}, {"as", "x"}}, {schema});
  CHECK(added.bound->outputs[0]->ToString() == "id bigint, a bigint[], x bigint");
  added.Feed({{"1", "{7,8}"}});
  CHECK(added.ok() == Texts{"1 | {7,8} | 7", "1 | {7,8} | 8"});
  OperatorRun replaced("unnest", {{"expression", "a"}, {"as", "id"}}, {schema});
  CHECK(replaced.bound->outputs[0]->ToString() == "id bigint, a bigint[]");
  replaced.Feed({{"1", "{7,8}"}});
  CHECK(replaced.ok() == Texts{"7 | {7,8}", "8 | {7,8}"});
}

TEST_CASE("a million elements are given out over many steps in bounded batches") {
  constexpr int kElements = 1'000'000;
  std::string json = "[0";
  for (int i = 1; i < kElements; ++i) json += ",1";
  json += "]";
  const SchemaPtr schema = SchemaOf("id text, j jsonb");
  OperatorRun run("unnest", {{"column", "j"}, {"ordinality", "n"}}, {schema});
  run.Feed({{"first", "[7]"}, {"big", json}, {"last", "[8]"}});
  CHECK(run.ok().size() == kElements + 2);
  CHECK(run.ok().front() == "first | 7 | 1");
  CHECK(run.ok()[kElements] == "big | 1 | 1000000");
  CHECK(run.ok().back() == "last | 8 | 1");
  CHECK(run.steps > 100);
  for (const BatchPtr& batch : run.out->batches) CHECK(batch->rows() <= 8192);
}

TEST_CASE("wide rows are repeated in batches bounded by bytes") {
  const SchemaPtr schema = SchemaOf("a bigint[], wide text");
  OperatorRun run("unnest", {{"column", "a"}}, {schema});
  run.Feed({{"{1,2,3,4,5,6,7,8,9,10}", std::string(100'000, 'x')}});
  CHECK(run.ok().size() == 10);
  for (const BatchPtr& batch : run.out->batches) CHECK(batch->ByteSize() < 400'000);
}

TEST_CASE("an update becomes deletes of its old elements and inserts of its new ones") {
  OperatorRun run("unnest", {{"column", "a"}}, {WithChanges(SchemaOf("a bigint[]"))});
  run.Feed({{"+I", "{1}"}, {"-U", "{1,2}"}, {"+U", "{2,3,4}"}, {"-D", "{5}"}});
  CHECK(run.ok() == Texts{"+I 1", "-D 1", "-D 2", "+I 2", "+I 3", "+I 4", "-D 5"});
}

TEST_CASE("unnest always reads its array, and other columns only when wanted") {
  const SchemaPtr schema = SchemaOf("id bigint, a bigint[], note text");
  OperatorRun run("unnest", {{"column", "a"}}, {schema});
  const std::vector<bool> needed = run.bound->NeededColumns(0, {{false, false, true}});
  CHECK(needed == std::vector<bool>{false, true, true});
  run.FeedBatch(0, OperatorRun::Prune(BatchOf(schema, {{"1", "{5}", "n"}}), needed));
  CHECK(run.ok() == Texts{"- | 5 | n"});
}

TEST_CASE("unnest says what is wrong with its fields") {
  const auto problems = [](const Conf& config) {
    return BindOperator("unnest", config, {SchemaOf("id bigint, a bigint[], t text, j jsonb")}).problems;
  };
  CHECK(problems(Conf({})) == Texts{"unnest.array: operator 'unnest' needs either 'column' or 'expression'"});
  CHECK(problems({{"column", "a"}, {"expression", "a"}}).size() == 1);
  CHECK(problems({{"column", "t"}}) == Texts{"unnest.type: unnest takes an array or jsonb, not text"});
  CHECK(problems({{"expression", "a"}}) == Texts{"unnest.name: an expression needs a name: write 'as'"});
  CHECK(problems({{"column", "a"}, {"as", "t"}}) ==
        Texts{"unnest.duplicate_column: column 't' would be there twice"});
  CHECK(problems({{"column", "a"}, {"ordinality", "a"}}) ==
        Texts{"unnest.duplicate_column: column 'a' would be there twice"});
  CHECK(problems({{"column", "j"}, {"type", "bigant"}})[0].starts_with("config.type: unknown type 'bigant'"));
  CHECK(problems({{"column", "b"}})[0].starts_with("schema.unknown_column: "));
}

}  // namespace
}  // namespace streamrun::testing
