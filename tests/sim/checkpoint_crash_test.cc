// Checkpoints under crashes at every operation, by seed. SR_SEEDS=n multiplies the lives, SR_SEED=n replays
// one.
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "runner/checkpoint/checkpoint_directory.h"
#include "tests/runner/checkpoint/table_rows.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

// Rows of the one table, by identity.
using State = std::map<std::string, std::string>;

// A pipeline's whole history over many lives, and what it may find when it looks back.
class History {
 public:
  explicit History(uint64_t seed) : seed_(seed), random_(seed) {
    REQUIRE(env_.MakeDirectories("/state", 0700).ok());
  }

  CrashEnv& env() { return env_; }
  uint64_t Below(uint64_t n) { return random_() % n; }

  // Power fails, or only the process dies.
  void End() {
    if (Below(3) == 0) {
      env_.Kill();
    } else {
      env_.Crash(random_());
    }
  }

  // Recovers and checks everything that was promised. False: it was stopped in the middle.
  bool Recover() {
    CheckpointDirectory directory(&env_, "/state", 2);
    auto found = directory.Recover();
    if (!found.ok() && found.status().message().find("the process is dead") != std::string::npos)
      return false;
    REQUIRE_MESSAGE(found.ok(), "seed " << seed_ << ": " << found.status().ToString());
    const uint64_t epoch = found->current ? found->current->epoch : 0;
    CAPTURE(seed_);
    CAPTURE(epoch);
    CheckEpoch(epoch, directory, found->committed);
    CHECK(found->epoch_high >= greatest_);
    const auto epochs = directory.Epochs();
    REQUIRE(epochs.ok());
    for (const uint64_t kept : *epochs) {
      CHECK(kept <= epoch);
      CHECK(Read(directory, directory.EpochDirectory(kept)) == written_.at(kept));
    }
    for (const auto& [name, state] : savepoints_) {
      CHECK(Read(directory, "/state/savepoint/" + name) == state);
    }
    allowed_ = {epoch};
    restoring_.reset();
    current_ = epoch;
    next_ = found->epoch_high + 1;
    return true;
  }

  // Looking twice changes nothing.
  void RecoverAgain() {
    const auto tree = env_.Tree();
    const uint64_t next = next_;
    REQUIRE(Recover());
    CHECK(next_ == next);
    CHECK(env_.Tree() == tree);
  }

  // Some epochs and other deeds. Stops at the first error, as the supervisor does behind a decision.
  Status Live(int epochs) {
    CheckpointDirectory directory(&env_, "/state", 2);
    for (int i = 0; i < epochs; ++i) {
      const uint64_t epoch = next_++;
      const Status written = Write(directory, epoch);
      // Before the decision an error costs this epoch only.
      if (!written.ok() || Below(8) == 0) {
        SR_RETURN_IF_ERROR(directory.Abandon(epoch));
        continue;
      }
      SR_RETURN_IF_ERROR(Decide(directory, epoch));
      marking_.insert(epoch);
      SR_RETURN_IF_ERROR(directory.MarkCommitted(epoch));
      marked_.insert(epoch);
      if (Below(3) == 0) SR_RETURN_IF_ERROR(Save(directory, epoch));
    }
    return Status::Ok();
  }

  Status RestoreSomething() {
    CheckpointDirectory directory(&env_, "/state", 2);
    SR_ASSIGN_OR_RETURN(const auto epochs, directory.Epochs());
    if (epochs.empty()) return Status::Ok();
    const uint64_t chosen = epochs[Below(epochs.size())];
    restoring_ = written_.at(chosen);
    SR_ASSIGN_OR_RETURN(const uint64_t epoch, directory.Restore(directory.EpochDirectory(chosen)));
    CHECK(epoch > greatest_);
    written_[epoch] = *restoring_;
    restoring_.reset();
    allowed_ = {epoch};
    greatest_ = current_ = epoch;
    next_ = epoch + 1;
    if (marked_.count(chosen) > 0) marked_.insert(epoch);
    marking_.insert(epoch);
    return Status::Ok();
  }

