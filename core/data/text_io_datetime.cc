// The general date and timestamp reader: every form but the fast ISO one.
//
// Follows PostgreSQL's manual, appendix B.1 (date/time input interpretation) with DateStyle ISO, MDY and time
// zone UTC. Not read: words that depend on the clock (now, today, ...), Julian days, and names of time zones
// other than UTC and the fixed abbreviations below (core/data has no zone database).
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "core/data/text_io.h"
#include "core/data/text_scan.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kDays = {"monday", "tuesday",  "wednesday", "thursday",
                                                   "friday", "saturday", "sunday"};

struct Zone {
  std::string_view name;
  int minutes;
};
constexpr Zone kZones[] = {{"z", 0},      {"utc", 0},    {"gmt", 0},    {"zulu", 0},   {"est", -300},
                           {"edt", -240}, {"cst", -360}, {"cdt", -300}, {"mst", -420}, {"mdt", -360},
                           {"pst", -480}, {"pdt", -420}, {"bst", 60},   {"cet", 60},   {"cest", 120},
                           {"eet", 120},  {"eest", 180}, {"msk", 180},  {"jst", 540},  {"kst", 540}};

// "jan", "january", "sept": the full word or its first three letters.
template <size_t N>
int FindName(const std::array<std::string_view, N>& names, std::string_view word) {
  for (size_t i = 0; i < N; ++i) {
    if (word == names[i] || word == names[i].substr(0, 3)) return static_cast<int>(i);
  }
  return -1;
}
int FindMonth(std::string_view word) { return word == "sept" ? 9 : FindName(kMonths, word) + 1; }
bool IsWeekday(std::string_view word) {
  return FindName(kDays, word) >= 0 || word == "tues" || word == "weds" || word == "thur" || word == "thurs";
}

enum class Verdict : uint8_t { kFine, kBadSyntax, kOutOfRange, kBadZone, kUnknownZone };

struct Fields {
  int64_t year = 0;
  int month = 0;
  int day = 0;
  bool has_year = false, has_month = false, has_day = false, short_year = false;
  int64_t hour = 0, minute = 0, second = 0, micros = 0;
  bool has_time = false;
  std::optional<int64_t> offset;  // seconds east of UTC
  bool before_christ = false, has_era = false;
  int meridiem = 0;  // 1 AM, 2 PM
  std::optional<int64_t> special;
};

class DateTimeReader {
 public:
  explicit DateTimeReader(std::string_view text) : p_(text.data()), end_(p_ + text.size()) {}

  Verdict Read(Fields* fields) {
    f_ = fields;
    while (true) {
      while (p_ < end_ && (IsSpace(*p_) || *p_ == ',')) ++p_;
      if (p_ == end_) return Finish();
      const Verdict v = Token();
      if (v != Verdict::kFine) return v;
    }
  }

  std::string_view zone_name() const { return zone_; }

 private:
  Verdict Token() {
    if (IsDigit(*p_)) return NumberToken();
    if (*p_ == '+' || *p_ == '-') {
      if (p_ + 1 < end_ && IsAlpha(p_[1])) return SignedWord();
      return OffsetToken();
    }
    if (IsAlpha(*p_)) return WordToken();
    return Verdict::kBadSyntax;
  }

  std::string_view Digits() {
    const char* start = p_;
    while (p_ < end_ && IsDigit(*p_)) ++p_;
    return {start, static_cast<size_t>(p_ - start)};
  }
  std::string Word() {
    std::string word;
    while (p_ < end_ && IsAlpha(*p_)) word += ToLower(*p_++);
    return word;
  }
  // Saturates far beyond every limit.
  static int64_t Number(std::string_view digits) {
    int64_t value = 0;
    for (const char c : digits) value = value > 100'000'000 ? value : value * 10 + (c - '0');
    return value;
  }

  Verdict SetYear(std::string_view digits) {
    if (f_->has_year || digits.empty()) return Verdict::kBadSyntax;
    f_->has_year = true;
    f_->short_year = digits.size() <= 2;
    f_->year = Number(digits);
    return Verdict::kFine;
  }
  Verdict SetMonth(int64_t month) {
    if (f_->has_month) return Verdict::kBadSyntax;
    f_->has_month = true;
    if (month < 1 || month > 12) return Verdict::kOutOfRange;
    f_->month = static_cast<int>(month);
    return Verdict::kFine;
  }
  Verdict SetDay(int64_t day) {
    if (f_->has_day) return Verdict::kBadSyntax;
    f_->has_day = true;
    if (day < 1 || day > 31) return Verdict::kOutOfRange;
    f_->day = static_cast<int>(day);
    return Verdict::kFine;
  }

