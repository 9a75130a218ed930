// Template patterns of to_char, to_date and to_timestamp (PostgreSQL manual 9.8, tables 9.27 and 9.28).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/expr/kernel.h"

namespace streamrun {

/// What a pattern stands for. Patterns that differ only in the case of their letters share one.
enum class DatetimeField : uint8_t {
  kMeridiem,  // AM, PM
  kMeridiemDotted,
  kEra,  // AD, BC
  kEraDotted,
  kCentury,
  kDayName,
  kDayShort,
  kDayOfYear,
  kDayOfMonth,
  kDayOfWeek,
  kFraction1,
  kFraction2,
  kFraction3,
  kFraction4,
  kFraction5,
  kFraction6,
  kFixed,  // FX
  kHour24,
  kHour12,
  kIsoDayOfYear,
  kIsoDayOfWeek,
  kIsoWeek,
  kIsoYear4,
  kIsoYear3,
  kIsoYear2,
  kIsoYear1,
  kJulian,
  kMinute,
  kMonth,
  kMonthName,
  kMonthShort,
  kMillisecond,
  kOffset,
  kQuarter,
  kRoman,
  kSecondsOfDay,
  kSecond,
  kZoneHour,
  kZoneMinute,
  kZoneName,
  kMicrosecond,
  kWeek,
  kWeekOfMonth,
  kYearComma,
  kYear4,
  kYear3,
  kYear2,
  kYear1,
};
enum class LetterCase : uint8_t { kUpper, kCapital, kLower };
/// Patterns of different calendars must not be mixed in a text to read.
enum class Calendar : uint8_t { kAny, kGregorian, kIsoWeek };

struct DatetimePattern {
  std::string_view name;
  DatetimeField field;
  LetterCase letters;
  bool digits;  // stands for digits only
  Calendar calendar;
};

struct FormatNode {
  enum class Kind : uint8_t { kPattern, kSeparator, kSpace, kLiteral };
  Kind kind = Kind::kLiteral;
  bool fill = false;           // FM: no padding
  bool translate = false;      // TM: as FM for names, the locale is C
  bool ordinal = false;        // TH, th
  bool ordinal_upper = false;  // TH
  uint8_t length = 0;          // bytes of text
  char text[4] = {};           // one character, of all but kPattern
  const DatetimePattern* pattern = nullptr;
};

/// A compiled format; no text is a wrong one.
using DatetimeFormat = std::vector<FormatNode>;
DatetimeFormat CompileDatetimeFormat(std::string_view text);

/// Function::prepare where the second argument is the format.
Result<std::shared_ptr<const void>> PrepareDatetimeFormat(std::span<const ColumnPtr> constants);
/// The prepared format, or that of `text`, remembered per thread until the next one.
const DatetimeFormat& DatetimeFormatFor(const Row& row, std::string_view text);

/// Any printable ASCII character that is neither a letter nor a digit.
bool IsFormatSeparator(char c);

inline constexpr std::string_view kMonthNames[] = {"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
inline constexpr std::string_view kDayNames[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                 "Thursday", "Friday", "Saturday"};
/// From December down: a longer numeral stands before its beginning.
inline constexpr std::string_view kRomanMonths[] = {"XII", "XI", "X",  "IX",  "VIII", "VII",
                                                    "VI",  "V",  "IV", "III", "II",   "I"};

}  // namespace streamrun
