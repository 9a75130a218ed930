// A record of an ingest log as bytes: docs/formats/ingest.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.h"
#include "core/data/buffer.h"

namespace streamrun {

enum class LogRecordKind : uint8_t {
  kChunk = 1,    // what Source::EmitChunk gave
  kFailed = 2,   // what Source::FailRecord gave
  kDropped = 3,  // the transport lost `count` records (Source::Dropped)
  kEnd = 4,      // the input came to its end
  kMark = 5,     // what Source::EndUnit gave: the unit is whole
};

/// What is in one; the views belong to somebody else.
struct LogRecord {
  LogRecordKind kind = LogRecordKind::kChunk;
  uint64_t seq = 0;        // counts records from 0
  Timestamp received = 0;  // wall clock
  std::string_view split;
  int64_t offset = 0;  // kDropped: how many
  /// kChunk: records as they came; kFailed: the beginning of the one that failed.
  std::string_view bytes;
  /// kChunk: the header line, if the format wanted one.
  std::optional<std::string_view> header;
  /// kChunk: ends of the records (uint32 little endian), when the transport delimits them.
  std::optional<std::string_view> record_ends;
  std::string_view code, message;  // kFailed
  /// More of its unit follows; without that, nothing of the unit counts.
  bool open = false;
};

/// Longest body that is written or believed.
inline constexpr uint32_t kMaxLogBody = (1u << 31) - 1;

/// Bytes that Append adds for it.
size_t LogRecordSize(const LogRecord& record);
void AppendLogRecord(const LogRecord& record, BufferBuilder* out);

enum class LogParse : uint8_t {
  kWhole,
  kShort,  // the bytes end before the record does
  kBad,    // not a record
};
/// Reads the record that begins at `bytes`; with kWhole `size` is its length there.
LogParse ParseLogRecord(std::string_view bytes, LogRecord* record, size_t* size);

/// Where the next whole record with a number in (after, below) begins, from byte 1 on; nothing when none
/// does.
std::optional<size_t> FindLogRecord(std::string_view bytes, uint64_t after, uint64_t below);

/// "00000000000000004711.seg": the file whose first record has this number.
std::string LogSegmentName(uint64_t first);
/// The number in such a name.
std::optional<uint64_t> LogSegmentFirst(std::string_view name);

}  // namespace streamrun
