// to_date and to_timestamp: texts read by a format (PostgreSQL manual 9.8, with the usage notes under table
// 9.28 on separators, FX and the order of fields).
#include <algorithm>
#include <string>

#include "core/base/time.h"
#include "core/data/text_io.h"
#include "core/data/text_scan.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_format.h"
#include "core/expr/functions/datetime_unit.h"
#include "core/expr/utf8.h"

namespace streamrun {

using text_scan::IsDigit;
using text_scan::IsSpace;
using text_scan::ToLower;

namespace {

// What the fields of a text said; 0 where nothing was said.
struct Said {
  Calendar calendar = Calendar::kAny;
  bool clock12 = false;
  int64_t hour = 0, pm = 0, minute = 0, second = 0, seconds_of_day = 0;
  int64_t day_of_week = 0;  // 1 = Sunday
  int64_t day = 0, day_of_year = 0, month = 0, millis = 0, micros = 0;
  int64_t year = 0, before_christ = 0, century = 0;
  int year_digits = 0;
  int64_t week = 0, week_of_month = 0, julian = 0;
  int zone_sign = 0;
  int64_t zone_hour = 0, zone_minute = 0;
  int fraction_digits = 0;
};

// Why a text was refused.
struct Refusal {
  std::string_view code;
  std::string message;
};

class FormatReader {
 public:
  FormatReader(const DatetimeFormat& format, std::string_view text, Said* said)
      : format_(format), p_(text.data()), begin_(p_), end_(p_ + text.size()), said_(said) {}

  bool Read() {
    for (at_ = 0; at_ < format_.size() && p_ < end_; ++at_) {
      const FormatNode& node = format_[at_];
      const bool is_pattern = node.kind == FormatNode::Kind::kPattern;
      const bool is_fixed = is_pattern && node.pattern->field == DatetimeField::kFixed;
      if (!fixed_ && !is_fixed && (is_pattern || at_ == 0)) SkipSpaces();
      if (!is_pattern) {
        SkipCharacter(node);
        continue;
      }
      if (!SetCalendar(node.pattern->calendar) || !TimeField(node)) return false;
      if (fixed_) continue;
      surplus_ = 0;
      SkipSpaces();
    }
    return true;
  }
  const Refusal& refusal() const { return refusal_; }

 private:
  bool Refuse(std::string_view code, std::string message) {
    refusal_ = {code, std::move(message)};
    return false;
  }
  std::string Name() const { return std::string(format_[at_].pattern->name); }

  void SkipSpaces() {
    for (; p_ < end_ && IsSpace(*p_); ++p_) ++surplus_;
  }
  void SkipOne() {
    if (p_ < end_) p_ += std::min<ptrdiff_t>(static_cast<ptrdiff_t>(Utf8Length(*p_)), end_ - p_);
  }

  // Characters of the format stand for any character of the text, but not for ones skipped before.
  void SkipCharacter(const FormatNode& node) {
    if (fixed_) return SkipOne();
    if (node.kind == FormatNode::Kind::kLiteral) {
      if (surplus_ > 0) {
        --surplus_;
      } else {
        SkipOne();
      }
      return;
    }
    --surplus_;
    if (p_ < end_ && (IsSpace(*p_) || IsFormatSeparator(*p_))) {
      ++p_;
      ++surplus_;
    }
  }

  bool SetCalendar(Calendar calendar) {
    if (calendar == Calendar::kAny) return true;
    if (said_->calendar != Calendar::kAny && said_->calendar != calendar) {
      return Refuse("22007", "invalid combination of date conventions");
    }
    said_->calendar = calendar;
    return true;
  }

  bool Set(int64_t* to, int64_t value) {
    if (*to != 0 && *to != value) {
      return Refuse("22007", "conflicting values for \"" + Name() + "\" field in formatting string");
    }
    *to = value;
    return true;
  }

  // Does something other than a digit follow this field? Then it has all the digits that there are.
  bool EndsAtSeparator() const {
    if (format_[at_].ordinal || at_ + 1 == format_.size()) return true;
    const FormatNode& next = format_[at_ + 1];
    if (next.kind == FormatNode::Kind::kPattern) return !next.pattern->digits;
    return next.length != 1 || !IsDigit(next.text[0]);
  }

  // strtol: white space, a sign, digits. Saturates; leaves *p where it was when there is no digit.
  static int64_t ToInteger(const char** p, const char* end) {
    const char* at = *p;
    while (at < end && IsSpace(*at)) ++at;
    bool negative = false;
    if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
    if (at == end || !IsDigit(*at)) return 0;
    int64_t value = 0;
    for (; at < end && IsDigit(*at); ++at) {
      if (value < int64_t{1} << 40) value = value * 10 + (*at - '0');
    }
    *p = at;
    return negative ? -value : value;
  }

