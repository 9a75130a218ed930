// The ingest log under crashes at every operation, by seed: what was acknowledged is there, once, in order.
// SR_SEEDS=n multiplies the lives, SR_SEED=n replays one.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "runner/ingest/log_reader.h"
#include "runner/ingest/log_writer.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

constexpr char kLog[] = "/state/ingest/in";
constexpr uint64_t kSegment = 700;

class History {
 public:
  explicit History(uint64_t seed) : seed_(seed), random_(seed) {}

  void Run(int lives) {
    REQUIRE(env_.MakeDirectories("/state", 0700).ok());
    REQUIRE(env_.SyncDirectory("/").ok());
    for (int life = 0; life < lives; ++life) {
      env_.StopAt(Below(25));
      env_.SetCapacity(Below(4) == 0 ? 2'000 : 1 << 20);
      Live();
      if (Below(3) == 0) {
        env_.Kill();
      } else {
        env_.Crash(random_());
      }
      env_.StopAt(~uint64_t{0});
      env_.SetCapacity(1 << 20);
      Check();
    }
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }

  // Takes records, acknowledges them, and now and then forgets the oldest, as the reader does.
  void Live() {
    auto log = LogWriter::Open(&env_, kLog, kSegment, false);
    if (!log.ok()) return;
    written_.resize((*log)->synced());
    for (int commit = 0; commit < 8; ++commit) {
      for (uint64_t i = 0; i <= Below(4); ++i) {
        LogRecord record;
        record.split = "in";
        const std::string bytes = std::to_string(random_()) + "\n";
        record.bytes = bytes;
        (*log)->Add(record);
        written_.push_back(bytes);
      }
      const auto committed = (*log)->Commit();
      if (!committed.ok()) return;
      if (*committed == LogWriter::Committed::kFull) continue;
      acknowledged_ = (*log)->synced();
      REQUIRE(acknowledged_ == written_.size());
      if (Below(3) == 0) Forget();
    }
  }

  void Forget() {
    const auto firsts = ListLogSegments(&env_, kLog);
    if (!firsts.ok() || firsts->size() < 2) return;
    if (env_.Remove(std::string(kLog) + "/" + LogSegmentName((*firsts)[0])).ok()) {
      forgotten_ = std::max(forgotten_, (*firsts)[1]);
      (void)env_.SyncDirectory(kLog).ok();
    }
  }

  void Check() {
    CAPTURE(seed_);
    auto log = LogWriter::Open(&env_, kLog, kSegment, false);
    REQUIRE_MESSAGE(log.ok(), log.status().ToString());
    REQUIRE((*log)->synced() >= acknowledged_);
    REQUIRE((*log)->synced() <= written_.size());
    LogReader reader(&env_, kLog);
    REQUIRE(reader.Seek(std::nullopt, (*log)->synced()).ok());
    // What was removed may be back (its directory was not synced), what was not is there.
    REQUIRE(reader.next() <= forgotten_);
    for (uint64_t seq = reader.next(); seq < (*log)->synced(); ++seq) {
      CAPTURE(seq);
      const auto item = reader.Next((*log)->synced());
      REQUIRE_MESSAGE(item.ok(), item.status().ToString());
      REQUIRE(item->record.has_value());
      REQUIRE(item->record->seq == seq);
      REQUIRE(item->record->bytes == written_[seq]);
    }
    acknowledged_ = (*log)->synced();
  }

  CrashEnv env_;
  const uint64_t seed_;
  std::mt19937_64 random_;
  std::vector<std::string> written_;  // by number; those that were never safe are replaced
  uint64_t acknowledged_ = 0;
  uint64_t forgotten_ = 0;
};

}  // namespace

TEST_CASE("scenarios 42, 44: what an ingest log acknowledged survives every crash, once and in order") {
  const char* one = std::getenv("SR_SEED");
  const char* times = std::getenv("SR_SEEDS");
  const uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t count =
      one != nullptr ? 1 : 300 * (times != nullptr ? std::strtoull(times, nullptr, 10) : 1);
  for (uint64_t seed = first; seed < first + count; ++seed) History(seed).Run(8);
}

}  // namespace streamrun
