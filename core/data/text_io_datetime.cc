// Dates and timestamps from text: the fast ISO form, and all others through datetime_reader.h.
#include <limits>
#include <string>

#include "core/data/datetime_reader.h"
#include "core/data/datetime_tokens.h"
#include "core/data/text_io.h"
#include "core/data/text_scan.h"

namespace streamrun {

using text_scan::InvalidSyntax;

namespace {

Status Problem(DatetimeVerdict verdict, std::string_view type, std::string_view text, std::string_view zone) {
  const std::string quoted = "\"" + std::string(text) + "\"";
  switch (verdict) {
    case DatetimeVerdict::kOutOfRange:
      return Status::InvalidArgument("date/time field value out of range: " + quoted);
    case DatetimeVerdict::kBadZone:
      return Status::InvalidArgument("time zone displacement out of range: " + quoted);
    case DatetimeVerdict::kUnknownZone:
      return Status::InvalidArgument("time zone \"" + std::string(zone) + "\" not recognized");
    default:
      return InvalidSyntax(type, text);
  }
}

constexpr int64_t kFirstDay = -kJulianDayOf1970;  // 4714-11-24 BC (proleptic Gregorian)
constexpr int64_t kLastDate = 2145042905;         // 5874897-12-31

Result<Timestamp> ReadTimestamp(std::string_view text, bool with_zone) {
  Timestamp fast;
  if (ParseTimestampFast(text, &fast)) return fast;
  const std::string_view type = with_zone ? "timestamp with time zone" : "timestamp";
  DatetimeReading r;
  std::string zone;
  if (const DatetimeVerdict v = ReadDatetime(text, DatetimeTokens::kTimestampBytes, &r, &zone);
      v != DatetimeVerdict::kFine) {
    return Problem(v, type, text, zone);
  }
  if (r.special) return *r.special;
  const int64_t days = DaysFromCivil(r.year, static_cast<int>(r.month), static_cast<int>(r.day));
  int64_t clock = (r.hour * 3600 + r.minute * 60 + r.second) * kSecond + r.micros;
  if (with_zone) clock -= r.offset * kSecond;
  int64_t micros;
  // The month must not be before Julian day 0, and neither the time, where its offset is.
  if (days < kFirstDay - 23 || __builtin_mul_overflow(days, kDay, &micros) ||
      __builtin_add_overflow(micros, clock, &micros) || micros == kMaxTimestamp ||
      micros < kFirstDay * kDay) {
    return Status::InvalidArgument("timestamp out of range: \"" + std::string(text) + "\"");
  }
  return micros;
}

}  // namespace

Result<Timestamp> ParseTimestamp(std::string_view text) { return ReadTimestamp(text, false); }
Result<Timestamp> ParseTimestamptz(std::string_view text) { return ReadTimestamp(text, true); }

Result<int32_t> ParseDate(std::string_view text) {
  DatetimeReading r;
  std::string zone;
  if (const DatetimeVerdict v = ReadDatetime(text, DatetimeTokens::kDateBytes, &r, &zone);
      v != DatetimeVerdict::kFine) {
    return Problem(v, "date", text, zone);
  }
  if (r.special) {
    if (*r.special == kMaxTimestamp) return std::numeric_limits<int32_t>::max();
    return *r.special == kMinTimestamp ? std::numeric_limits<int32_t>::min() : 0;
  }
  const int64_t days = DaysFromCivil(r.year, static_cast<int>(r.month), static_cast<int>(r.day));
  if (days < kFirstDay || days > kLastDate) {
    return Status::InvalidArgument("date out of range: \"" + std::string(text) + "\"");
  }
  return static_cast<int32_t>(days);
}

}  // namespace streamrun
