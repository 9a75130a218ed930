// The order of writes, and what each damage leads to. Numbers are those of RELIABILITY section 8.
#include "runner/checkpoint/checkpoint_directory.h"

#include "core/base/sealed_file.h"
#include "tests/runner/checkpoint/table_rows.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

struct Fixture {
  CrashEnv env;
  CheckpointDirectory directory{&env, "/state", 2};

  Fixture() { REQUIRE(env.MakeDirectories("/state", 0700).ok()); }

  Manifest Write(uint64_t epoch) {
    REQUIRE(directory.Begin(epoch).ok());
    StoredTable table{"panes", "k text", 1, {{"panes.seg", 0, 0, true, 0}}};
    const std::string path = directory.TemporaryDirectory(epoch) + "/panes.seg";
    const Status written =
        WriteSegment(&env, path, WindowTable(true, {{"a", std::to_string(epoch), "1"}}), &table.segments[0]);
    REQUIRE_MESSAGE(written.ok(), written.ToString());
    StoredNode node;
    node.tables.push_back(table);
    Manifest manifest;
    manifest.epoch = epoch;
    manifest.key_groups = 128;
    manifest.needs_commit = true;
    manifest.fragments.resize(1);
    manifest.fragments[0].nodes.push_back(std::move(node));
    return manifest;
  }
  void Decide(uint64_t epoch) {
    const Status decided = directory.Decide(Write(epoch));
    REQUIRE_MESSAGE(decided.ok(), decided.ToString());
  }
  void Commit(uint64_t epoch) {
    Decide(epoch);
    REQUIRE(directory.MarkCommitted(epoch).ok());
  }
  CheckpointDirectory::Found Recover() {
    auto found = directory.Recover();
    REQUIRE_MESSAGE(found.ok(), found.status().ToString());
    return std::move(*found);
  }
  // Recover refuses and touches nothing.
  std::string Refused() {
    const auto before = env.Tree();
    const auto found = directory.Recover();
    REQUIRE(!found.ok());
    CHECK(found.status().code() == Code::kCorruption);
    CHECK(env.Tree() == before);
    return found.status().message();
  }
  std::string RowsOfEpoch(uint64_t epoch) {
    const auto table = ReadSegment(&env, directory.EpochDirectory(epoch) + "/panes.seg");
    REQUIRE(table.ok());
    return Printed(table->rows)[0];
  }
};

TEST_CASE_FIXTURE(Fixture, "an empty directory begins anew, also after epochs that were never decided") {
  CHECK(!Recover().current);
  (void)Write(1);
  const auto found = Recover();
  CHECK(!found.current);
  CHECK(found.epoch_high == 0);
  CHECK(directory.Epochs()->empty());
  CHECK(env.List("/state/ckpt")->empty());
}

TEST_CASE_FIXTURE(Fixture, "a committed epoch is found whole, older ones go when no longer retained") {
  for (uint64_t epoch = 1; epoch <= 5; ++epoch) Commit(epoch);
  CHECK(*directory.Epochs() == std::vector<uint64_t>{4, 5});
  env.Crash(1);
  const auto found = Recover();
  REQUIRE(found.current);
  CHECK(found.current->epoch == 5);
  CHECK(found.committed);
  CHECK(found.epoch_high == 5);
  CHECK(RowsOfEpoch(5) == "a|5|1");
}

// Operations of a decision; the last is the sync of CURRENT's directory, the one before its rename.
uint64_t DecideOperations() {
  Fixture f;
  f.Commit(1);
  const Manifest manifest = f.Write(2);
  const uint64_t before = f.env.operations();
  REQUIRE(f.directory.Decide(manifest).ok());
  return f.env.operations() - before;
}