  // A number of `most` characters, or of any length before a separator. *length is what was consumed.
  bool Integer(int64_t* to, int most, int* length = nullptr) {
    const char* start = p_;
    while (p_ < end_ && IsSpace(*p_)) ++p_;
    const std::string_view piece(p_, static_cast<size_t>(std::min<ptrdiff_t>(most, end_ - p_)));
    int64_t value;
    if (format_[at_].fill || EndsAtSeparator()) {
      p_ = start;
      value = ToInteger(&p_, end_);
    } else {
      if (end_ - p_ < most) {
        return Refuse("22007", "source string too short for \"" + Name() + "\" formatting field");
      }
      const char* at = p_;
      value = ToInteger(&at, p_ + most);
      if (at > p_ && at < p_ + most) return RefuseValue(piece);
      p_ = at;
    }
    if (p_ == start) return RefuseValue(piece);
    if (value != static_cast<int32_t>(value)) {
      return Refuse("22008", "value for \"" + Name() + "\" in source string is out of range");
    }
    if (length != nullptr) *length = static_cast<int>(p_ - start);
    return to == nullptr || Set(to, value);
  }
  bool RefuseValue(std::string_view value) {
    return Refuse("22007", "invalid value \"" + std::string(value) + "\" for \"" + Name() + "\"");
  }

  // A number as long as its pattern's name, with what TH skips behind it.
  bool Number(int64_t* to) { return Number(to, static_cast<int>(format_[at_].pattern->name.size())); }
  bool Number(int64_t* to, int most) { return Integer(to, most) && SkipOrdinal(); }
  bool SkipOrdinal() {
    if (!format_[at_].ordinal) return true;
    SkipOne();
    SkipOne();
    return true;
  }

  // Which of the names stands here, in any case; its first `letters` letters count.
  template <size_t N>
  bool Name(const std::string_view (&names)[N], size_t letters, int64_t* index) {
    const std::string_view rest(p_, static_cast<size_t>(end_ - p_));
    for (size_t i = 0; i < N; ++i) {
      const std::string_view name = names[i].substr(0, letters);
      if (rest.size() < name.size()) continue;
      size_t same = 0;
      while (same < name.size() && ToLower(rest[same]) == ToLower(name[same])) ++same;
      if (same < name.size()) continue;
      p_ += name.size();
      *index = static_cast<int64_t>(i);
      return true;
    }
    size_t length = 0;
    while (length < rest.size() && (!IsSpace(rest[length]) || rest[length] == '\v')) ++length;
    return RefuseValue(rest.substr(0, length));
  }

  bool Meridiem(const std::string_view (&names)[2]) {
    int64_t index;
    if (!Name(names, 4, &index) || !Set(&said_->pm, index)) return false;
    said_->clock12 = true;
    return true;
  }
  bool Era(const std::string_view (&names)[2]) {
    int64_t index;
    return Name(names, 4, &index) && Set(&said_->before_christ, index);
  }

  // A fraction of a second to some digits; fewer digits are the first ones.
  bool Fraction(int64_t* to, int digits) {
    int length = 0;
    if (!Integer(to, digits, &length)) return false;
    const int all = digits == 3 && to == &said_->millis ? 3 : 6;
    for (int i = std::max(length, 1); i < all; ++i) *to *= 10;
    return SkipOrdinal();
  }

  bool TimeField(const FormatNode& node) {
    using enum DatetimeField;
    static constexpr std::string_view kPlain[] = {"am", "pm"};
    static constexpr std::string_view kDotted[] = {"a.m.", "p.m."};
    const DatetimeField field = node.pattern->field;
    switch (field) {
      case kFixed:
        fixed_ = true;
        return true;
      case kMeridiem:
        return Meridiem(kPlain);
      case kMeridiemDotted:
        return Meridiem(kDotted);
      case kHour12:
        said_->clock12 = true;
        return Number(&said_->hour, 2);
      case kHour24:
        return Number(&said_->hour, 2);
      case kMinute:
        return Number(&said_->minute);
      case kSecond:
        return Number(&said_->second);
      case kSecondsOfDay:
        return Number(&said_->seconds_of_day);
      case kMillisecond:
        return Fraction(&said_->millis, 3);
      case kMicrosecond:
        return Fraction(&said_->micros, 6);
      case kFraction1:
      case kFraction2:
      case kFraction3:
      case kFraction4:
      case kFraction5:
      case kFraction6:
        said_->fraction_digits = static_cast<int>(field) - static_cast<int>(kFraction1) + 1;
        return Fraction(&said_->micros, said_->fraction_digits);
      case kZoneName:
      case kOffset:
        return Refuse("0A000", "formatting field \"" + Name() + "\" is only supported in to_char");
      case kZoneHour:
        return ZoneHour();
      case kZoneMinute:
        if (said_->zone_sign == 0) said_->zone_sign = 1;
        return Integer(&said_->zone_minute, 2);
      default:
        return DateField(node);
    }
  }