  Verdict NumberToken() {
    const std::string_view digits = Digits();
    if (p_ < end_ && *p_ == ':') return TimeAfterHour(digits);
    if (p_ < end_ && (*p_ == '-' || *p_ == '/' || (*p_ == '.' && !InDate(digits)))) return DateAfter(digits);
    return Bare(digits);
  }
  // "101530.5" behind a date is a time with a fraction, not a date with points.
  bool InDate(std::string_view digits) const { return digits.size() == 6 && f_->has_day; }

  Verdict DateAfter(std::string_view first) {
    const char delimiter = *p_++;
    if (p_ < end_ && IsAlpha(*p_)) return DateWithName(first, delimiter);
    const std::string_view second = Digits();
    if (second.empty()) return Verdict::kBadSyntax;
    std::string_view third;
    if (p_ < end_ && *p_ == delimiter) {
      ++p_;
      third = Digits();
    }
    if (third.empty()) {
      // "1999.123", "1999-123": day of the year.
      if (second.size() != 3 || first.size() < 3) return Verdict::kBadSyntax;
      return DayOfYear(first, second);
    }
    if (first.size() >= 3) return YearMonthDay(first, second, third);
    // Month, day, year.
    Verdict v = SetMonth(Number(first));
    if (v == Verdict::kFine) v = SetDay(Number(second));
    return v == Verdict::kFine ? SetYear(third) : v;
  }

  Verdict DateWithName(std::string_view first, char delimiter) {
    const int month = FindMonth(Word());
    if (month == 0) return Verdict::kBadSyntax;
    Verdict v = SetMonth(month);
    if (v != Verdict::kFine || p_ == end_ || *p_ != delimiter)
      return v == Verdict::kFine ? Verdict::kBadSyntax : v;
    ++p_;
    const std::string_view last = Digits();
    if (last.empty()) return Verdict::kBadSyntax;
    const bool year_first = first.size() >= 3;
    v = SetYear(year_first ? first : last);
    return v == Verdict::kFine ? SetDay(Number(year_first ? last : first)) : v;
  }

  Verdict YearMonthDay(std::string_view year, std::string_view month, std::string_view day) {
    Verdict v = SetYear(year);
    if (v == Verdict::kFine) v = SetMonth(Number(month));
    return v == Verdict::kFine ? SetDay(Number(day)) : v;
  }

  Verdict DayOfYear(std::string_view year, std::string_view day) {
    if (const Verdict v = SetYear(year); v != Verdict::kFine) return v;
    if (Number(day) < 1 || Number(day) > 366) return Verdict::kOutOfRange;
    int64_t y;
    int m, d;
    CivilFromDays(DaysFromCivil(f_->year, 1, 1) + Number(day) - 1, &y, &m, &d);
    if (const Verdict v = SetMonth(m); v != Verdict::kFine) return v;
    f_->year = y;
    return SetDay(d);
  }

  // A number without delimiter: yyyymmdd, yymmdd, hhmmss behind a date, else the missing one of day and year.
  Verdict Bare(std::string_view digits) {
    const bool date_done = f_->has_year && f_->has_month && f_->has_day;
    if (date_done && !f_->has_time && (digits.size() == 6 || digits.size() == 4)) return BareTime(digits);
    if (!f_->has_month && !f_->has_day && !f_->has_year && digits.size() >= 6) {
      const size_t head = digits.size() - 4;
      return YearMonthDay(digits.substr(0, head), digits.substr(head, 2), digits.substr(head + 2));
    }
    if (digits.size() >= 3) return SetYear(digits);
    if (!f_->has_day) return SetDay(Number(digits));  // "8 Jan 1999": the month may still come
    if (f_->has_month) return SetYear(digits);
    // "1 8 1999": what looked like the day was the month.
    const int64_t month = f_->day;
    f_->day = 0;
    f_->has_day = false;
    const Verdict v = SetMonth(month);
    return v == Verdict::kFine ? SetDay(Number(digits)) : v;
  }