  Status Reset() {
    CheckpointDirectory directory(&env_, "/state", 2);
    allowed_.insert(0);
    SR_RETURN_IF_ERROR(directory.Reset());
    allowed_ = {0};
    current_ = 0;
    return Status::Ok();
  }

 private:
  void CheckEpoch(uint64_t epoch, const CheckpointDirectory& directory, bool committed) {
    if (restoring_ && epoch > greatest_ && allowed_.count(epoch) == 0) {
      // A restore that was cut short counts all the same.
      written_[epoch] = *restoring_;
      marking_.insert(epoch);
      allowed_.insert(epoch);
    }
    REQUIRE(allowed_.count(epoch) == 1);
    if (epoch == 0) return;
    greatest_ = std::max(greatest_, epoch);
    CHECK(Read(directory, directory.EpochDirectory(epoch)) == written_.at(epoch));
    if (marked_.count(epoch) > 0) CHECK(committed);
    if (committed) CHECK(marking_.count(epoch) == 1);
  }

  State Read(const CheckpointDirectory& directory, const std::string& path) {
    const auto manifest = directory.Verify(path);
    REQUIRE_MESSAGE(manifest.ok(), manifest.status().ToString());
    std::vector<std::string> paths;
    for (const SegmentInfo& s : manifest->fragments[0].nodes[0].tables[0].segments)
      paths.push_back(path + "/" + s.file);
    State state;
    const Status read = ReadChain(&env_, paths, [&](const TableSnapshot&, const BatchPtr& rows) {
      for (const std::string& row : Printed(*rows)) state[row.substr(0, row.rfind('|'))] = row;
      return Status::Ok();
    });
    REQUIRE_MESSAGE(read.ok(), read.ToString());
    return state;
  }

