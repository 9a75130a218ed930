// What people see of checkpoints, and a table replaced by hand.
#include "runner/checkpoint/inspect.h"

#include <map>

#include "core/data/row_hash.h"
#include "runner/checkpoint/checkpoint_directory.h"
#include "runner/exec/key_group.h"
#include "tests/runner/checkpoint/table_rows.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Fixture {
  CrashEnv env;
  CheckpointDirectory disk{&env, "/state", 3};

  Fixture() { REQUIRE(env.MakeDirectories("/state", 0700).ok()); }

  StoredTable Write(uint64_t epoch, const std::string& file, const TableSnapshot& table) {
    StoredTable stored{table.name, table.schema->ToString(), table.key_columns, {}};
    SegmentInfo segment;
    segment.file = file;
    REQUIRE(WriteSegment(&env, disk.TemporaryDirectory(epoch) + "/" + file, table, &segment).ok());
    stored.segments.push_back(segment);
    return stored;
  }
  /// Node "sums": one instance each of `instances`, a committed epoch.
  void Take(uint64_t epoch, const std::vector<TableSnapshot>& instances) {
    REQUIRE(disk.Begin(epoch).ok());
    Manifest manifest;
    manifest.epoch = epoch;
    manifest.key_groups = 128;
    manifest.plan_hash = "abc";
    for (size_t i = 0; i < instances.size(); ++i) {
      StoredNode node;
      node.snapshot.node = "sums";
      node.snapshot.instance = static_cast<int>(i);
      node.snapshot.parallelism = static_cast<int>(instances.size());
      node.tables.push_back(Write(epoch, "panes-" + std::to_string(i) + ".seg", instances[i]));
      TableSnapshot other = WindowTable(true, {{"other", "0", "0"}});
      other.name = "times";
      node.tables.push_back(Write(epoch, "times-" + std::to_string(i) + ".seg", other));
      manifest.fragments.emplace_back().nodes.push_back(std::move(node));
    }
    REQUIRE(disk.Decide(manifest).ok());
    REQUIRE(disk.MarkCommitted(epoch).ok());
  }
  StoredCheckpoint Open(const std::string& choice) {
    auto opened = OpenCheckpoint(&env, "/state", choice);
    REQUIRE_MESSAGE(opened.ok(), opened.status().ToString());
    return std::move(*opened);
  }
  std::vector<std::string> RowsIn(const std::string& choice, const std::string& table = "panes") {
    std::vector<BatchPtr> batches;
    const Status status = ReadTable(&env, Open(choice), "sums", table, [&](const BatchPtr& rows) {
      batches.push_back(rows);
      return Status::Ok();
    });
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    std::vector<std::string> rows = Printed(batches);
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  TableDifference Diff(const std::string& before, const std::string& after) {
    auto difference = DiffTables(&env, Open(before), Open(after), "sums", "panes");
    REQUIRE_MESSAGE(difference.ok(), difference.status().ToString());
    return std::move(*difference);
  }
};

std::vector<std::string> Chosen(const BatchPtr& batch, const Selection& rows) {
  return Printed(*Take(batch, rows));
}

TEST_CASE_FIXTURE(Fixture,
                  "epochs and savepoints are listed, the current one and unreadable ones are marked") {
  CHECK(ListCheckpoints(&env, "/state")->empty());
  CHECK(OpenCheckpoint(&env, "/state", "").status().code() == Code::kNotFound);
  Take(1, {WindowTable(true, {{"a", "1", "1"}})});
  REQUIRE(disk.CopyToSavepoint(1, "before").ok());
  Take(2, {WindowTable(true, {{"a", "1", "2"}})});
  const auto list = ListCheckpoints(&env, "/state");
  REQUIRE(list.ok());
  REQUIRE(list->size() == 3);
  CHECK(NameOf(list->at(0)) == "epoch 1");
  CHECK(!list->at(0).current);
  CHECK(list->at(1).current);
  CHECK(list->at(1).committed);
  CHECK(NameOf(list->at(2)) == "savepoint 'before'");
  CHECK(list->at(2).manifest.epoch == 1);
  CHECK(list->at(2).bytes == list->at(0).bytes);
  env.FlipBit("/state/ckpt/1/manifest", 9);
  const auto damaged = ListCheckpoints(&env, "/state");
  REQUIRE(damaged->size() == 3);
  CHECK(damaged->at(0).problem.code() == Code::kCorruption);
}