  bool ZoneHour() {
    if (p_ < end_ && (*p_ == '+' || *p_ == '-' || *p_ == ' ')) {
      said_->zone_sign = *p_++ == '-' ? -1 : 1;
    } else {
      // A minus that was skipped as one separator too many is the sign.
      said_->zone_sign = surplus_ > 0 && p_ > begin_ && p_[-1] == '-' ? -1 : 1;
    }
    return Integer(&said_->zone_hour, 2);
  }

  bool DateField(const FormatNode& node) {
    using enum DatetimeField;
    static constexpr std::string_view kEras[] = {"ad", "bc"};
    static constexpr std::string_view kDottedEras[] = {"a.d.", "b.c."};
    int64_t index;
    switch (node.pattern->field) {
      case kEra:
        return Era(kEras);
      case kEraDotted:
        return Era(kDottedEras);
      case kMonthName:
        return Name(kMonthNames, 9, &index) && Set(&said_->month, index + 1);
      case kMonthShort:
        return Name(kMonthNames, 3, &index) && Set(&said_->month, index + 1);
      case kRoman:
        return Name(kRomanMonths, 4, &index) && Set(&said_->month, 12 - index);
      case kMonth:
        return Number(&said_->month);
      case kDayName:
      case kDayShort:
        if (!Name(kDayNames, node.pattern->field == kDayName ? 9 : 3, &index)) return false;
        return SetDayOfWeek(index);
      case kDayOfWeek:
        return Number(&said_->day_of_week);
      case kIsoDayOfWeek:
        if (!Integer(&said_->day_of_week, 1)) return false;
        if (++said_->day_of_week > 7) said_->day_of_week = 1;
        return SkipOrdinal();
      case kDayOfYear:
      case kIsoDayOfYear:
        return Number(&said_->day_of_year, 3);
      case kDayOfMonth:
        return Number(&said_->day);
      case kWeek:
      case kIsoWeek:
        return Number(&said_->week);
      case kWeekOfMonth:
        return Number(&said_->week_of_month);
      case kQuarter:
        return Number(nullptr);  // says too little to make a date
      case kCentury:
        return Number(&said_->century);
      case kJulian:
        return Integer(&said_->julian, 1) && SkipOrdinal();
      default:
        return YearField(node.pattern->field);
    }
  }
  // The names set 0 for Sunday before it becomes 1.
  bool SetDayOfWeek(int64_t index) {
    if (!Set(&said_->day_of_week, index)) return false;
    ++said_->day_of_week;
    return true;
  }

  bool YearField(DatetimeField field) {
    using enum DatetimeField;
    if (field == kYearComma) return YearWithComma();
    const DatetimeField longest = field >= kYear4 ? kYear4 : kIsoYear4;
    const int digits = 4 - (static_cast<int>(field) - static_cast<int>(longest));
    int length = 0;
    if (!Integer(&said_->year, digits, &length)) return false;
    if (digits < 4 && length < 4) said_->year = NearestTo2020(said_->year);
    said_->year_digits = digits;
    return SkipOrdinal();
  }
  static int64_t NearestTo2020(int64_t year) {
    if (year < 70) return year + 2000;
    if (year < 100) return year + 1900;
    if (year < 520) return year + 2000;
    return year < 1000 ? year + 1000 : year;
  }
  bool YearWithComma() {
    const char* at = p_;
    const int64_t thousands = ToInteger(&at, end_);
    const bool has_comma = at > p_ && at < end_ && *at == ',';
    const char* rest = has_comma ? at + 1 : at;
    while (has_comma && rest < end_ && IsSpace(*rest)) ++rest;
    const char* behind = rest;
    const int64_t years = has_comma ? ToInteger(&behind, rest + std::min<ptrdiff_t>(3, end_ - rest)) : 0;
    if (!has_comma || behind == rest) return Refuse("22007", "invalid input string for \"Y,YYY\"");
    p_ = behind;
    if (!Set(&said_->year, thousands * 1000 + years)) return false;
    said_->year_digits = 4;
    return SkipOrdinal();
  }

