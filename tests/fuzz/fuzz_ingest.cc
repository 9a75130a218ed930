// An ingest log with any bytes in its last file: opening it and reading it end, records that are believed are
// those that we would have written, and what is written behind them is read back.
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/crc32c.h"
#include "runner/ingest/log_reader.h"
#include "runner/ingest/log_writer.h"
#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

constexpr char kLog[] = "/s/ingest/in";

void Expect(bool fine) {
  if (!fine) std::abort();
}

void Try(std::string_view content) {
  CrashEnv env;
  Expect(env.MakeDirectories(kLog, 0700).ok());
  auto file = env.OpenForWrite(std::string(kLog) + "/" + LogSegmentName(0), WriteMode::kReplace);
  Expect(file.ok() && (*file)->Append(content).ok() && (*file)->Close().ok());
  auto log = LogWriter::Open(&env, kLog, 1 << 20, false);
  Expect(log.ok());
  if ((*log)->synced() == ~uint64_t{0}) return;  // nobody counts so far
  LogRecord mine;
  mine.split = "mine";
  mine.bytes = "last\n";
  (*log)->Add(mine);
  const auto committed = (*log)->Commit();
  Expect(committed.ok() && *committed == LogWriter::Committed::kDone);
  LogReader reader(&env, kLog);
  Expect(reader.Seek(0, (*log)->synced()).ok());
  std::string last;
  for (size_t items = 0;; ++items) {
    Expect(items <= content.size() + 2);
    const auto item = reader.Next((*log)->synced());
    Expect(item.ok());
    if (!item->record && !item->damage) break;
    if (!item->record) continue;
    last = item->record->bytes;
    BufferBuilder again;
    AppendLogRecord(*item->record, &again);
    LogRecord parsed;
    size_t size = 0;
    Expect(ParseLogRecord(again.view(), &parsed, &size) == LogParse::kWhole && size == again.size());
    Expect(parsed.bytes == item->record->bytes && parsed.split == item->record->split);
  }
  Expect(last == "last\n");
}

}  // namespace
}  // namespace streamrun

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace streamrun;
  Try({reinterpret_cast<const char*>(data), size});
  // Once more as a record with a right length and checksum, and number 0, or the fuzzer would hardly get past
  // them.
  if (size < 48) return 0;
  std::string sealed(reinterpret_cast<const char*>(data), size);
  const auto length = static_cast<uint32_t>(size - 8);
  const uint64_t seq = 0;
  std::memcpy(sealed.data(), &length, sizeof length);
  std::memcpy(sealed.data() + 8, &seq, sizeof seq);
  const uint32_t crc = Crc32c(sealed.data() + 8, size - 8);
  std::memcpy(sealed.data() + 4, &crc, sizeof crc);
  Try(sealed);
  return 0;
}
