#include "tests/operators/operator_fixture.h"

namespace streamrun::testing {
namespace {

TEST_CASE("union matches columns by name and takes the order of the first input") {
  const SchemaPtr a = SchemaOf("id bigint, name text");
  const SchemaPtr b = SchemaOf("name text, id bigint");
  OperatorRun run("union", Conf({}), {a, b});
  CHECK_FALSE(run.bound->preserves_order);
  run.Feed(0, {{"1", "x"}});
  const BatchPtr batch = BatchOf(b, {{"y", "2"}, {"z", "NULL"}});
  run.FeedBatch(1, batch);
  run.Feed(0, {});
  CHECK(run.ok() == Texts{"1 | x", "2 | y", "NULL | z"});
  CHECK(run.out->batches[1]->column(1) == batch->column(0));
  CHECK(run.out->offsets == std::vector<int64_t>{100, 100, 101});
}

TEST_CASE("union keeps the event time only when all inputs have it in the same column") {
  auto a = SchemaOf("t timestamp, u timestamp");
  auto b = SchemaOf("u timestamp, t timestamp");
  a->event_time = 0;
  b->event_time = 1;
  CHECK(OperatorRun("union", Conf({}), {a, b}).bound->outputs[0]->event_time == 0);
  b->event_time = 0;
  CHECK(OperatorRun("union", Conf({}), {a, b}).bound->outputs[0]->event_time == -1);
  b->event_time = -1;
  CHECK(OperatorRun("union", Conf({}), {a, b}).bound->outputs[0]->event_time == -1);
}

TEST_CASE("union names every column that is missing, too many or of another type") {
  const Texts problems =
      BindOperator("union", Conf({}), {SchemaOf("id bigint, name text"), SchemaOf("id text, extra text")})
          .problems;
  CHECK(problems == Texts{"union.columns: column 'id' is text in 'in1' but bigint in 'in0'",
                          "union.columns: 'in1' has no column 'name', which 'in0' has",
                          "union.columns: 'in1' has a column 'extra', which 'in0' has not"});
}

TEST_CASE("union carries changes when one of its inputs does") {
  const SchemaPtr plain = SchemaOf("a bigint");
  const SchemaPtr changing = WithChanges(SchemaOf("a bigint"));
  OperatorRun run("union", Conf({}), {plain, changing});
  CHECK(run.bound->outputs[0]->changes);
  run.Feed(0, {{"1"}});
  run.Feed(1, {{"-U", "2"}, {"+U", "3"}});
  CHECK(run.ok() == Texts{"1", "-U 2", "+U 3"});
}

TEST_CASE("union prunes each input by its own column order") {
  const SchemaPtr a = SchemaOf("id bigint, name text");
  const SchemaPtr b = SchemaOf("name text, id bigint");
  OperatorRun run("union", Conf({}), {a, b});
  CHECK(run.bound->NeededColumns(0, {{true, false}}) == std::vector<bool>{true, false});
  CHECK(run.bound->NeededColumns(1, {{true, false}}) == std::vector<bool>{false, true});
  run.FeedBatch(1, OperatorRun::Prune(BatchOf(b, {{"x", "7"}}), {false, true}));
  CHECK(run.ok() == Texts{"7 | -"});
}

}  // namespace
}  // namespace streamrun::testing