  const DatetimeFormat& format_;
  size_t at_ = 0;
  const char* p_;
  const char* begin_;
  const char* end_;
  Said* said_;
  bool fixed_ = false;   // FX
  int64_t surplus_ = 0;  // characters of the text skipped beyond those of the format
  Refusal refusal_;
};

// A wall clock, as what was said puts it together.
struct Clock {
  int64_t year = 0;
  int64_t month = 1, day = 1;
  int64_t hour = 0, minute = 0, second = 0, micros = 0;
};

class Assembly {
 public:
  Assembly(Said said, std::string_view text) : s_(said), text_(text) {}

  bool Run(Clock* clock) {
    c_ = clock;
    if (!Time()) return false;
    Year();
    if (s_.julian != 0) SetDays(s_.julian - kJulianOfEpoch);
    Weeks();
    if (s_.week_of_month != 0) s_.day = (s_.week_of_month - 1) * 7 + 1;
    if (s_.day != 0) c_->day = s_.day;
    if (s_.month != 0) c_->month = s_.month;
    if (s_.day_of_year != 0 && (c_->month <= 1 || c_->day <= 1) && !DayOfYear()) return false;
    c_->micros = s_.millis * 1000 + s_.micros;
    return CheckRanges();
  }
  const Refusal& refusal() const { return refusal_; }

 private:
  bool OutOfRange() {
    refusal_ = {"22008", "date/time field value out of range: \"" + std::string(text_) + "\""};
    return false;
  }

  bool Time() {
    if (s_.seconds_of_day != 0) {
      c_->hour = s_.seconds_of_day / 3600;
      c_->minute = s_.seconds_of_day % 3600 / 60;
      c_->second = s_.seconds_of_day % 60;
    }
    if (s_.second != 0) c_->second = s_.second;
    if (s_.minute != 0) c_->minute = s_.minute;
    if (s_.hour != 0) c_->hour = s_.hour;
    if (!s_.clock12) return true;
    if (c_->hour < 1 || c_->hour > 12) {
      refusal_ = {"22007", "hour \"" + std::to_string(c_->hour) + "\" is invalid for the 12-hour clock"};
      return false;
    }
    c_->hour = c_->hour % 12 + (s_.pm != 0 ? 12 : 0);
    return true;
  }

  // The century counts only with a year of one or two digits. Years become astronomical: 0 is 1 BC.
  void Year() {
    const int64_t century = s_.before_christ != 0 ? -s_.century : s_.century;
    if (s_.year != 0 && s_.century != 0 && s_.year_digits <= 2) {
      const int64_t rest = s_.year % 100;
      if (rest != 0) {
        c_->year = century >= 0 ? rest + (century - 1) * 100 : (century + 1) * 100 - rest + 1;
      } else {
        c_->year = century * 100 + (century >= 0 ? 0 : 1);
      }
    } else if (s_.year != 0) {
      c_->year = s_.before_christ != 0 ? -s_.year : s_.year;
      if (c_->year < 0) ++c_->year;
    } else if (s_.century != 0) {
      c_->year = century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1;
    }
  }

  void SetDays(int64_t days) {
    int month;
    int day;
    CivilFromDays(days, &c_->year, &month, &day);
    c_->month = month;
    c_->day = day;
  }

  void Weeks() {
    if (s_.week == 0) return;
    if (s_.calendar != Calendar::kIsoWeek) {
      s_.day_of_year = (s_.week - 1) * 7 + 1;
      return;
    }
    int64_t day = IsoWeekStart(c_->year, s_.week) - kJulianOfEpoch;
    if (s_.day_of_week != 0) day += s_.day_of_week > 1 ? s_.day_of_week - 2 : 6;
    SetDays(day);
  }

  // Fills in month and day, as far as they were not said.
  bool DayOfYear() {
    if (c_->year == 0 && s_.before_christ == 0) {
      refusal_ = {"22007", "cannot calculate day of year without year information"};
      return false;
    }
    if (s_.calendar == Calendar::kIsoWeek) {
      SetDays(IsoWeekStart(c_->year, 1) - 1 + s_.day_of_year - kJulianOfEpoch);
      return true;
    }
    const int64_t first = DaysFromCivil(c_->year, 1, 1);
    int month = 1;
    while (month <= 12 && s_.day_of_year > DaysBefore(month + 1) - first) ++month;
    const int64_t day = s_.day_of_year - (DaysBefore(month) - first);
    if (c_->month <= 1) c_->month = month;
    if (c_->day <= 1) c_->day = day;
    return true;
  }
  int64_t DaysBefore(int month) const {
    return month > 12 ? DaysFromCivil(c_->year + 1, 1, 1) : DaysFromCivil(c_->year, month, 1);
  }