TEST_CASE_FIXTURE(Fixture, "a choice that is not there is refused with what there is") {
  Take(1, {WindowTable(true, {})});
  Take(2, {WindowTable(true, {})});
  REQUIRE(disk.CopyToSavepoint(2, "v2").ok());
  const auto epoch = OpenCheckpoint(&env, "/state", "7").status();
  CHECK(epoch.message() == "epoch 7 is not kept in /state; there is epoch 1, 2, 'v2'");
  const auto savepoint = OpenCheckpoint(&env, "/state", "../ckpt/1").status();
  CHECK(savepoint.code() == Code::kInvalidArgument);
  CHECK(savepoint.message().find("there is no savepoint '../ckpt/1'") == 0);
  const auto table = ShapeOfTable(&env, Open("2"), "sums", "pane").status();
  CHECK(table.message() == "epoch 2 has no table 'pane' of node 'sums'; it has sums panes, sums times");
}

TEST_CASE_FIXTURE(Fixture, "names of savepoints are for shells and file systems, and are no epochs") {
  Take(1, {WindowTable(true, {})});
  for (const char* name : {"A", "12", "-x", "a b", "ä", "a.tmp", ""}) {
    CHECK_MESSAGE(disk.CheckNewSavepoint(name).code() == Code::kInvalidArgument, name);
  }
  CHECK(disk.CheckNewSavepoint("v1.2_b-3").ok());
}

TEST_CASE_FIXTURE(Fixture, "rows are those of all instances, and an epoch that goes meanwhile says so") {
  Take(1, {WindowTable(true, {{"a", "1", "1"}}), WindowTable(true, {{"b", "1", "2"}})});
  CHECK(RowsIn("") == std::vector<std::string>{"a|1|1", "b|1|2"});
  const StoredCheckpoint old = Open("1");
  CHECK(*CountRows(&env, old, old.manifest.fragments[0].nodes[0].tables[0]) == 1);
  for (uint64_t epoch = 2; epoch <= 4; ++epoch) Take(epoch, {WindowTable(true, {})});
  const Status gone = ReadTable(&env, old, "sums", "panes", [](const BatchPtr&) { return Status::Ok(); });
  CHECK(gone.code() == Code::kUnavailable);
  CHECK(gone.message().find("epoch 1 is not kept any more") == 0);
}

TEST_CASE_FIXTURE(Fixture, "a difference goes by identity") {
  Take(1, {WindowTable(true, {{"a", "1", "1"}, {"b", "1", "2"}}), WindowTable(true, {{"c", "1", "3"}})});
  Take(2, {WindowTable(true, {{"c", "1", "3"}, {"b", "1", "9"}, {"d", "NULL", "NULL"}})});
  const TableDifference d = Diff("1", "2");
  CHECK(Chosen(d.before, d.removed) == std::vector<std::string>{"a|1|1"});
  CHECK(Chosen(d.after, d.added) == std::vector<std::string>{"d|NULL|NULL"});
  CHECK(Chosen(d.before, d.changed_before) == std::vector<std::string>{"b|1|2"});
  CHECK(Chosen(d.after, d.changed_after) == std::vector<std::string>{"b|1|9"});
  CHECK(d.equal == 1);
}

TEST_CASE_FIXTURE(Fixture, "rows without identity differ in how often they are there") {
  TableSnapshot before =
      WindowTable(true, {{"a", "1", "1"}, {"a", "1", "1"}, {"b", "1", "2"}, {"c", "1", "3"}});
  TableSnapshot after =
      WindowTable(true, {{"b", "1", "2"}, {"b", "1", "2"}, {"c", "2", "4"}, {"a", "1", "1"}});
  before.identity = after.identity = {};
  Take(1, {before});
  Take(2, {after});
  const TableDifference d = Diff("1", "2");
  CHECK(Chosen(d.before, d.removed) == std::vector<std::string>{"a|1|1"});
  CHECK(Chosen(d.after, d.added) == std::vector<std::string>{"b|1|2"});
  // The only one of its key on both sides.
  CHECK(Chosen(d.before, d.changed_before) == std::vector<std::string>{"c|1|3"});
  CHECK(Chosen(d.after, d.changed_after) == std::vector<std::string>{"c|2|4"});
  CHECK(d.equal == 2);
}

