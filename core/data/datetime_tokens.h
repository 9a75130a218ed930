// The words and fields of date, time and interval texts: what the readers of both share (PostgreSQL manual,
// appendix B.1).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace streamrun {

/// What a text is cut into before anything is understood.
enum class TokenKind : uint8_t {
  kNumber,   // 1999, 12.5, .5
  kDate,     // 1999-01-08, jan-08-1999, america/new_york: joined by punctuation
  kTime,     // 04:05:06.789
  kZone,     // +01:30, also a signed number
  kWord,     // january
  kSpecial,  // -infinity
};

struct DatetimeToken {
  TokenKind kind;
  std::string_view text;  // lower case
};

class DatetimeTokens {
 public:
  /// At most this many bytes of fields, with one more for each: PostgreSQL's buffers.
  static constexpr size_t kDateBytes = 129;
  static constexpr size_t kTimestampBytes = 153;
  static constexpr size_t kIntervalBytes = 256;

  /// Cuts a text; false when it has a character, a number of fields or a length that no date has.
  bool Cut(std::string_view text, size_t most_bytes);
  size_t size() const { return count_; }
  const DatetimeToken& operator[](size_t i) const { return tokens_[i]; }

 private:
  static constexpr size_t kMostTokens = 25;
  void Word(const char** p, const char* end);
  void Number(const char** p, const char* end);
  bool Signed(const char** p, const char* end);
  void Keep(char c) { bytes_[used_++] = c; }
  void Done(TokenKind kind, size_t start) {
    tokens_[count_++] = {kind, {bytes_.data() + start, used_ - start}};
    ++used_;
  }

  std::array<DatetimeToken, kMostTokens> tokens_;
  std::array<char, kIntervalBytes> bytes_;
  size_t count_ = 0;
  size_t used_ = 0;
};

/// What a word of a date means.
enum class DateWord : uint8_t {
  kNone,
  kIgnored,  // at, on
  kMonth,    // value 1..12
  kWeekday,
  kMeridiem,  // value 0 AM, 1 PM
  kEra,       // value 0 AD, 1 BC
  kDaylight,  // DST: an hour more
  kTimeMark,  // T
  kUnit,      // value: a DateUnit; the next field is of it
  kSpecial,   // value: a SpecialDate
};
enum class DateUnit : uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond, kJulian, kNoInput, kTime };
enum class SpecialDate : uint8_t { kNow, kYesterday, kToday, kTomorrow, kZulu, kEpoch, kLate, kEarly };

struct DateWordEntry {
  std::string_view word;
  DateWord kind;
  int value;
};
/// `lower` is in lower case; the entry of kind kNone when it is not a word of dates.
DateWordEntry FindDateWord(std::string_view lower);

// Numbers as strtol and strtod read them at *p: white space never, a sign yes.

/// False when the value does not fit in 32 bits; *value stays 0 when no digit is there.
bool ReadInt32(const char** p, const char* end, int64_t* value);
/// The same for 64 bits.
bool ReadInt64(const char** p, const char* end, int64_t* value);
/// ".digits" up to `end` as a fraction; false when something else stands there.
bool ReadFraction(std::string_view text, double* fraction);

/// hh:mm[:ss[.fff]] or mm:ss.fff, with values in their ranges (but any hour).
enum class ClockVerdict : uint8_t { kFine, kBadSyntax, kOutOfRange };
struct Clock {
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t micros = 0;
};
ClockVerdict ReadClock(std::string_view text, Clock* clock);
/// +hh, +hhmm, +hh:mm, +hh:mm:ss, at most 15 hours: seconds east of UTC.
ClockVerdict ReadZoneOffset(std::string_view text, int64_t* offset);

}  // namespace streamrun
