// Prints timestamps of neighbouring rows fast: the date part of the last one is kept.
#pragma once

#include "connectors/formats/digits.h"
#include "core/base/time.h"
#include "core/data/text_io.h"

namespace streamrun {

/// Gives what PrintTimestamp gives. Not thread-safe.
class TimestampPrinter {
 public:
  TimestampPrinter() { MoveTo(0); }

  /// Writes at most 40 bytes; returns the end.
  char* Put(Timestamp value, char* out) {
    constexpr int64_t kDay = 86'400'000'000;
    if (value < day_start_ || value - day_start_ >= kDay) [[unlikely]] {
      if (!MoveTo(value)) return PrintTimestampTo(value, out);
    }
    const uint64_t in_day = static_cast<uint64_t>(value - day_start_);
    std::memcpy(out, date_, 16);
    const uint32_t seconds = static_cast<uint32_t>(in_day / 1'000'000);
    const uint32_t micros = static_cast<uint32_t>(in_day % 1'000'000);
    PutPair(out + 11, seconds / 3600);
    out[13] = ':';
    PutPair(out + 14, seconds / 60 % 60);
    out[16] = ':';
    PutPair(out + 17, seconds % 60);
    return micros == 0 ? out + 19 : PutFraction(micros, out + 19);
  }

 private:
  bool MoveTo(Timestamp value);
  static char* PutFraction(uint32_t micros, char* out) {
    *out = '.';
    const uint32_t millis = micros / 1000;
    out[1] = static_cast<char>('0' + millis / 100);
    PutPair(out + 2, millis % 100);
    const uint32_t rest = micros % 1000;
    out[4] = static_cast<char>('0' + rest / 100);
    PutPair(out + 5, rest % 100);
    char* end = out + (rest == 0 ? 4 : 7);
    while (end[-1] == '0') --end;
    return end;
  }

  Timestamp day_start_ = 0;
  char date_[16] = {};  // "2024-01-01 "
};

}  // namespace streamrun
