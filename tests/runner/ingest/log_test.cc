// The ingest log: what was committed is read back, torn ends are cut, damage is found and told.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "core/data/buffer.h"
#include "runner/ingest/log_reader.h"
#include "runner/ingest/log_writer.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

constexpr char kLog[] = "/state/ingest/in";

LogRecord ChunkOf(std::string_view bytes, int64_t offset = 0) {
  LogRecord record;
  record.split = "tcp:127.0.0.1:9000";
  record.offset = offset;
  record.bytes = bytes;
  return record;
}

std::unique_ptr<LogWriter> OpenLog(CrashEnv* env, uint64_t segment = 1 << 20, bool fresh = false) {
  REQUIRE(env->MakeDirectories("/state", 0700).ok());
  auto writer = LogWriter::Open(env, kLog, segment, fresh);
  REQUIRE_MESSAGE(writer.ok(), writer.status().ToString());
  return std::move(*writer);
}

void Commit(LogWriter* log) {
  const auto committed = log->Commit();
  REQUIRE_MESSAGE(committed.ok(), committed.status().ToString());
  REQUIRE(*committed == LogWriter::Committed::kDone);
}

// Writes "r0" ... in commits of three.
void Write(LogWriter* log, int records) {
  for (int i = 0; i < records; ++i) {
    log->Add(ChunkOf("r" + std::to_string(log->synced() + log->pending_records()) + "\n"));
    if (i % 3 == 2) Commit(log);
  }
  Commit(log);
}

// "r0 r1 !2-4 r5": what a reader sees, damage with its range.
std::string ReadAll(CrashEnv* env, uint64_t limit, std::optional<uint64_t> from = std::nullopt) {
  LogReader reader(env, kLog);
  if (const Status status = reader.Seek(from, limit); !status.ok()) return status.message();
  std::string seen;
  for (int i = 0; i < 10'000; ++i) {
    const auto item = reader.Next(limit);
    REQUIRE_MESSAGE(item.ok(), item.status().ToString());
    if (item->record) {
      std::string_view bytes = item->record->bytes;
      if (!bytes.empty() && bytes.back() == '\n') bytes.remove_suffix(1);
      seen += (seen.empty() ? "" : " ") + std::string(bytes);
    } else if (item->damage) {
      seen += (seen.empty() ? "!" : " !") + std::to_string(item->damage->first) + "-" +
              std::to_string(item->damage->end);
      if (item->damage->file.empty()) seen += "(gone)";
    } else {
      return seen;
    }
  }
  return "it never ends";
}

std::string Numbers(uint64_t from, uint64_t to) {
  std::string text;
  for (uint64_t i = from; i < to; ++i) text += (text.empty() ? "r" : " r") + std::to_string(i);
  return text;
}

std::vector<std::string> Files(CrashEnv* env) {
  auto names = env->List(kLog);
  REQUIRE(names.ok());
  return *names;
}

}  // namespace

TEST_CASE("every part of a record comes back") {
  const uint32_t ends[] = {3, 5};
  LogRecord chunk = ChunkOf("abcde", 17);
  chunk.seq = 9;
  chunk.received = 1'700'000'000'000'000;
  chunk.header = "id,price";
  chunk.record_ends = {reinterpret_cast<const char*>(ends), sizeof ends};
  LogRecord failed;
  failed.kind = LogRecordKind::kFailed;
  failed.split = "udp";
  failed.code = "record.too_long";
  failed.message = "a record of 2 MiB";
  failed.bytes = "xyz";
  LogRecord dropped;
  dropped.kind = LogRecordKind::kDropped;
  dropped.offset = 42;
  BufferBuilder bytes;
  for (const LogRecord& record : {chunk, failed, dropped}) AppendLogRecord(record, &bytes);
  CHECK(bytes.size() == LogRecordSize(chunk) + LogRecordSize(failed) + LogRecordSize(dropped));
  std::string_view rest = bytes.view();
  const auto next = [&] {
    LogRecord record;
    size_t size = 0;
    REQUIRE(ParseLogRecord(rest, &record, &size) == LogParse::kWhole);
    rest.remove_prefix(size);
    return record;
  };
  const LogRecord a = next();
  CHECK(a.seq == 9);
  CHECK(a.received == chunk.received);
  CHECK(a.offset == 17);
  CHECK(a.split == "tcp:127.0.0.1:9000");
  CHECK(*a.header == "id,price");
  CHECK(*a.record_ends == *chunk.record_ends);
  CHECK(a.bytes == "abcde");
  const LogRecord b = next();
  CHECK(b.kind == LogRecordKind::kFailed);
  CHECK(b.code == "record.too_long");
  CHECK(b.message == "a record of 2 MiB");
  CHECK(b.bytes == "xyz");
  const LogRecord c = next();
  CHECK(c.kind == LogRecordKind::kDropped);
  CHECK(c.offset == 42);
  CHECK(!c.header.has_value());
  CHECK(rest.empty());
}

