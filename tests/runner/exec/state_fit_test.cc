// Saved state of one version of a pipeline and the plan of another: what is found again, what is new, what
// goes, and what is refused, with its words.
#include "runner/exec/state_fit.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/data/column_builder.h"
#include "tests/runner/planned.h"

namespace streamrun {
namespace {

std::string Pipeline(const std::string& operators, const std::string& settings = "") {
  return "pipeline: p\nsettings: {on_error: drop" + settings +
         "}\nsources:\n"
         "  rows: {connector: socket, listen: \"tcp://127.0.0.1:1\", format: json, schema: {k: text, j: "
         "text, v: "
         "bigint, d: double "
         "precision, at: timestamp}, event_time: {column: at}}\n"
         "operators:\n" +
         operators + "sinks:\n  out: {connector: discard, input: x}\n";
}

ColumnPtr ColumnOf(const DataType& type, int column) {
  ColumnBuilder builder(type);
  if (type.id() == TypeId::kBigint) {
    builder.Append<int64_t>(100 + column);
  } else {
    builder.AppendNull();
  }
  return builder.Finish();
}

// Every state of a plan with one row.
class Saved final : public RestoredState {
 public:
  explicit Saved(const PlanPtr& plan, bool with_rows = true) {
    for (const PlanNode& node : plan->nodes) {
      NodeSnapshot snapshot;
      snapshot.node = node.name;
      snapshot.facts = FactsOf(node);
      if (node.source) snapshot.position = "17";
      for (size_t i = 0; node.op && i < node.op->states.size(); ++i) {
        const StateDeclaration& state = node.op->states[i];
        TableSnapshot table;
        table.name = state.name;
        table.schema = state.Row();
        table.version = state.version;
        std::vector<ColumnPtr> columns;
        for (const Field& field : table.schema->fields()) {
          columns.push_back(ColumnOf(field.type, static_cast<int>(columns.size())));
        }
        if (with_rows) table.rows = {std::make_shared<const Batch>(table.schema, 1, std::move(columns))};
        snapshot.tables.push_back(std::move(table));
      }
      nodes.push_back(std::move(snapshot));
    }
  }
  uint64_t epoch() const override { return 1; }
  bool committed() const override { return is_committed; }
  std::vector<const NodeSnapshot*> All() const override {
    std::vector<const NodeSnapshot*> all;
    for (const NodeSnapshot& node : nodes) all.push_back(&node);
    return all;
  }
  Result<std::vector<TableSnapshot>> Shapes(const NodeSnapshot& node) const override {
    std::vector<TableSnapshot> shapes = node.tables;
    std::erase_if(shapes, [](const TableSnapshot& table) { return table.rows.empty(); });
    return shapes;
  }
  const std::vector<ChannelCounters>* Channels() const override { return nullptr; }
  Status ReadTables(const NodeSnapshot&,
                    const std::function<Status(const TableSnapshot&, const BatchPtr&)>&) const override {
    return Status::Ok();
  }

