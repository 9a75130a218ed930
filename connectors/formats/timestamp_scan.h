// Reads timestamps of neighbouring rows fast: the date of the last one is kept.
#pragma once

#include "connectors/formats/json_scan.h"
#include "core/base/time.h"
#include "core/data/text_io.h"

namespace streamrun {

/// Takes "YYYY-MM-DD?hh:mm:ss[.f{1,6}]" and whatever else ParseTimestampFast takes, with its result. Not
/// thread-safe.
class TimestampScanner {
 public:
  /// 32 bytes from `text` on are readable, and a byte that is no digit follows its end.
  bool Scan(const char* text, size_t size, Timestamp* out) {
    uint64_t head;
    uint32_t tail;
    std::memcpy(&head, text, 8);
    std::memcpy(&tail, text + 7, 4);
    if (size < 19 || head != head_ || tail != tail_) [[unlikely]]
      return ScanDate(text, size, out);
    // hh:mm:ss as eight bytes: digits become 0..9 and colons 0, anything else sets a high bit.
    uint64_t time;
    std::memcpy(&time, text + 11, 8);
    time ^= 0x30303a30303a3030;
    if ((((time + 0x76767f76767f7676) | time) & 0x8080808080808080) != 0) [[unlikely]]
      return Any(text, size, out);
    time = time * 10 + (time >> 8);
    const uint64_t hour = time & 0xff;
    const uint64_t minute = time >> 24 & 0xff;
    const uint64_t second = time >> 48 & 0xff;
    if (hour > 23 || minute > 59 || second > 59) [[unlikely]]
      return Any(text, size, out);
    uint64_t micros = (hour * 3600 + minute * 60 + second) * 1'000'000;
    if (size > 19) {
      uint64_t fraction;
      std::memcpy(&fraction, text + 20, 8);
      const int digits = static_cast<int>(size) - 20;
      if (text[19] != '.' || digits < 1 || digits > 6 || json::CountDigits(fraction) != digits) [[unlikely]] {
        return Any(text, size, out);
      }
      static constexpr uint32_t kScale[] = {0, 100'000, 10'000, 1'000, 100, 10, 1};
      micros += json::ParseDigits(fraction, digits) * kScale[digits];
    }
    *out = day_start_ + static_cast<int64_t>(micros);
    return true;
  }

 private:
  static bool Any(const char* text, size_t size, Timestamp* out) {
    return ParseTimestampFast({text, size}, out);
  }
  /// Another date: kept when it is one.
  bool ScanDate(const char* text, size_t size, Timestamp* out);

  uint64_t head_ = 0;  // "YYYY-MM-", 0 until a date was seen
  uint32_t tail_ = 0;  // "-DD" and the separator
  Timestamp day_start_ = 0;
};

}  // namespace streamrun