  Verdict BareTime(std::string_view digits) {
    f_->has_time = true;
    f_->hour = Number(digits.substr(0, 2));
    f_->minute = Number(digits.substr(2, 2));
    if (digits.size() == 6) f_->second = Number(digits.substr(4, 2));
    return Fraction();
  }

  Verdict TimeAfterHour(std::string_view hour) {
    if (f_->has_time) return Verdict::kBadSyntax;
    f_->has_time = true;
    ++p_;
    f_->hour = Number(hour);
    const std::string_view minute = Digits();
    if (minute.empty()) return Verdict::kBadSyntax;
    f_->minute = Number(minute);
    if (p_ < end_ && *p_ == ':') {
      ++p_;
      const std::string_view second = Digits();
      if (second.empty()) return Verdict::kBadSyntax;
      f_->second = Number(second);
    }
    return Fraction();
  }

  // PostgreSQL reads the fraction as a double and rounds it to the nearest microsecond, ties to even.
  Verdict Fraction() {
    if (p_ == end_ || *p_ != '.') return Verdict::kFine;
    std::string number = "0.";
    ++p_;
    number += Digits();
    if (number.size() > 2) {
      double value = 0;
      std::from_chars(number.data(), number.data() + number.size(), value);
      f_->micros = static_cast<int64_t>(std::rint(value * 1e6));
    }
    return Verdict::kFine;
  }

  Verdict OffsetToken() {
    const int sign = *p_++ == '-' ? -1 : 1;
    std::string_view digits = Digits();
    if (digits.empty() || f_->offset) return Verdict::kBadSyntax;
    int64_t hour = 0, minute = 0, second = 0;
    if (p_ < end_ && *p_ == ':') {
      hour = Number(digits);
      ++p_;
      minute = Number(Digits());
      if (p_ < end_ && *p_ == ':') {
        ++p_;
        second = Number(Digits());
      }
    } else if (digits.size() > 2) {
      hour = Number(digits.substr(0, digits.size() - 2));
      minute = Number(digits.substr(digits.size() - 2));
    } else {
      hour = Number(digits);
    }
    if (hour > 15 || minute > 59 || second > 59) return Verdict::kBadZone;
    f_->offset = sign * (hour * 3600 + minute * 60 + second);
    return Verdict::kFine;
  }

  Verdict SignedWord() {
    const bool negative = *p_++ == '-';
    const std::string word = Word();
    if (!negative || (word != "infinity" && word != "inf")) return Verdict::kBadSyntax;
    f_->special = kMinTimestamp;
    return Verdict::kFine;
  }

  Verdict WordToken() {
    const char* start = p_;
    const std::string word = Word();
    if (word == "t" && f_->has_day) return p_ < end_ && IsDigit(*p_) ? Verdict::kFine : Verdict::kBadSyntax;
    if (word == "am" || word == "pm") {
      f_->meridiem = word == "am" ? 1 : 2;
      return Verdict::kFine;
    }
    if (word == "ad" || word == "bc") {
      f_->before_christ = word == "bc";
      f_->has_era = true;
      return Verdict::kFine;
    }
    if (word == "infinity" || word == "inf" || word == "epoch") {
      f_->special = word == "epoch" ? 0 : kMaxTimestamp;
      return Verdict::kFine;
    }
    if (const int month = FindMonth(word); month > 0) {
      const Verdict v = SetMonth(month);
      if (p_ < end_ && (*p_ == '-' || *p_ == '/') && p_ + 1 < end_ && IsDigit(p_[1])) return NamedDate(v);
      return v;
    }
    if (IsWeekday(word) || word == "on" || word == "at") return Verdict::kFine;
    for (const Zone& zone : kZones) {
      if (zone.name != word) continue;
      if (f_->offset) return Verdict::kBadSyntax;
      f_->offset = zone.minutes * 60;
      return Verdict::kFine;
    }
    if (p_ < end_ && *p_ == '/' && f_->has_day) {
      while (p_ < end_ && !IsSpace(*p_)) ++p_;
      zone_ = {start, static_cast<size_t>(p_ - start)};
      return Verdict::kUnknownZone;
    }
    return Verdict::kBadSyntax;
  }

