// The general reader of dates and timestamps (private to text_io_datetime.cc).
//
// Follows PostgreSQL's manual, appendix B.1 (date/time input interpretation) and B.2 (invalid times), with
// DateStyle ISO, MDY and time zone UTC. "now", "today" and their like are read from the clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace streamrun {

inline constexpr int64_t kJulianDayOf1970 = 2440588;

enum class DatetimeVerdict : uint8_t { kFine, kBadSyntax, kOutOfRange, kBadZone, kUnknownZone };

/// What was read: the wall clock, and its offset.
struct DatetimeReading {
  int64_t year = 0, month = 0, day = 0;
  int64_t hour = 0, minute = 0, second = 0, micros = 0;
  int64_t offset = 0;                // seconds east of UTC
  std::optional<Timestamp> special;  // epoch, infinity
};

/// `most_bytes` is one of DatetimeTokens' limits; *zone is the name of a zone that does not exist.
DatetimeVerdict ReadDatetime(std::string_view text, size_t most_bytes, DatetimeReading* reading,
                             std::string* zone);

}  // namespace streamrun