  std::vector<NodeSnapshot> nodes;
  bool is_committed = true;
};

// What a start of `after` over the state of `before` says: notes by line, those of losses with "! ", or the
// error.
std::string Start(const std::string& before, const std::string& after) {
  const Result<std::vector<StateNote>> notes = FitPlan(*PlanOf(after), Saved(PlanOf(before)));
  if (!notes.ok()) return notes.status().message();
  std::string text;
  for (const StateNote& note : *notes) text += (note.lost ? "! " : "") + note.text + "\n";
  return text;
}

std::string Aggregate(const std::string& select, const std::string& more = "group_by: [k]") {
  return "  x: {operator: aggregate, input: rows, max_state: 1GiB, " + more + ", select: {" + select + "}}\n";
}

constexpr const char* kCount = R"y(n: "count(*)")y";

TEST_CASE("calls are found by their text: order, names of results, spelling and sharing do not matter") {
  const std::string before =
      Pipeline(Aggregate(R"y(n: "count(*)", s: "sum(v)", m: "max(d) filter (where v > 3)")y"));
  CHECK(Start(before, before) == "");
  CHECK(Start(before, Pipeline(Aggregate(
                          R"y(s: "SUM( V )", other: "max(D) FILTER (WHERE (v) > 3)", n: "Count(*)")y"))) ==
        "");
  CHECK(
      Start(before,
            Pipeline(Aggregate(
                R"y(n: "count(*)", s: "sum(v)", m: "max(d) filter (where v > 3)", twice: "sum(v) * 2")y"))) ==
      "state 'shown' of node 'x': 'sum(v) * 2' is new: it is NULL in what was kept\n");
}

TEST_CASE("every column of a row comes from the saved column of its call, and a new call has seen no rows") {
  const PlanPtr before = PlanOf(Pipeline(Aggregate(R"y(n: "count(*)", s: "count(v)", a: "avg(d)")y")));
  const PlanPtr after =
      PlanOf(Pipeline(Aggregate(R"y(c: "count(d)", s: "count(v)", n: "count(*)", m: "min(v)")y")));
  const Saved saved(before);
  const PlanNode& node = after->node(after->Find("x"));
  const Result<NodeFit> fit = FitNode(node, saved.Find("x"), saved);
  REQUIRE_MESSAGE(fit.ok(), fit.status().message());
  const TableFit* groups = fit->Find("groups");
  REQUIRE(groups != nullptr);
  const SchemaPtr was = before->node(before->Find("x")).op->states[0].Row();
  const BatchPtr rows = groups->Apply(saved.Find("x")[0]->tables[0].rows[0]);
  REQUIRE(rows->schema()->fields() == node.op->states[0].Row()->fields());
  for (const char* call : {"count(*)", "count(v)"}) {
    CAPTURE(call);
    CHECK(rows->column(rows->schema()->Find(call))->values<int64_t>()[0] == 100 + was->Find(call));
  }
  CHECK(rows->column(rows->schema()->Find("count(d)"))->values<int64_t>()[0] == 0);
  CHECK(rows->column(rows->schema()->Find("min(v)"))->IsNull(0));
  CHECK(rows->column(0)->type() == DataType(TypeId::kText));
}

TEST_CASE("an added call is told, a removed one is a warning, once for all the columns of a call") {
  const std::string count = Pipeline(Aggregate(kCount, "window: {tumbling: 10s}, group_by: [k]"));
  const std::string more =
      Pipeline(Aggregate(R"y(n: "count(*)", a: "avg(d)")y", "window: {tumbling: 10s}, group_by: [k]"));
  CHECK(Start(count, more) ==
        "state 'groups' of node 'x': 'avg(d)' is new: it has seen none of the rows before\n");
  CHECK(Start(more, count) == "! state 'groups' of node 'x': what was kept of 'avg(d)' is dropped\n");
}

TEST_CASE("another key, window, time or type is refused with what it was, what it is and what to do") {
  const std::string before =
      Pipeline(Aggregate(kCount, "window: {tumbling: 10s}, group_by: [{g: lower(k)}]"));
  const auto refused = [&](const std::string& more, const std::string& select = kCount) {
    return Start(before, Pipeline(Aggregate(select, more)));
  };
  const std::string way =
      "; undo the change, or write `state: reset` on it: then its state begins anew\n"
      "Or forget all of it with --reset-state";
  const std::string begin = "the saved state is of another version of the pipeline:\n  node 'x': ";
  CHECK(refused("window: {tumbling: 10s}, group_by: [{g: upper(k)}]") ==
        begin + "group_by was lower(k), now it is upper(k)" + way);
  CHECK(refused("window: {tumbling: 20s}, group_by: [{g: lower(k)}]") ==
        begin + "window was tumbling 10s, now it is tumbling 20s" + way);
  CHECK(refused("window: {tumbling: 10s, offset: 2s}, group_by: [{g: lower(k)}]") ==
        begin + "window was tumbling 10s, now it is tumbling 10s, offset 2s" + way);
  CHECK(refused("group_by: [{g: lower(k)}]").starts_with(begin + "window was tumbling 10s, now it is none"));
  // Another name for the same key is no other key.
  CHECK(refused("window: {tumbling: 10s}, group_by: [{h: LOWER(K)}]") == "");

  const std::string sums = Pipeline(Aggregate(R"y(s: "sum(v)")y"));
  std::string wider = sums;
  wider.replace(wider.find("v: bigint"), 9, "v: double precision");
  CHECK_MESSAGE(
      Start(sums, wider).starts_with(begin + "arguments of sum(v) was bigint, now it is double precision"),
      Start(sums, wider));
}

TEST_CASE("state: reset drops what does not fit, but the time, and keeps what fits") {
  const std::string before = Pipeline(Aggregate(kCount, "window: {tumbling: 10s}, group_by: [k]"));
  const std::string same =
      Pipeline(Aggregate(kCount, "state: reset, window: {tumbling: 10s}, group_by: [k]"));
  const std::string other =
      Pipeline(Aggregate(kCount, "state: reset, window: {tumbling: 20s}, group_by: [k]"));
  CHECK(Start(before, same) == "");
  CHECK(Start(before, other) ==
        "! the state of node 'x' begins anew (state: reset): window was tumbling 10s, now it is tumbling "
        "20s\n");
  const PlanPtr plan = PlanOf(other);
  const Saved saved(PlanOf(before));
  const Result<NodeFit> fit = FitNode(plan->node(plan->Find("x")), saved.Find("x"), saved);
  REQUIRE(fit.ok());
  CHECK(fit->Find("groups") == nullptr);
  CHECK(fit->Find("time") != nullptr);
}

TEST_CASE("another operator under the name is told as that alone") {
  const std::string top =
      Pipeline("  x: {operator: top, input: rows, per: [k], order_by: v, limit: 3, max_state: 1GiB}\n");
  CHECK(Start(Pipeline(Aggregate(kCount)), top) ==
        "the saved state is of another version of the pipeline:\n  node 'x': operator was aggregate, now it "
        "is top; undo "
        "the change, or write `state: reset` on it: then its state begins anew\nOr forget all of it with "
        "--reset-state");
}

TEST_CASE("stored rows: a new column is NULL, one that is gone is dropped, one that decides must stay") {
  const auto top = [](const std::string& more, const std::string& schema) {
    std::string text =
        Pipeline("  x: {operator: top, input: rows, per: [k], " + more + ", max_state: 1GiB}\n");
    const std::string all = "k: text, j: text, v: bigint, d: double precision, at: timestamp";
    return text.replace(text.find(all), all.size(), schema);
  };
  const std::string before = top("order_by: v, limit: 3", "k: text, v: bigint, j: text, at: timestamp");
  CHECK(Start(before,
              top("order_by: V, limit: 3", "at: timestamp, more: double precision, k: text, v: bigint")) ==
        "state 'rows' of node 'x': 'more' is new: it is NULL in what was kept\n"
        "! state 'rows' of node 'x': what was kept of 'j' is dropped\n");
  CHECK(Start(before, top("order_by: v, limit: 5", "k: text, v: bigint, j: text, at: timestamp"))
            .find("limit was 3, now it is 5") != std::string::npos);
  CHECK(Start(before, top("order_by: v desc, limit: 3", "k: text, v: bigint, j: text, at: timestamp"))
            .find("order_by was v asc nulls last, now it is v desc nulls first") != std::string::npos);
  CHECK(Start(before, top("order_by: v, limit: 3", "k: text, v: bigint, j: bigint, at: timestamp"))
            .find("has 'j' as text, now it is bigint") != std::string::npos);
}

TEST_CASE("running values of over keep their calls, rows that wait for later ones do not get new ones") {
  const auto over = [](const std::string& set) {
    return Pipeline("  x: {operator: over, input: rows, by: [k], reset_after: 1d, set: {" + set + "}}\n");
  };
  const std::string before = over(R"y(a: "lag(v, 2)", s: "sum(v)")y");
  CHECK(Start(before, over(R"y(s: "sum( V )", b: "lag(v,2) + 1")y")) == "");
  CHECK(Start(before, over(R"y(a: "lag(v, 2)", c: "count(*)")y")) ==
        "state 'keys' of node 'x': 'count(*)' is new: it has seen none of the rows before\n"
        "! state 'keys' of node 'x': what was kept of 'sum(v)' is dropped\n");
  const std::string ahead = over(R"y(a: "lead(v)")y");
  CHECK(Start(ahead, over(R"y(a: "lead(v)", c: "count(*)")y"))
            .find("its state 'ahead' has no column 'count(*)'") != std::string::npos);
}

TEST_CASE("names: a renamed node goes on, a node that is gone is refused or dropped by name") {
  const std::string before = Pipeline(
      "  y: {operator: aggregate, input: rows, max_state: 1GiB, group_by: [k], select: {n: \"count(*)\"}}\n"
      "  x: {operator: aggregate, input: y, max_state: 1GiB, select: {n: \"count(*)\"}}\n");
  const std::string renamed = Pipeline(
      "  z: {operator: aggregate, renamed_from: y, input: rows, max_state: 1GiB, group_by: [k], select: {n: "
      "\"count(*)\"}}\n"
      "  x: {operator: aggregate, input: z, max_state: 1GiB, select: {n: \"count(*)\"}}\n");
  CHECK(Start(before, renamed) == "node 'z' goes on as 'y' did\n");
  CHECK(Start(renamed, renamed) == "");
  const std::string gone =
      "  x: {operator: aggregate, input: y, max_state: 1GiB, select: {n: \"count(*)\"}}\n"
      "  y: {operator: map, input: rows, keep: [k]}\n";
  CHECK(Start(before, Pipeline(gone)).find("node 'y': operator was aggregate, now it is map") !=
        std::string::npos);
  const std::string without = "  x: {operator: map, input: rows, keep: [k]}\n";
  const std::string only_y = Pipeline(
      "  y: {operator: aggregate, input: rows, max_state: 1GiB, group_by: [k], select: {n: \"count(*)\"}}\n  "
      "x: {operator: map, input: y, keep: [k]}\n");
  CHECK(
      Start(only_y, Pipeline(without)) ==
      "the saved state is of another version of the pipeline:\n  node 'y' is not in the pipeline any more, "
      "and state of "
      "it is saved; write renamed_from: y on the node that goes on with it, or settings: {drop_state: [y]}\n"
      "Or forget all of it with --reset-state");
  CHECK(Start(only_y, Pipeline(without, ", drop_state: [y]")) ==
        "! node 'y' is not in the pipeline any more: what was saved of it is dropped (drop_state)\n");
}

TEST_CASE("a source that is gone is a warning; output that is not committed is never forgotten silently") {
  const PlanPtr plan = PlanOf(Pipeline("  x: {operator: map, input: rows, keep: [k]}\n"));
  Saved saved(plan);
  saved.nodes.push_back({});
  saved.nodes.back().node = "old";
  saved.nodes.back().position = "3";
  Result<std::vector<StateNote>> notes = FitPlan(*plan, saved);
  REQUIRE(notes.ok());
  REQUIRE(notes->size() == 1);
  CHECK((*notes)[0].text == "node 'old' is not in the pipeline any more: how far it had read is forgotten");
  saved.nodes.back().prepared.handle = "part-1";
  CHECK(FitPlan(*plan, saved).ok());
  saved.is_committed = false;
  notes = FitPlan(*plan, saved);
  REQUIRE_FALSE(notes.ok());
  CHECK(notes.status().message().find("output of it is saved that was not committed yet") !=
        std::string::npos);
}

TEST_CASE("a node that has kept nothing may become anything") {
  const std::string map = Pipeline("  x: {operator: map, input: rows, keep: [k]}\n");
  const PlanPtr plan = PlanOf(Pipeline(Aggregate(kCount, "window: {tumbling: 10s}, group_by: [k]")));
  CHECK(FitPlan(*plan, Saved(PlanOf(map))).ok());
  Saved saved(plan);
  for (NodeSnapshot& node : saved.nodes) {
    for (TableSnapshot& table : node.tables) {
      if (table.name != "time") table.rows.clear();
    }
  }
  CHECK(FitPlan(*PlanOf(map), saved).ok());
  CHECK(FitPlan(*PlanOf(Pipeline(Aggregate(kCount, "window: {tumbling: 20s}, group_by: [k]"))), saved).ok());
}

TEST_CASE("another connector under the name has another position") {
  const PlanPtr plan = PlanOf(Pipeline("  x: {operator: map, input: rows, keep: [k]}\n"));
  Saved saved(plan);
  saved.nodes[0].facts = {{"connector", "file"}};
  const Result<std::vector<StateNote>> notes = FitPlan(*plan, saved);
  REQUIRE_FALSE(notes.ok());
  CHECK(notes.status().message().find(
            "node 'rows': connector was file, now it is socket; undo the change, or give the "
            "source a new name") != std::string::npos);
}

TEST_CASE("state of another version is refused unless it can be read; empty tables fit always") {
  const PlanPtr plan = PlanOf(Pipeline(Aggregate(kCount)));
  Saved saved(plan);
  const auto x = std::find_if(saved.nodes.begin(), saved.nodes.end(),
                              [](const NodeSnapshot& n) { return n.node == "x"; });
  TableSnapshot& groups = x->tables[0];
  for (const int version : {1, 3}) {
    groups.version = version;
    const auto notes = FitPlan(*plan, saved);
    REQUIRE_FALSE(notes.ok());
    CHECK(notes.status().message().find("its state 'groups' has version " + std::to_string(version) +
                                        ", this streamrun reads 2") != std::string::npos);
  }
  groups.rows.clear();
  CHECK(FitPlan(*plan, saved).ok());
}

}  // namespace
}  // namespace streamrun