TEST_CASE("no flipped bit and no cut is taken for a record") {
  BufferBuilder bytes;
  LogRecord record = ChunkOf("some bytes\n", 3);
  record.header = "h";
  AppendLogRecord(record, &bytes);
  const std::string whole(bytes.view());
  size_t size = 0;
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    CHECK(ParseLogRecord(std::string_view(whole).substr(0, cut), &record, &size) == LogParse::kShort);
  }
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    CHECK(ParseLogRecord(flipped, &record, &size) != LogParse::kWhole);
  }
}

TEST_CASE("what was committed is read, over files and lives") {
  CrashEnv env;
  Write(OpenLog(&env, 600).get(), 10);
  CHECK(Files(&env).size() == 2);
  const auto log = OpenLog(&env, 600);
  CHECK(log->synced() == 10);
  Write(log.get(), 7);
  CHECK(ReadAll(&env, 17) == Numbers(0, 17));
  CHECK(ReadAll(&env, 17, 12) == Numbers(12, 17));
  CHECK(ReadAll(&env, 5) == Numbers(0, 5));
  CHECK(*log->Bytes() > 17 * 48);
}

TEST_CASE("scenario 42: a torn end was never acknowledged and is cut off") {
  CrashEnv env;
  {
    const auto log = OpenLog(&env);
    Write(log.get(), 5);
    log->Add(ChunkOf("never safe\n"));
  }
  const std::string path = std::string(kLog) + "/" + Files(&env).front();
  auto file = env.OpenForWrite(path, WriteMode::kAppend);
  REQUIRE(file.ok());
  REQUIRE((*file)->Append(std::string(30, 'x')).ok());
  const auto log = OpenLog(&env);
  CHECK(log->synced() == 5);
  Write(log.get(), 2);
  CHECK(ReadAll(&env, 7) == Numbers(0, 7));
}

TEST_CASE("scenario 43: damage in the middle is told with its range, what follows is read") {
  CrashEnv env;
  Write(OpenLog(&env).get(), 6);
  const std::string path = std::string(kLog) + "/" + Files(&env).front();
  const size_t size = LogRecordSize(ChunkOf("r0\n"));
  env.FlipBit(path, (2 * size + 50) * 8);
  const auto log = OpenLog(&env);
  CHECK(log->synced() == 6);  // what a whole record follows is no torn end
  Write(log.get(), 2);
  CHECK(ReadAll(&env, 8) == "r0 r1 !2-3 r3 r4 r5 r6 r7");
  CHECK(ReadAll(&env, 8, 3) == "r3 r4 r5 r6 r7");
}

TEST_CASE("a file that is gone is told too, and never a loop") {
  CrashEnv env;
  const auto log = OpenLog(&env, 200);
  Write(log.get(), 12);
  const auto files = Files(&env);
  REQUIRE(files.size() == 4);
  REQUIRE(env.Remove(std::string(kLog) + "/" + files[1]).ok());
  CHECK(ReadAll(&env, 12) == "r0 r1 r2 !3-6(gone) r6 r7 r8 r9 r10 r11");
  CHECK(ReadAll(&env, 12, 0) == "r0 r1 r2 !3-6(gone) r6 r7 r8 r9 r10 r11");
  REQUIRE(env.Remove(std::string(kLog) + "/" + files[0]).ok());
  CHECK(ReadAll(&env, 12, 2) == "the log begins with record 6");
  CHECK(ReadAll(&env, 12) == Numbers(6, 12));
}

TEST_CASE("a full disk keeps the records and the log; with room again they go in") {
  CrashEnv env;
  const auto log = OpenLog(&env);
  Write(log.get(), 3);
  env.SetCapacity(*log->Bytes() + 10);
  log->Add(ChunkOf("r3\n"));
  for (int i = 0; i < 3; ++i) {
    const auto committed = log->Commit();
    REQUIRE(committed.ok());
    CHECK(*committed == LogWriter::Committed::kFull);
    CHECK(log->synced() == 3);
  }
  CHECK(ReadAll(&env, 3) == Numbers(0, 3));
  env.SetCapacity(1 << 20);
  Commit(log.get());
  CHECK(ReadAll(&env, 4) == Numbers(0, 4));
  CHECK(OpenLog(&env)->synced() == 4);
}

TEST_CASE("scenario 46: a sync that fails is an error for good") {
  CrashEnv env;
  const auto log = OpenLog(&env);
  Write(log.get(), 3);
  log->Add(ChunkOf("r3\n"));
  env.FailAt(env.operations() + 1, Code::kResourceExhausted);  // the append comes first
  CHECK(log->Commit().status().code() == Code::kIoError);
  CHECK(log->synced() == 3);
}

LogRecord OpenOf(std::string_view bytes) {
  LogRecord record = ChunkOf(bytes);
  record.open = true;
  return record;
}