TEST_CASE("scenario 4: killed between the rename of the epoch and that of CURRENT, the epoch before counts") {
  const uint64_t operations = DecideOperations();
  int renamed = 0;
  for (uint64_t stop = 0; stop < operations - 1; ++stop) {
    Fixture f;
    f.Commit(1);
    const Manifest manifest = f.Write(2);
    f.env.StopAt(f.env.operations() + stop);
    CHECK(!f.directory.Decide(manifest).ok());
    f.env.Kill();
    renamed += f.env.Info("/state/ckpt/2").ok();
    const auto found = f.Recover();
    CHECK(found.current->epoch == 1);
    CHECK(*f.env.List("/state/ckpt") == std::vector<std::string>{"1"});
    f.Commit(found.epoch_high + 1);
    CHECK(f.Recover().current->epoch == found.epoch_high + 1);
  }
  CHECK(renamed > 3);
}

TEST_CASE_FIXTURE(Fixture, "scenario 5: decided and not committed, it is found to be committed") {
  Commit(1);
  Decide(2);
  env.Crash(3);
  const auto found = Recover();
  CHECK(found.current->epoch == 2);
  CHECK(found.current->needs_commit);
  CHECK(!found.committed);
}

TEST_CASE("scenario 6: a lost rename of CURRENT means the epoch before; once acted upon it is lost no more") {
  const uint64_t operations = DecideOperations();
  int lost = 0;
  int kept = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Fixture f;
    f.Commit(1);
    const Manifest manifest = f.Write(2);
    f.env.StopAt(f.env.operations() + operations - 1);
    CHECK(!f.directory.Decide(manifest).ok());
    f.env.Kill();
    REQUIRE(*ReadSealedNumber(&f.env, "/state/CURRENT") == 2);
    if (seed % 2 == 0) {
      CHECK(f.Recover().current->epoch == 2);
      f.env.Crash(seed);
      CHECK(f.Recover().current->epoch == 2);
    } else {
      f.env.Crash(seed);
      const uint64_t epoch = f.Recover().current->epoch;
      CHECK((epoch == 1 || epoch == 2));
      (epoch == 1 ? lost : kept)++;
    }
  }
  CHECK(lost > 0);
  CHECK(kept > 0);
}

TEST_CASE_FIXTURE(Fixture, "scenario 8: the marker is lost or damaged, the epoch is committed again") {
  Commit(1);
  env.FlipBit("/state/ckpt/1/committed", 3);
  CHECK(!Recover().committed);
  REQUIRE(directory.MarkCommitted(1).ok());
  CHECK(Recover().committed);
}

TEST_CASE_FIXTURE(Fixture, "scenario 15: a damaged CURRENT is refused, and what can be restored is named") {
  Commit(1);
  Commit(2);
  (void)Write(3);
  env.FlipBit("/state/CURRENT", 1);
  CHECK(Refused() ==
        "/state/CURRENT is damaged: its checksum does not match; --restore takes one of the epochs 1, 2, "
        "--reset-state starts empty. Output may be repeated by either");
}

TEST_CASE_FIXTURE(Fixture, "scenario 16: checkpoints without CURRENT are refused until the state is reset") {
  Commit(1);
  Commit(2);
  REQUIRE(env.Remove("/state/CURRENT").ok());
  CHECK(Refused().find("/state/CURRENT is missing; --restore takes one of the epochs 1, 2,") == 0);
  REQUIRE(directory.Reset().ok());
  env.Crash(9);
  const auto found = Recover();
  CHECK(!found.current);
  CHECK(found.epoch_high == 2);
  CHECK(env.List("/state/ckpt")->empty());
  Commit(3);
  CHECK(Recover().current->epoch == 3);
}