  // What the workers do: links to the segments of the epoch before, and one more; sometimes all anew.
  Status Write(CheckpointDirectory& directory, uint64_t epoch) {
    SR_RETURN_IF_ERROR(directory.Begin(epoch));
    const std::string path = directory.TemporaryDirectory(epoch) + "/";
    State state;
    table_ = {"panes", "k text, w bigint, n bigint", 1, {}};
    if (current_ > 0) {
      state = written_.at(current_);
      SR_ASSIGN_OR_RETURN(const Manifest before, directory.Verify(directory.EpochDirectory(current_)));
      table_ = before.fragments[0].nodes[0].tables[0];
    }
    const bool whole = table_.segments.empty() || table_.segments.size() > 3;
    const std::string stamp = std::to_string(random_() % 1'000'000'000);
    std::vector<std::vector<std::string>> rows = {{"e", std::to_string(epoch), stamp}, {"x", "0", stamp}};
    for (const auto& row : rows) state[row[0] + "|" + row[1]] = row[0] + "|" + row[1] + "|" + row[2];
    if (whole) {
      table_.segments.clear();
      rows.clear();
      for (const auto& [identity, row] : state) {
        const size_t bar = row.find('|');
        const size_t last = row.rfind('|');
        rows.push_back({row.substr(0, bar), row.substr(bar + 1, last - bar - 1), row.substr(last + 1)});
      }
    }
    for (const SegmentInfo& s : table_.segments) {
      SR_RETURN_IF_ERROR(env_.Link(directory.EpochDirectory(current_) + "/" + s.file, path + s.file));
    }
    SegmentInfo info;
    info.file = "panes-" + std::to_string(epoch);
    SR_RETURN_IF_ERROR(WriteSegment(&env_, path + info.file, WindowTable(whole, rows), &info));
    table_.segments.push_back(info);
    attempt_ = std::move(state);
    return Status::Ok();
  }

  Status Decide(CheckpointDirectory& directory, uint64_t epoch) {
    Manifest manifest;
    manifest.pipeline = "p";
    manifest.epoch = epoch;
    manifest.parent = current_;
    manifest.key_groups = 128;
    StoredNode node;
    node.tables.push_back(table_);
    Fragment fragment;
    fragment.nodes.push_back(std::move(node));
    manifest.fragments.push_back(std::move(fragment));
    written_[epoch] = attempt_;
    allowed_.insert(epoch);
    marking_.erase(epoch);
    SR_RETURN_IF_ERROR(directory.Decide(manifest));
    allowed_ = {epoch};
    greatest_ = current_ = epoch;
    return Status::Ok();
  }

  Status Save(CheckpointDirectory& directory, uint64_t epoch) {
    const std::string name = "s" + std::to_string(epoch);
    SR_RETURN_IF_ERROR(directory.CopyToSavepoint(epoch, name));
    savepoints_[name] = written_.at(epoch);
    return Status::Ok();
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  CrashEnv env_;
  uint64_t current_ = 0;
  uint64_t next_ = 1;
  uint64_t greatest_ = 0;              // ever promised
  std::set<uint64_t> allowed_ = {0};   // what Recover may find
  std::map<uint64_t, State> written_;  // by epoch, of its last attempt
  std::map<std::string, State> savepoints_;
  std::set<uint64_t> marking_, marked_;
  std::optional<State> restoring_;
  StoredTable table_;
  State attempt_;
};

// The first life ends before one of these; an undisturbed one has hardly fewer.
constexpr uint64_t kOperations = 300;

void TwoLives(uint64_t seed, bool fail) {
  History history(seed);
  REQUIRE(history.Recover());
  const uint64_t index = seed % kOperations;
  if (fail) {
    history.env().FailAt(index, seed % 2 == 0 ? Code::kIoError : Code::kResourceExhausted);
  } else {
    history.env().StopAt(index);
  }
  (void)history.Live(5).ok();
  history.End();
  // The next start may be cut short as well, more than once.
  for (int i = 0; i < 3; ++i) {
    history.env().StopAt(history.Below(12));
    if (history.Recover()) break;
    history.End();
  }
  history.env().Kill();
  REQUIRE(history.Recover());
  history.RecoverAgain();
  // What was found is acted upon, so that it must be found again.
  history.End();
  REQUIRE(history.Recover());
  const uint64_t deed = history.Below(4);
  history.env().StopAt(history.Below(60));
  if (deed == 0) (void)history.RestoreSomething().ok();
  if (deed == 1) (void)history.Reset().ok();
  (void)history.Live(2).ok();
  history.End();
  REQUIRE(history.Recover());
  REQUIRE(history.Live(2).ok());
  history.End();
  REQUIRE(history.Recover());
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SR_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SR_SANITIZED 1
#endif
#endif

void ForEachSeed(uint64_t seeds, bool fail) {
#ifdef SR_SANITIZED
  seeds /= 5;  // ten times slower; the release build runs them all
#endif
  if (const char* one = std::getenv("SR_SEED")) return TwoLives(std::strtoull(one, nullptr, 10), fail);
  if (const char* times = std::getenv("SR_SEEDS")) seeds *= std::strtoull(times, nullptr, 10);
  for (uint64_t seed = 0; seed < seeds; ++seed) TwoLives(seed, fail);
}

TEST_CASE("an undisturbed life has fewer operations than are crashed at") {
  History history(7);
  REQUIRE(history.Recover());
  REQUIRE(history.Live(5).ok());
  MESSAGE("operations of five epochs: " << history.env().operations());
  CHECK(history.env().operations() > kOperations / 2);
  CHECK(history.env().operations() < kOperations);
}

TEST_CASE("a crash at any operation loses nothing that was decided and invents nothing") {
  ForEachSeed(2000, false);
}

TEST_CASE("a failing operation costs an epoch or the process, never a decision") { ForEachSeed(1000, true); }

}  // namespace
}  // namespace streamrun