  bool CheckRanges() {
    if (c_->month < 1 || c_->month > 12 || c_->day < 1 || c_->day > 31) return OutOfRange();
    const auto month = static_cast<int>(c_->month);
    if (c_->day > DaysBefore(month + 1) - DaysBefore(month)) return OutOfRange();
    if (c_->hour < 0 || c_->hour > 23 || c_->minute < 0 || c_->minute > 59 || c_->second < 0 ||
        c_->second > 59 || c_->micros < 0 || c_->micros >= kSecond) {
      return OutOfRange();
    }
    if (s_.zone_sign != 0 &&
        (s_.zone_hour < 0 || s_.zone_hour > 15 || s_.zone_minute < 0 || s_.zone_minute > 59)) {
      refusal_ = {"22009", "time zone displacement out of range: \"" + std::string(text_) + "\""};
      return false;
    }
    return true;
  }

  Said s_;
  std::string_view text_;
  Clock* c_ = nullptr;
  Refusal refusal_;
};

bool ReadByFormat(Row& row, std::string_view text, std::string_view format, Said* said, Clock* clock) {
  FormatReader reader(DatetimeFormatFor(row, format), text, said);
  if (!reader.Read()) {
    row.Fail(reader.refusal().code, reader.refusal().message);
    return false;
  }
  Assembly assembly(*said, text);
  if (!assembly.Run(clock)) {
    row.Fail(assembly.refusal().code, assembly.refusal().message);
    return false;
  }
  return true;
}

int32_t ToDate(Row& row, std::string_view text, std::string_view format) {
  Said said;
  Clock clock;
  if (!ReadByFormat(row, text, format, &said, &clock)) return 0;
  const int64_t days = DaysFromCivil(clock.year, static_cast<int>(clock.month), static_cast<int>(clock.day));
  if (days < kFirstDay || days > kLastDay) {
    row.Fail("22008", "date out of range: \"" + std::string(text) + "\"");
    return 0;
  }
  return static_cast<int32_t>(days);
}

// Rounds to some digits of a second, half away from zero.
int64_t RoundTo(int64_t t, int digits) {
  int64_t unit = 1;
  for (int i = digits; i < 6; ++i) unit *= 10;
  return t >= 0 ? (t + unit / 2) / unit * unit : -((-t + unit / 2) / unit * unit);
}

int64_t ToTimestamp(Row& row, std::string_view text, std::string_view format) {
  Said said;
  Clock clock;
  if (!ReadByFormat(row, text, format, &said, &clock)) return 0;
  const int64_t days = DaysFromCivil(clock.year, static_cast<int>(clock.month), static_cast<int>(clock.day));
  const int64_t seconds = clock.hour * 3600 + clock.minute * 60 + clock.second -
                          said.zone_sign * (said.zone_hour * 3600 + said.zone_minute * 60);
  int64_t t;
  if (__builtin_mul_overflow(days, kDay, &t) ||
      __builtin_add_overflow(t, seconds * kSecond + clock.micros, &t) || days < kFirstMonth ||
      t < kFirstTimestamp || t > kMaxTimestamp - kSecond) {
    row.Fail("22008", "timestamp out of range");
    return 0;
  }
  return said.fraction_digits == 0 ? t : RoundTo(t, said.fraction_digits);
}

}  // namespace

void AddDatetimeFormatParse(FunctionTable& t) {
  using enum Arg;
  t.push_back({"to_date",
               {kText, kText},
               kDate,
               Rows<ToDate>,
               "the date that a text says in a format of template patterns",
               "to_date('05 Dec 2000', 'DD Mon YYYY') -> 2000-12-05",
               kPartial,
               PrepareDatetimeFormat});
  t.push_back(
      {"to_timestamp",
       {kText, kText},
       kTimestamptz,
       Rows<ToTimestamp>,
       "the time that a text says in a format of template patterns, in UTC unless it says another zone",
       "to_timestamp('05 Dec 2000 13:30', 'DD Mon YYYY HH24:MI') -> 2000-12-05 13:30:00+00",
       kPartial,
       PrepareDatetimeFormat});
}

}  // namespace streamrun