TEST_CASE_FIXTURE(Fixture, "scenario 17: a cut, changed or missing segment is found before anything starts") {
  Commit(1);
  Commit(2);
  const std::string path = "/state/ckpt/2/panes.seg";
  const std::string good = *env.ReadFile(path, 1 << 20);
  env.Cut(path, good.size() - 1);
  CHECK(Refused().find(path + " has " + std::to_string(good.size() - 1) + " bytes instead of " +
                       std::to_string(good.size()) + "; --restore takes one of the epochs 1,") == 0);
  env.Cut(path, good.size());
  env.FlipBit(path, good.size() * 8 - 1);
  CHECK(Refused().find(path + " is damaged: its checksum does not match") == 0);
  REQUIRE(env.Remove(path).ok());
  CHECK(Refused().find(path + " is missing") == 0);
  REQUIRE(env.Remove("/state/ckpt/2/manifest").ok());
  CHECK(Refused().find("/state/ckpt/2 is no checkpoint") == 0);
}

TEST_CASE_FIXTURE(Fixture, "scenario 18: what was written behind the epoch is not there") {
  Commit(1);
  (void)Write(2);
  env.Kill();
  CHECK(Recover().current->epoch == 1);
  CHECK(RowsOfEpoch(1) == "a|1|1");
  CHECK(*env.List("/state/ckpt") == std::vector<std::string>{"1"});
}

TEST_CASE_FIXTURE(Fixture,
                  "scenario 75: a full disk costs the epoch, the one before stays, the next one works") {
  Commit(1);
  REQUIRE(directory.Begin(2).ok());
  env.SetCapacity(0);
  SegmentInfo info;
  CHECK(
      WriteSegment(&env, directory.TemporaryDirectory(2) + "/s", WindowTable(true, {{"a", "1", "1"}}), &info)
          .code() == Code::kResourceExhausted);
  REQUIRE(directory.Abandon(2).ok());
  CHECK(Recover().current->epoch == 1);
  env.SetCapacity(1 << 20);
  Commit(3);
  CHECK(Recover().current->epoch == 3);
}

TEST_CASE_FIXTURE(Fixture, "scenario 75: a disk without room for the manifest has decided nothing") {
  Commit(1);
  const Manifest manifest = Write(2);
  CHECK(directory.IsUndecided(2));
  env.SetCapacity(0);
  CHECK(directory.Decide(manifest).code() == Code::kResourceExhausted);
  CHECK(directory.IsUndecided(2));
  REQUIRE(directory.Abandon(2).ok());
  env.SetCapacity(1 << 20);
  Commit(3);
  CHECK(!directory.IsUndecided(3));
  CHECK(Recover().current->epoch == 3);
}

TEST_CASE_FIXTURE(Fixture,
                  "scenario 82: a restored epoch has a number above every one that sinks have seen") {
  Commit(1);
  REQUIRE(directory.CopyToSavepoint(1, "before").ok());
  for (uint64_t epoch = 2; epoch <= 6; ++epoch) Commit(epoch);
  const auto restored = directory.Restore("/state/savepoint/before");
  REQUIRE_MESSAGE(restored.ok(), restored.status().ToString());
  CHECK(*restored == 7);
  env.Crash(5);
  const auto found = Recover();
  CHECK(found.current->epoch == 7);
  CHECK(found.current->parent == 1);
  CHECK(found.committed);  // under its old number: not again under this one
  CHECK(found.epoch_high == 7);
  CHECK(RowsOfEpoch(7) == "a|1|1");
  // After a reset too.
  REQUIRE(directory.Reset().ok());
  CHECK(Recover().epoch_high == 7);
  CHECK(*directory.Restore("/state/savepoint/before") == 8);
}

TEST_CASE_FIXTURE(Fixture, "an epoch is restored although CURRENT is damaged or missing") {
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) Commit(epoch);
  env.FlipBit("/state/CURRENT", 1);
  CHECK(*directory.Restore(directory.EpochDirectory(2)) == 4);
  CHECK(Recover().current->epoch == 4);
  CHECK(RowsOfEpoch(4) == "a|2|1");
  REQUIRE(env.Remove("/state/CURRENT").ok());
  // Killed in the middle, nothing is lost: it is refused as before.
  const uint64_t before = env.operations();
  env.StopAt(before + 4);
  CHECK(!directory.Restore(directory.EpochDirectory(4)).ok());
  env.Kill();
  CHECK(Refused().find("/state/CURRENT is missing; --restore takes one of the epochs 2, 3, 4,") == 0);
  CHECK(*directory.Restore(directory.EpochDirectory(4)) == 5);
  CHECK(Recover().current->epoch == 5);
}

