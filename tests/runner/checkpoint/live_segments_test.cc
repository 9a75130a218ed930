// Segments that a worker goes on from: linked into each epoch, whatever became of the epochs before.
#include "runner/checkpoint/live_segments.h"

#include "tests/runner/checkpoint/table_rows.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Fixture {
  CrashEnv env;
  LiveSegments live{&env, "/state/scratch/live/0.0"};

  static std::string Directory(uint64_t epoch) { return "/state/ckpt/" + std::to_string(epoch) + ".tmp"; }

  Result<std::vector<SegmentInfo>> Store(uint64_t epoch, TableSnapshot table, uint64_t since) {
    table.since = since;
    REQUIRE(env.MakeDirectories(Directory(epoch), 0755).ok());
    return live.Store(Directory(epoch), epoch, "0.0.n.whole.", table);
  }
  std::vector<std::string> Read(uint64_t epoch, const std::vector<SegmentInfo>& segments) {
    std::vector<std::string> paths;
    for (const SegmentInfo& segment : segments) {
      paths.push_back(Directory(epoch) + "/" + segment.file);
      CHECK(env.Info(paths.back())->size == segment.bytes);
    }
    std::vector<BatchPtr> batches;
    const Status status = ReadChain(&env, paths, [&](const TableSnapshot&, const BatchPtr& rows) {
      batches.push_back(rows);
      return Status::Ok();
    });
    CHECK_MESSAGE(status.ok(), status.ToString());
    return Printed(batches);
  }
  void Forget(uint64_t epoch) {
    const auto files = env.List(Directory(epoch));
    REQUIRE(files.ok());
    for (const std::string& file : *files) {
      CHECK(env.Remove(Directory(epoch) + "/" + file).ok());
    }
  }
};

Rows Many(int rows, const std::string& value) {
  Rows all;
  for (int i = 0; i < rows; ++i) all.push_back({"k" + std::to_string(i), "1", value});
  return all;
}

TEST_CASE_FIXTURE(Fixture, "changes are stored behind what they go on from, though its epoch is gone") {
  REQUIRE(live.Begin());
  REQUIRE(Store(1, WindowTable(true, {{"a", "1", "1"}, {"b", "1", "1"}}), 0).ok());
  Forget(1);
  const auto second = Store(2, WindowTable(false, {{"b", "1", "2"}}), 1);
  REQUIRE_MESSAGE(second.ok(), second.status().ToString());
  CHECK(second->size() == 2);
  CHECK(Read(2, *second) == std::vector<std::string>{"a|1|1", "b|1|2"});
  Forget(2);
  // Nothing changed: nothing is written.
  const auto third = Store(3, WindowTable(false, {}), 2);
  REQUIRE(third.ok());
  CHECK(third->size() == 2);
  const auto fourth = Store(4, WindowTable(false, {{"c", "1", "4"}}), 3);
  REQUIRE(fourth.ok());
  CHECK(Read(3, *third) == std::vector<std::string>{"a|1|1", "b|1|2"});
  CHECK(Read(4, *fourth) == std::vector<std::string>{"a|1|1", "b|1|2", "c|1|4"});
}

TEST_CASE_FIXTURE(Fixture,
                  "changes since a snapshot that was not stored are refused until a whole one comes") {
  REQUIRE(live.Begin());
  CHECK(!Store(1, WindowTable(false, {{"a", "1", "1"}}), 0).ok());
  REQUIRE(Store(2, WindowTable(true, {{"a", "1", "1"}}), 0).ok());
  const auto gap = Store(4, WindowTable(false, {{"b", "1", "1"}}), 3);
  REQUIRE(!gap.ok());
  CHECK(gap.status().message() == "state 'panes' was saved as changes since epoch 3, which was not stored");
  CHECK(!Store(5, WindowTable(false, {{"b", "1", "1"}}), 4).ok());
  CHECK(Store(6, WindowTable(true, {{"a", "1", "1"}}), 0).ok());
  CHECK(Store(7, WindowTable(false, {{"a", "1", "2"}}), 6).ok());
}

TEST_CASE_FIXTURE(Fixture, "a failed write is a gap") {
  REQUIRE(live.Begin());
  REQUIRE(Store(1, WindowTable(true, {{"a", "1", "1"}}), 0).ok());
  // Its directory is gone: the epoch was given up.
  TableSnapshot change = WindowTable(false, {{"a", "1", "2"}});
  change.since = 1;
  CHECK(!live.Store("/nowhere", 2, "0.0.n.whole.", change).ok());
  CHECK(!Store(3, WindowTable(false, {{"a", "1", "3"}}), 1).ok());
}

TEST_CASE_FIXTURE(Fixture,
                  "changes as large as the table are joined with it, and epochs keep what they have") {
  REQUIRE(live.Begin());
  REQUIRE(Store(1, WindowTable(true, Many(500, "1")), 0).ok());
  const auto second = Store(2, WindowTable(false, Many(400, "2")), 1);
  REQUIRE(second.ok());
  live.Join();
  CHECK(Store(3, WindowTable(false, {{"x", "1", "1"}}), 2)->size() == 3);  // not yet
  const auto fourth = Store(4, WindowTable(false, Many(300, "3")), 3);
  REQUIRE(fourth.ok());
  live.Join();
  const auto fifth = Store(5, WindowTable(false, {{"y", "1", "1"}}), 4);
  REQUIRE(fifth.ok());
  CHECK(fifth->size() == 2);
  CHECK((*fifth)[0].whole);
  CHECK((*fifth)[0].rows == 501);
  std::vector<std::string> expected = Read(4, *fourth);
  CHECK(expected.size() == 501);
  CHECK(expected[0] == "k0|1|3");
  CHECK(expected[399] == "k399|1|2");
  expected.emplace_back("y|1|1");
  CHECK(Read(5, *fifth) == expected);
  CHECK(env.List("/state/scratch/live/0.0")->size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a chain of very many links is joined, however small they are") {
  REQUIRE(live.Begin());
  REQUIRE(Store(1, WindowTable(true, Many(20'000, "1")), 0).ok());
  size_t most = 0;
  for (uint64_t epoch = 2; epoch < 150; ++epoch) {
    const auto stored = Store(epoch, WindowTable(false, {{"x", "1", std::to_string(epoch)}}), epoch - 1);
    REQUIRE(stored.ok());
    most = std::max(most, stored->size());
    live.Join();
  }
  CHECK(most == 65);
}

TEST_CASE_FIXTURE(Fixture, "tables that an epoch did not have are no more") {
  REQUIRE(live.Begin());
  REQUIRE(Store(1, WindowTable(true, {{"a", "1", "1"}}), 0).ok());
  live.Keep(2);
  CHECK(env.List("/state/scratch/live/0.0")->empty());
  CHECK(!Store(2, WindowTable(false, {{"a", "1", "1"}}), 1).ok());
}

TEST_CASE_FIXTURE(Fixture,
                  "what an earlier process left is removed; without a directory there are no changes") {
  REQUIRE(live.Begin());
  REQUIRE(Store(1, WindowTable(true, {{"a", "1", "1"}}), 0).ok());
  LiveSegments next(&env, "/state/scratch/live/0.0");
  REQUIRE(next.Begin());
  CHECK(env.List("/state/scratch/live/0.0")->empty());
  LiveSegments none(&env, "");
  CHECK(!none.Begin());
  REQUIRE(env.MakeDirectories(Directory(9), 0755).ok());
  CHECK(none.Store(Directory(9), 9, "p.", WindowTable(true, {{"a", "1", "1"}})).ok());
}

}  // namespace
}  // namespace streamrun