TEST_CASE_FIXTURE(Fixture, "a table of other columns is not compared") {
  Take(1, {WindowTable(true, {})});
  TableSnapshot other = WindowTable(true, {});
  other.schema = std::make_shared<const Schema>(
      std::vector<Field>{{"k", TypeId::kText}, {"w", TypeId::kBigint}, {"m", TypeId::kBigint}});
  Take(2, {other});
  CHECK(DiffTables(&env, Open("1"), Open("2"), "sums", "panes").status().code() == Code::kInvalidArgument);
}

TEST_CASE_FIXTURE(Fixture, "a replaced table is a new committed epoch in which nothing else is other") {
  Take(1, {WindowTable(true, {{"a", "1", "1"}}), WindowTable(true, {{"b", "1", "2"}})});
  Rows rows;
  for (int i = 0; i < 50; ++i) rows.push_back({"k" + std::to_string(i), "1", std::to_string(i)});
  const auto epoch = ReplaceTable(&env, "/state", "sums", "panes", RowsOf(WindowSchema(), rows));
  REQUIRE_MESSAGE(epoch.ok(), epoch.status().ToString());
  CHECK(*epoch == 2);
  env.Crash(3);
  const auto found = disk.Recover();
  REQUIRE_MESSAGE(found.ok(), found.status().ToString());
  CHECK(found->current->epoch == 2);
  CHECK(found->committed);
  CHECK(RowsIn("2").size() == 50);
  CHECK(RowsIn("2", "times") == RowsIn("1", "times"));
  CHECK(RowsIn("1") == std::vector<std::string>{"a|1|1", "b|1|2"});
  // Each row lies with the instance that owns its key group: instances load their own files unseen.
  for (const Fragment& fragment : found->current->fragments) {
    const StoredNode& node = fragment.nodes[0];
    const auto segment = ReadSegment(&env, "/state/ckpt/2/" + node.tables[0].segments[0].file);
    REQUIRE(segment.ok());
    REQUIRE(!segment->rows.empty());
    for (const BatchPtr& batch : segment->rows) {
      std::vector<uint64_t> hashes;
      HashRows({batch->column(0)}, batch->rows(), &hashes);
      for (const uint64_t hash : hashes) {
        CHECK(KeyGroups(128).InstanceOf(hash, 2) == static_cast<size_t>(node.snapshot.instance));
      }
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "a replacement that is refused changes nothing") {
  TableSnapshot unkeyed = WindowTable(true, {{"a", "1", "1"}});
  unkeyed.key_columns = 0;
  Take(1, {unkeyed, unkeyed});
  const BatchPtr rows = RowsOf(WindowSchema(), {{"a", "1", "5"}});
  CHECK(ReplaceTable(&env, "/state", "sums", "panes", rows).status().code() == Code::kUnsupported);
  CHECK(ReplaceTable(&env, "/state", "sums", "none", rows).status().code() == Code::kNotFound);
  const auto narrow = std::make_shared<const Schema>(std::vector<Field>{{"k", TypeId::kText}});
  CHECK(ReplaceTable(&env, "/state", "sums", "panes", RowsOf(narrow, {{"a"}})).status().code() ==
        Code::kInvalidArgument);
  CHECK(disk.Recover()->current->epoch == 1);
}

TEST_CASE("the first row with the identity of an earlier one is found") {
  const TableSnapshot shape = WindowTable(true, {});
  CHECK(!RepeatedRow(shape, *RowsOf(shape.schema, {{"a", "1", "1"}, {"a", "2", "1"}, {"b", "1", "1"}})));
  CHECK(RepeatedRow(shape, *RowsOf(shape.schema, {{"a", "1", "1"}, {"b", "1", "1"}, {"a", "1", "2"}})) == 2);
}

}  // namespace
}  // namespace streamrun