TEST_CASE_FIXTURE(
    Fixture, "a damaged EPOCH_HIGH is refused; a restore mends it unless nothing else tells the numbers") {
  Commit(1);
  Commit(2);
  env.FlipBit("/state/EPOCH_HIGH", 1);
  CHECK(Refused().find("/state/EPOCH_HIGH is damaged") == 0);
  CHECK(*directory.Restore(directory.EpochDirectory(2)) == 3);
  CHECK(Recover().epoch_high == 3);
  REQUIRE(directory.Reset().ok());
  env.FlipBit("/state/EPOCH_HIGH", 1);
  CHECK(directory.Reset().code() == Code::kCorruption);
}

TEST_CASE_FIXTURE(Fixture,
                  "savepoints are copies of committed epochs under names of their own, never removed") {
  Commit(1);
  REQUIRE(directory.CopyToSavepoint(1, "v1").ok());
  CHECK(directory.CopyToSavepoint(1, "v1").code() == Code::kAlreadyExists);
  for (const char* name : {"", "..", ".x", "a/b", "a.tmp", "a\nb"}) {
    CHECK(directory.CopyToSavepoint(1, name).code() == Code::kInvalidArgument);
  }
  Decide(2);
  CHECK(directory.CopyToSavepoint(2, "v2").code() == Code::kUnavailable);
  REQUIRE(directory.MarkCommitted(2).ok());
  for (uint64_t epoch = 3; epoch <= 6; ++epoch) Commit(epoch);
  REQUIRE(directory.Reset().ok());
  env.Crash(2);
  CHECK(!Recover().current);
  const auto manifest = directory.Verify("/state/savepoint/v1");
  REQUIRE_MESSAGE(manifest.ok(), manifest.status().ToString());
  CHECK(manifest->epoch == 1);
}

TEST_CASE_FIXTURE(Fixture, "where links are refused, savepoints are copies of bytes") {
  Commit(1);
  const uint64_t link = env.operations() + 2;  // after the directory and its sync
  env.FailAt(link, Code::kUnsupported);
  REQUIRE(directory.CopyToSavepoint(1, "v1").ok());
  CHECK(env.Info("/state/savepoint/v1/panes.seg")->inode != env.Info("/state/ckpt/1/panes.seg")->inode);
  env.Crash(4);
  CHECK(directory.Verify("/state/savepoint/v1").ok());
}

TEST_CASE_FIXTURE(Fixture, "numbers only grow, and an acknowledged file must be there") {
  Commit(3);
  CHECK(directory.Begin(3).code() == Code::kAlreadyExists);
  CHECK(directory.Decide(Write(2)).code() == Code::kInternal);
  Manifest wrong = Write(4);
  wrong.fragments[0].nodes[0].tables[0].segments[0].bytes += 1;
  CHECK(directory.Decide(wrong).code() == Code::kInternal);
  CHECK(Recover().current->epoch == 3);
}

TEST_CASE_FIXTURE(Fixture, "numbers go on although somebody removed all checkpoints by hand") {
  Commit(1);
  for (const char* path : {"/state/ckpt/1/panes.seg", "/state/ckpt/1/manifest", "/state/ckpt/1/committed",
                           "/state/ckpt/1", "/state/ckpt", "/state/CURRENT"}) {
    REQUIRE(env.Remove(path).ok());
  }
  const auto found = Recover();
  CHECK(!found.current);
  CHECK(found.epoch_high == 1);
}

}  // namespace
}  // namespace streamrun
