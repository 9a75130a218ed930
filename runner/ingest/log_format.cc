#include "runner/ingest/log_format.h"

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "core/base/crc32c.h"

namespace streamrun {

namespace {

constexpr uint8_t kHasHeader = 1;
constexpr uint8_t kHasEnds = 2;
constexpr uint8_t kOpen = 4;

// Little endian, without padding. `length` counts what follows `crc`; `crc` covers that.
struct Head {
  uint32_t length;
  uint32_t crc;
  uint64_t seq;
  int64_t received;
  int64_t offset;
  uint32_t split_size;
  uint32_t first_size;   // header line or code
  uint32_t second_size;  // record ends or message
  uint8_t kind;
  uint8_t flags;
  uint16_t zero;
};
static_assert(sizeof(Head) == 48);
constexpr size_t kPrefix = 8;  // length and crc

std::string_view First(const LogRecord& r) {
  return r.kind == LogRecordKind::kFailed ? r.code : r.header.value_or(std::string_view());
}
std::string_view Second(const LogRecord& r) {
  return r.kind == LogRecordKind::kFailed ? r.message : r.record_ends.value_or(std::string_view());
}

}  // namespace

size_t LogRecordSize(const LogRecord& r) {
  return sizeof(Head) + r.split.size() + First(r).size() + Second(r).size() + r.bytes.size();
}

void AppendLogRecord(const LogRecord& r, BufferBuilder* out) {
  const std::string_view first = First(r), second = Second(r);
  Head head{};
  head.length = static_cast<uint32_t>(LogRecordSize(r) - kPrefix);
  head.seq = r.seq;
  head.received = r.received;
  head.offset = r.offset;
  head.split_size = static_cast<uint32_t>(r.split.size());
  head.first_size = static_cast<uint32_t>(first.size());
  head.second_size = static_cast<uint32_t>(second.size());
  head.kind = static_cast<uint8_t>(r.kind);
  head.flags = static_cast<uint8_t>((r.header ? kHasHeader : 0) | (r.record_ends ? kHasEnds : 0) |
                                    (r.open ? kOpen : 0));
  const size_t begin = out->size();
  out->Push(head);
  for (const std::string_view part : {r.split, first, second, r.bytes}) out->Append(part.data(), part.size());
  const uint32_t crc = Crc32c(out->data() + begin + kPrefix, out->size() - begin - kPrefix);
  std::memcpy(out->data() + begin + offsetof(Head, crc), &crc, sizeof crc);
}

LogParse ParseLogRecord(std::string_view bytes, LogRecord* record, size_t* size) {
  if (bytes.size() < kPrefix) return LogParse::kShort;
  Head head{};
  std::memcpy(&head, bytes.data(), kPrefix);
  if (head.length < sizeof(Head) - kPrefix || head.length > kMaxLogBody) return LogParse::kBad;
  if (bytes.size() - kPrefix < head.length) return LogParse::kShort;
  if (Crc32c(bytes.data() + kPrefix, head.length) != head.crc) return LogParse::kBad;
  std::memcpy(&head, bytes.data(), sizeof head);
  const size_t parts = size_t{head.split_size} + head.first_size + head.second_size;
  const auto kind = static_cast<LogRecordKind>(head.kind);
  const bool known = kind >= LogRecordKind::kChunk && kind <= LogRecordKind::kMark;
  if (!known || parts > head.length + kPrefix - sizeof(Head)) return LogParse::kBad;
  if (kind != LogRecordKind::kFailed && head.second_size % sizeof(uint32_t) != 0) return LogParse::kBad;
  std::string_view rest = bytes.substr(sizeof(Head), head.length + kPrefix - sizeof(Head));
  const auto take = [&](uint32_t count) {
    const std::string_view part = rest.substr(0, count);
    rest.remove_prefix(count);
    return part;
  };
  *record = LogRecord{};
  record->kind = kind;
  record->seq = head.seq;
  record->received = head.received;
  record->offset = head.offset;
  record->open = (head.flags & kOpen) != 0;
  record->split = take(head.split_size);
  const std::string_view first = take(head.first_size), second = take(head.second_size);
  if (kind == LogRecordKind::kFailed) {
    record->code = first;
    record->message = second;
  } else {
    if ((head.flags & kHasHeader) != 0) record->header = first;
    if ((head.flags & kHasEnds) != 0) record->record_ends = second;
  }
  record->bytes = rest;
  *size = kPrefix + head.length;
  return LogParse::kWhole;
}

std::optional<size_t> FindLogRecord(std::string_view bytes, uint64_t after, uint64_t below) {
  for (size_t at = 1; at + sizeof(Head) <= bytes.size(); ++at) {
    // The number is looked at first: it is wrong nearly everywhere, and costs no checksum.
    uint64_t seq = 0;
    std::memcpy(&seq, bytes.data() + at + offsetof(Head, seq), sizeof seq);
    if (seq <= after || seq >= below) continue;
    LogRecord record;
    size_t size = 0;
    if (ParseLogRecord(bytes.substr(at), &record, &size) == LogParse::kWhole) return at;
  }
  return std::nullopt;
}

std::string LogSegmentName(uint64_t first) {
  char name[32];
  std::snprintf(name, sizeof name, "%020llu.seg", static_cast<unsigned long long>(first));
  return name;
}

std::optional<uint64_t> LogSegmentFirst(std::string_view name) {
  if (name.size() != 24 || name.substr(20) != ".seg") return std::nullopt;
  uint64_t first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 20, first);
  if (error != std::errc() || end != name.data() + 20) return std::nullopt;
  return first;
}

}  // namespace streamrun