  // "Jan-08-1999".
  Verdict NamedDate(Verdict month) {
    if (month != Verdict::kFine) return month;
    const char delimiter = *p_++;
    if (const Verdict v = SetDay(Number(Digits())); v != Verdict::kFine) return v;
    if (p_ == end_ || *p_ != delimiter) return Verdict::kBadSyntax;
    ++p_;
    return SetYear(Digits());
  }

  Verdict Finish() {
    if (f_->special) return f_->has_day || f_->has_time ? Verdict::kBadSyntax : Verdict::kFine;
    if (!f_->has_year || !f_->has_month || !f_->has_day) return Verdict::kBadSyntax;
    if (f_->short_year && !f_->before_christ) f_->year += f_->year < 70 ? 2000 : 1900;
    if (f_->year <= 0) return Verdict::kOutOfRange;
    if (f_->before_christ) f_->year = 1 - f_->year;
    if (f_->meridiem != 0) {
      if (f_->hour > 12) return Verdict::kOutOfRange;
      f_->hour = f_->hour % 12 + (f_->meridiem == 2 ? 12 : 0);
    }
    const bool end_of_day = f_->hour == 24 && f_->minute == 0 && f_->second == 0 && f_->micros == 0;
    if ((f_->hour > 23 && !end_of_day) || f_->minute > 59 || f_->second > 60 ||
        (f_->second == 60 && f_->micros > 0)) {
      return Verdict::kOutOfRange;
    }
    int64_t y;
    int m, d;
    CivilFromDays(DaysFromCivil(f_->year, f_->month, f_->day), &y, &m, &d);
    return m == f_->month ? Verdict::kFine : Verdict::kOutOfRange;
  }

  const char* p_;
  const char* end_;
  Fields* f_ = nullptr;
  std::string_view zone_;
};

Status Problem(Verdict verdict, std::string_view type, std::string_view text, std::string_view zone) {
  const std::string quoted = "\"" + std::string(text) + "\"";
  switch (verdict) {
    case Verdict::kOutOfRange:
      return Status::InvalidArgument("date/time field value out of range: " + quoted);
    case Verdict::kBadZone:
      return Status::InvalidArgument("time zone displacement out of range: " + quoted);
    case Verdict::kUnknownZone:
      return Status::InvalidArgument("time zone \"" + std::string(zone) + "\" not recognized");
    default:
      return InvalidSyntax(type, text);
  }
}

constexpr int64_t kFirstDay = -2440588;    // 4714-11-24 BC (proleptic Gregorian), Julian day 0
constexpr int64_t kLastDate = 2145042905;  // 5874897-12-31

Result<Timestamp> ReadTimestamp(std::string_view text, bool with_zone) {
  Timestamp fast;
  if (ParseTimestampFast(text, &fast)) return fast;
  const std::string_view type = with_zone ? "timestamp with time zone" : "timestamp";
  Fields f;
  DateTimeReader reader(text);
  if (const Verdict v = reader.Read(&f); v != Verdict::kFine)
    return Problem(v, type, text, reader.zone_name());
  if (f.special) return *f.special;
  const int64_t days = DaysFromCivil(f.year, f.month, f.day);
  int64_t clock = (f.hour * 3600 + f.minute * 60 + f.second) * kSecond + f.micros;
  if (with_zone && f.offset) clock -= *f.offset * kSecond;
  int64_t micros;
  if (days < kFirstDay || __builtin_mul_overflow(days, kDay, &micros) ||
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
  Fields f;
  DateTimeReader reader(text);
  if (const Verdict v = reader.Read(&f); v != Verdict::kFine)
    return Problem(v, "date", text, reader.zone_name());
  if (f.special) {
    if (*f.special == kMaxTimestamp) return std::numeric_limits<int32_t>::max();
    return *f.special == kMinTimestamp ? std::numeric_limits<int32_t>::min() : 0;
  }
  const int64_t days = DaysFromCivil(f.year, f.month, f.day);
  if (days < kFirstDay || days > kLastDate) {
    return Status::InvalidArgument("date out of range: \"" + std::string(text) + "\"");
  }
  return static_cast<int32_t>(days);
}

}  // namespace streamrun