LogRecord MarkOf(std::string_view mark) {
  LogRecord record;
  record.kind = LogRecordKind::kMark;
  record.bytes = mark;
  return record;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

TEST_CASE("of a unit that a crash cut nothing is left, and a whole one brings its mark") {
  for (int lost = 0; lost < 200; ++lost) {
    CAPTURE(lost);
    CrashEnv env;
    uint64_t size = 0;
    {
      const auto log = OpenLog(&env);
      Write(log.get(), 2);
      size = *log->Bytes();
      log->Add(OpenOf("r2\n"));
      log->Add(OpenOf("r3\n"));
      log->Add(MarkOf("one"));
      Commit(log.get());
    }
    const std::string path = std::string(kLog) + "/" + Files(&env).front();
    const uint64_t all = env.Info(path)->size;
    env.Cut(path, std::max<uint64_t>(size, all - static_cast<uint64_t>(lost)));
    const auto log = OpenLog(&env);
    CHECK(log->synced() == (lost == 0 ? 5 : 2));
    CHECK(Joined(log->TakeMarks()) == (lost == 0 ? "one" : ""));
    if (lost > 0) CHECK(env.Info(path)->size == size);
  }
}

TEST_CASE("damage before a unit that was cut is told, the unit is not") {
  CrashEnv env;
  uint64_t size = 0;
  {
    const auto log = OpenLog(&env);
    Write(log.get(), 3);
    size = *log->Bytes();
    log->Add(OpenOf("r3\n"));
    Commit(log.get());
  }
  const std::string path = std::string(kLog) + "/" + Files(&env).front();
  env.FlipBit(path, (size - 1) * 8);  // r2
  const auto log = OpenLog(&env);
  CHECK(log->synced() == 3);
  Write(log.get(), 1);
  CHECK(ReadAll(&env, 4) == "r0 r1 !2-3 r3");
}

TEST_CASE("marks that are kept outlive the files of the log, whatever a crash does to a new file") {
  bool rolled = false;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    CrashEnv env;
    REQUIRE(env.MakeDirectories("/state", 0700).ok());
    REQUIRE(env.SyncDirectory("/").ok());
    std::string kept = "a b";
    bool safe = false;
    {
      const auto log = OpenLog(&env, 400);
      log->KeepMarks([&] { return kept; });
      Write(log.get(), 3);
      log->Add(MarkOf("c"));
      Commit(log.get());
      kept = "a b c";
      env.StopAt(env.operations() + seed % 15);
      log->Add(MarkOf("d" + std::string(300, '.')));
      safe = log->Commit().ok();
    }
    env.Crash(seed);
    const auto again = OpenLog(&env, 400);
    const std::string marks = Joined(again->TakeMarks());
    CHECK(marks.starts_with("a b c"));
    CHECK((!safe || marks.find("d.") != std::string::npos));
    // The reader has removed older files: the last one and its keys are enough.
    const auto files = Files(&env);
    rolled = rolled || std::count_if(files.begin(), files.end(),
                                     [](const auto& n) { return n.ends_with(".seg"); }) == 2;
  }
  CHECK(rolled);
}

TEST_CASE("a log whose input ended is begun anew by a fresh run only") {
  CrashEnv env;
  {
    const auto log = OpenLog(&env);
    Write(log.get(), 2);
    LogRecord end;
    end.kind = LogRecordKind::kEnd;
    log->Add(end);
    Commit(log.get());
    CHECK(log->ended());
  }
  CHECK(OpenLog(&env)->ended());
  const auto log = OpenLog(&env, 1 << 20, true);
  CHECK(!log->ended());
  CHECK(log->synced() == 0);
  LogReader early(&env, kLog);
  REQUIRE(early.Seek(std::nullopt, log->synced()).ok());
  Write(log.get(), 1);
  const Result<LogReader::Item> first = early.Next(log->synced());
  REQUIRE(first.ok());
  REQUIRE(first->record.has_value());
  CHECK(first->record->bytes == "r0\n");
  CHECK(ReadAll(&env, log->synced()) == "r0");
}

TEST_CASE("a reader forgets what it read ahead and a dead writer had not made safe") {
  CrashEnv env;
  const auto log = OpenLog(&env);
  Write(log.get(), 2);
  const std::string path = std::string(kLog) + "/" + Files(&env).front();
  // A writer that was killed behind its append, before its sync.
  BufferBuilder unsafe;
  LogRecord record = ChunkOf("x2\n");
  record.seq = 2;
  AppendLogRecord(record, &unsafe);
  auto file = env.OpenForWrite(path, WriteMode::kAppend);
  REQUIRE((*file)->Append(unsafe.view()).ok());
  LogReader reader(&env, kLog);
  REQUIRE(reader.Seek(0, 2).ok());
  CHECK(reader.Next(2)->record->bytes == "r0\n");
  env.Cut(path, 2 * LogRecordSize(ChunkOf("r0\n")));
  const auto next = OpenLog(&env);
  Write(next.get(), 2);
  for (const char* expected : {"r1\n", "r2\n", "r3\n"}) CHECK(reader.Next(4)->record->bytes == expected);
}

}  // namespace streamrun
