// The ingest log under crashes at every operation, by seed: what was acknowledged is there, once, in order.
// SR_SEEDS=n multiplies the lives, SR_SEED=n replays one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
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

// Clients that send a request again, under the same key, until it is answered; the source takes a key once.
class Requests {
 public:
  explicit Requests(uint64_t seed) : seed_(seed), random_(seed) {}

  void Run(int lives) {
    REQUIRE(env_.MakeDirectories("/state", 0700).ok());
    REQUIRE(env_.SyncDirectory("/").ok());
    for (int life = 0; life < lives; ++life) {
      env_.StopAt(Below(30));
      env_.SetCapacity(Below(4) == 0 ? 3'000 : 1 << 20);
      Live();
      Below(3) == 0 ? env_.Kill() : env_.Crash(random_());
      env_.StopAt(~uint64_t{0});
      env_.SetCapacity(1 << 20);
      Check();
    }
  }

 private:
  using Ids = std::set<int>;
  uint64_t Below(uint64_t n) { return random_() % n; }
  static int RowsOf(int id) { return 1 + id % 4; }

  static Ids Parse(const std::vector<std::string>& marks) {
    Ids ids;
    for (const std::string& text : marks) {
      for (size_t at = 0; at < text.size(); at = text.find(',', at) + 1)
        ids.insert(std::atoi(text.c_str() + at));
    }
    return ids;
  }

  void AddUnit(LogWriter* log, int id) {
    for (int row = 0; row < RowsOf(id); ++row) {
      const std::string bytes = std::to_string(id) + "," + std::string(Below(60), 'x') + "\n";
      LogRecord record;
      record.bytes = bytes;
      record.open = true;
      log->Add(record);
    }
    LogRecord mark;
    mark.kind = LogRecordKind::kMark;
    const std::string text = std::to_string(id) + ",";
    mark.bytes = text;
    log->Add(mark);
  }

  void Live() {
    auto log = LogWriter::Open(&env_, kLog, kSegment, false);
    if (!log.ok()) return;
    Ids stored = Parse((*log)->TakeMarks());
    Ids pending;
    (*log)->KeepMarks([&] {
      std::string all;
      for (const int id : stored) all += std::to_string(id) + ",";
      return all;
    });
    for (int commit = 0; commit < 8; ++commit) {
      for (uint64_t i = 0; i <= Below(3); ++i) {
        // A new one, or one that has no answer.
        const int id = Below(2) == 0 ? next_++ : static_cast<int>(Below(static_cast<uint64_t>(next_) + 1));
        next_ = std::max(next_, id + 1);
        if (stored.contains(id)) {
          answered_.insert(id);
        } else if (pending.insert(id).second) {
          AddUnit(log->get(), id);
        }
      }
      const auto committed = (*log)->Commit();
      if (!committed.ok()) return;
      if (*committed == LogWriter::Committed::kFull) continue;
      stored.insert(pending.begin(), pending.end());
      answered_.insert(pending.begin(), pending.end());
      pending.clear();
      if (Below(3) == 0) Forget((*log)->synced());
    }
  }

  std::map<int, int> Rows(uint64_t limit) {
    LogReader reader(&env_, kLog);
    std::map<int, int> rows;
    if (!reader.Seek(std::nullopt, limit).ok()) return rows;
    for (;;) {
      const auto item = reader.Next(limit);
      if (!item.ok() || !item->record) return rows;
      if (item->record->kind == LogRecordKind::kChunk)
        ++rows[std::atoi(std::string(item->record->bytes).c_str())];
    }
  }

  void Forget(uint64_t synced) {
    const auto firsts = ListLogSegments(&env_, kLog);
    if (!firsts.ok() || firsts->size() < 2 || (*firsts)[1] > synced) return;
    for (const auto& [id, rows] : Rows((*firsts)[1])) forgotten_.insert(id);
    if (env_.Remove(std::string(kLog) + "/" + LogSegmentName((*firsts)[0])).ok()) {
      (void)env_.SyncDirectory(kLog).ok();
    }
  }

  void Check() {
    CAPTURE(seed_);
    auto log = LogWriter::Open(&env_, kLog, kSegment, false);
    REQUIRE_MESSAGE(log.ok(), log.status().ToString());
    const Ids taken = Parse((*log)->TakeMarks());
    std::map<int, int> rows = Rows((*log)->synced());
    for (const int id : answered_) {
      CAPTURE(id);
      REQUIRE(taken.contains(id));
    }
    for (const int id : taken) {
      CAPTURE(id);
      if (rows[id] == 0) REQUIRE(forgotten_.contains(id));
    }
    for (const auto& [id, count] : rows) {
      const int number = id;
      CAPTURE(number);
      REQUIRE((count == 0 || count == RowsOf(id)));
      if (count > 0) REQUIRE(taken.contains(id));
    }
  }

  CrashEnv env_;
  const uint64_t seed_;
  std::mt19937_64 random_;
  int next_ = 0;
  Ids answered_, forgotten_;
};

template <typename History>
void ForEachSeed() {
  const char* one = std::getenv("SR_SEED");
  const char* times = std::getenv("SR_SEEDS");
  const uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t count =
      one != nullptr ? 1 : 300 * (times != nullptr ? std::strtoull(times, nullptr, 10) : 1);
  for (uint64_t seed = first; seed < first + count; ++seed) History(seed).Run(8);
}

}  // namespace

TEST_CASE("scenarios 42, 44: what an ingest log acknowledged survives every crash, once and in order") {
  ForEachSeed<History>();
}

TEST_CASE("of a request with a key the rows and the key survive every crash together, or neither") {
  ForEachSeed<Requests>();
}

}  // namespace streamrun
