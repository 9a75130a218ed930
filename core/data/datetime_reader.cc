#include "core/data/datetime_reader.h"

#include <array>
#include <cmath>
#include <memory>

#include "core/base/env.h"
#include "core/data/datetime_tokens.h"
#include "core/data/text_io.h"
#include "core/data/text_scan.h"
#include "core/data/time_zone.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

using Verdict = DatetimeVerdict;

// Which fields a text has given; each may be given once.
using FieldSet = uint32_t;
enum Field : FieldSet {
  kYearField = 1,
  kMonthField = 2,
  kDayField = 4,
  kHourField = 8,
  kMinutesField = 16,
  kSecondsField = 32,
  kZoneField = 64,
  kDaylightField = 128,
  kDaylightMark = 256,
  kDayOfYear = 512,
  kEraField = 1024,
  kMeridiemField = 2048,
  kWeekdayField = 4096,
  kSpecialField = 8192,
  kDynamicZone = 16384,
};
constexpr FieldSet kWholeDate = kYearField | kMonthField | kDayField;
constexpr FieldSet kWholeTime = kHourField | kMinutesField | kSecondsField;

class DateTimeReader {
 public:
  Verdict Read(std::string_view text, size_t most_bytes, DatetimeReading* reading) {
    r_ = reading;
    if (!tokens_.Cut(text, most_bytes)) return Verdict::kBadSyntax;
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      got_ = 0;
      ignored_ = false;
      if (const Verdict v = Token(tokens_[at_]); v != Verdict::kFine) return v;
      if (ignored_) continue;
      if (got_ & have_) return Verdict::kBadSyntax;
      have_ |= got_;
    }
    return Finish();
  }
  std::string_view zone_name() const { return zone_name_; }

 private:
  bool Has(FieldSet fields) const { return (have_ & fields) == fields; }
  bool HasAny(FieldSet fields) const { return (have_ & fields) != 0; }

  Verdict Token(const DatetimeToken& token) {
    switch (token.kind) {
      case TokenKind::kDate:
        return JoinedToken(token.text);
      case TokenKind::kTime:
        return TimeToken(token.text);
      case TokenKind::kZone:
        got_ = kZoneField;
        return Offset(token.text);
      case TokenKind::kNumber:
        return label_ ? LabelledNumber(token.text) : PlainNumber(token.text);
      default:
        return Word(token.text);
    }
  }

  Verdict JoinedToken(std::string_view text) {
    if (label_ == DateUnit::kJulian) return JulianWithZone(text);
    if (!label_ && !Has(kMonthField | kDayField)) return Date(text);
    if (!IsDigit(text[0]) && !label_) {
      zone_ = TimeZone::Find(text);
      zone_name_ = text;
      got_ = kZoneField;
      return zone_ ? Verdict::kFine : Verdict::kUnknownZone;
    }
    // A clock without colons and an offset: "t040506-08".
    if (label_ && label_ != DateUnit::kTime) return Verdict::kBadSyntax;
    label_.reset();
    const size_t minus = text.find('-');
    if (Has(kWholeTime) || minus == std::string_view::npos) return Verdict::kBadSyntax;
    if (const Verdict v = Offset(text.substr(minus)); v != Verdict::kFine) return v;
    const Verdict v = RunTogether(text.substr(0, minus), have_);
    got_ |= kZoneField;
    return v;
  }

  Verdict JulianWithZone(std::string_view text) {
    const char* p = text.data();
    const char* end = p + text.size();
    int64_t day;
    if (!ReadInt32(&p, end, &day) || day < 0) return Verdict::kOutOfRange;
    SetJulian(day);
    label_.reset();
    got_ = kWholeDate | kWholeTime | kZoneField;
    return Offset({p, end});
  }
  void SetJulian(int64_t julian) {
    int month;
    int day;
    CivilFromDays(julian - kJulianDayOf1970, &r_->year, &month, &day);
    r_->month = month;
    r_->day = day;
    julian_ = true;
  }

  Verdict TimeToken(std::string_view text) {
    if (label_ && label_ != DateUnit::kTime) return Verdict::kBadSyntax;
    label_.reset();
    Clock clock;
    switch (ReadClock(text, &clock)) {
      case ClockVerdict::kBadSyntax:
        return Verdict::kBadSyntax;
      case ClockVerdict::kOutOfRange:
        return Verdict::kOutOfRange;
      case ClockVerdict::kFine:
        break;
    }
    r_->hour = clock.hour;
    r_->minute = clock.minute;
    r_->second = clock.second;
    r_->micros = clock.micros;
    got_ = kWholeTime;
    return clock.hour > 24 || TimeOfDay() > kDay ? Verdict::kOutOfRange : Verdict::kFine;
  }
  int64_t TimeOfDay() const {
    return ((r_->hour * 60 + r_->minute) * 60 + r_->second) * kSecond + r_->micros;
  }

  Verdict Offset(std::string_view text) {
    switch (ReadZoneOffset(text, &r_->offset)) {
      case ClockVerdict::kBadSyntax:
        return Verdict::kBadSyntax;
      case ClockVerdict::kOutOfRange:
        return Verdict::kBadZone;
      case ClockVerdict::kFine:
        break;
    }
    return Verdict::kFine;
  }

  // A number whose meaning the word before it told: "J2451187", "y 1999", "t040506.789".
  Verdict LabelledNumber(std::string_view text) {
    const DateUnit unit = *label_;
    label_.reset();
    r_->special.reset();  // an infinity before it counts no more, as PostgreSQL has it
    const char* p = text.data();
    const char* end = p + text.size();
    int64_t value;
    if (!ReadInt32(&p, end, &value)) return Verdict::kOutOfRange;
    const bool fraction = p < end && *p == '.';
    if (p < end && !fraction) return Verdict::kBadSyntax;
    if (fraction && unit != DateUnit::kJulian && unit != DateUnit::kTime && unit != DateUnit::kSecond) {
      return Verdict::kBadSyntax;
    }
    switch (unit) {
      case DateUnit::kYear:
        return Give(&r_->year, value, kYearField);
      case DateUnit::kMonth:
        // Behind a month and an hour it means minutes.
        return HasAny(kMonthField) && HasAny(kHourField) ? Give(&r_->minute, value, kMinutesField)
                                                         : Give(&r_->month, value, kMonthField);
      case DateUnit::kDay:
        return Give(&r_->day, value, kDayField);
      case DateUnit::kHour:
        return Give(&r_->hour, value, kHourField);
      case DateUnit::kMinute:
        return Give(&r_->minute, value, kMinutesField);
      case DateUnit::kSecond:
        if (fraction && !Fraction({p, end})) return Verdict::kBadSyntax;
        return Give(&r_->second, value, kSecondsField);
      case DateUnit::kJulian:
        return JulianDay(value, {p, end});
      case DateUnit::kTime: {
        const Verdict v = RunTogether(text, have_ | kWholeDate);
        return v == Verdict::kFine && got_ != kWholeTime ? Verdict::kBadSyntax : v;
      }
      case DateUnit::kNoInput:
        break;
    }
    return Verdict::kBadSyntax;
  }
  Verdict Give(int64_t* to, int64_t value, FieldSet field) {
    *to = value;
    got_ = field;
    return Verdict::kFine;
  }
  bool Fraction(std::string_view text) {
    double fraction;
    if (!ReadFraction(text, &fraction)) return false;
    r_->micros = static_cast<int64_t>(std::rint(fraction * 1e6));
    return true;
  }

  Verdict JulianDay(int64_t day, std::string_view fraction) {
    if (day < 0) return Verdict::kOutOfRange;
    SetJulian(day);
    got_ = kWholeDate;
    if (fraction.empty()) return Verdict::kFine;
    double part;
    if (!ReadFraction(fraction, &part)) return Verdict::kBadSyntax;
    const auto micros = static_cast<int64_t>(part * static_cast<double>(kDay));
    r_->hour = micros / kHour;
    r_->minute = micros / kMinute % 60;
    r_->second = micros / kSecond % 60;
    r_->micros = micros % kSecond;
    got_ |= kWholeTime;
    return Verdict::kFine;
  }

  Verdict PlainNumber(std::string_view text) {
    const size_t point = text.find('.');
    const bool has_point = point != std::string_view::npos;
    if (has_point && !HasAny(kWholeDate)) return Date(text);
    if (has_point && point > 2) return RunTogether(text, have_);
    if (text.size() >= 6 && (!HasAny(kWholeDate) || !HasAny(kWholeTime))) return RunTogether(text, have_);
    return Number(text, month_by_name_, have_);
  }

  // yyyymmdd, yymmdd, hhmmss[.fff], hhmm.
  Verdict RunTogether(std::string_view text, FieldSet have) {
    const size_t point = text.find('.');
    if (point != std::string_view::npos) {
      if (!Fraction(text.substr(point))) return Verdict::kBadSyntax;
      text = text.substr(0, point);
    } else if ((have & kWholeDate) != kWholeDate && text.size() >= 6) {
      const size_t head = text.size() - 4;
      r_->year = Digits(text.substr(0, head));
      r_->month = Digits(text.substr(head, 2));
      r_->day = Digits(text.substr(head + 2));
      short_year_ |= head == 2;
      got_ = kWholeDate;
      return Verdict::kFine;
    }
    if ((have & kWholeTime) == kWholeTime || (text.size() != 6 && text.size() != 4))
      return Verdict::kBadSyntax;
    r_->hour = Digits(text.substr(0, 2));
    r_->minute = Digits(text.substr(2, 2));
    r_->second = text.size() == 6 ? Digits(text.substr(4)) : 0;
    got_ = kWholeTime;
    return Verdict::kFine;
  }
  // Saturates beyond every year that there is.
  static int64_t Digits(std::string_view digits) {
    int64_t value = 0;
    for (const char c : digits) {
      if (!IsDigit(c)) break;
      if (value < 1'000'000'000) value = value * 10 + (c - '0');
    }
    return value;
  }

  // One number of a date: its length, and what is known already, tell what it is.
  Verdict Number(std::string_view text, bool month_by_name, FieldSet have) {
    const char* p = text.data();
    const char* end = p + text.size();
    int64_t value;
    if (!ReadInt32(&p, end, &value)) return Verdict::kOutOfRange;
    if (p == text.data()) return Verdict::kBadSyntax;
    if (p < end && *p == '.') {
      if (p - text.data() > 2) return RunTogether(text, have | kWholeDate);
      if (!Fraction({p, end})) return Verdict::kBadSyntax;
    } else if (p < end) {
      return Verdict::kBadSyntax;
    }
    const FieldSet known = have & kWholeDate;
    if (text.size() == 3 && known == kYearField && value >= 1 && value <= 366) {
      day_of_year_ = value;
      got_ = kDayOfYear | kMonthField | kDayField;
      return Verdict::kFine;
    }
    const bool is_long = text.size() >= 3;
    switch (known) {
      case 0:
        return is_long ? Year(text, value) : Give(&r_->month, value, kMonthField);
      case kYearField:
      case kDayField:
        return Give(&r_->month, value, kMonthField);
      case kMonthField:
        return month_by_name && is_long ? Year(text, value) : Give(&r_->day, value, kDayField);
      case kYearField | kMonthField:
        if (month_by_name && is_long && short_year_) {
          // "08-jan-1999": what looked like the year was the day.
          Give(&r_->day, r_->year, kDayField);
          r_->year = value;
          short_year_ = false;
          return Verdict::kFine;
        }
        return Give(&r_->day, value, kDayField);
      case kMonthField | kDayField:
        return Year(text, value);
      case kWholeDate:
        return RunTogether(text, have);
      default:
        return Verdict::kBadSyntax;
    }
  }
  Verdict Year(std::string_view text, int64_t value) {
    short_year_ = text.size() <= 2;
    return Give(&r_->year, value, kYearField);
  }

  // A whole date in one field: numbers, and perhaps the month by name, between delimiters.
  Verdict Date(std::string_view text) {
    std::array<std::string_view, 25> parts;
    size_t count = 0;
    for (size_t i = 0; i < text.size() && count < parts.size();) {
      while (i < text.size() && !IsAlpha(text[i]) && !IsDigit(text[i])) ++i;
      if (i == text.size()) return Verdict::kBadSyntax;
      const size_t start = i;
      const bool digits = IsDigit(text[i]);
      while (i < text.size() && (digits ? IsDigit(text[i]) : IsAlpha(text[i]))) ++i;
      parts[count++] = text.substr(start, i - start);
      ++i;  // the delimiter
    }
    FieldSet have = have_;
    FieldSet all = 0;
    bool month_by_name = false;
    for (size_t i = 0; i < count; ++i) {
      if (IsDigit(parts[i][0])) continue;
      const DateWordEntry word = FindDateWord(parts[i]);
      if (word.kind == DateWord::kIgnored) continue;
      if (word.kind != DateWord::kMonth || (have & kMonthField)) return Verdict::kBadSyntax;
      r_->month = word.value;
      month_by_name = true;
      have |= kMonthField;
      all |= kMonthField;
      parts[i] = {};
    }
    for (size_t i = 0; i < count; ++i) {
      if (parts[i].empty()) continue;
      got_ = 0;
      if (const Verdict v = Number(parts[i], month_by_name, have); v != Verdict::kFine) return v;
      if (have & got_) return Verdict::kBadSyntax;
      have |= got_;
      all |= got_;
    }
    got_ = all;
    return (have & ~(kDayOfYear | kZoneField)) == kWholeDate ? Verdict::kFine : Verdict::kBadSyntax;
  }

  Verdict Word(std::string_view text) {
    if (const ZoneAbbreviation* zone = FindZoneAbbreviation(text)) return Abbreviation(*zone);
    const DateWordEntry word = FindDateWord(text);
    switch (word.kind) {
      case DateWord::kIgnored:
        ignored_ = true;
        return Verdict::kFine;
      case DateWord::kSpecial:
        return Special(static_cast<SpecialDate>(word.value));
      case DateWord::kMonth:
        return MonthName(word.value);
      case DateWord::kDaylight:
        got_ = kDaylightMark | kDaylightField;
        r_->offset += word.value;
        return Verdict::kFine;
      case DateWord::kMeridiem:
        got_ = kMeridiemField;
        meridiem_ = word.value;
        return Verdict::kFine;
      case DateWord::kEra:
        got_ = kEraField;
        before_christ_ = word.value == 1;
        return Verdict::kFine;
      case DateWord::kWeekday:
        got_ = kWeekdayField;
        return Verdict::kFine;
      case DateWord::kUnit:
        label_ = static_cast<DateUnit>(word.value);
        return Verdict::kFine;
      case DateWord::kTimeMark:
        return TimeMark();
      case DateWord::kNone:
        break;
    }
    zone_ = TimeZone::Find(text);
    got_ = kZoneField;
    return zone_ ? Verdict::kFine : Verdict::kBadSyntax;
  }

  Verdict Abbreviation(const ZoneAbbreviation& zone) {
    if (!zone.zone.empty()) {
      got_ = kDynamicZone | kZoneField;
      abbreviation_ = &zone;
      return Verdict::kFine;
    }
    got_ = zone.daylight ? kZoneField | kDaylightField : static_cast<FieldSet>(kZoneField);
    r_->offset = zone.offset;
    return Verdict::kFine;
  }

  Verdict MonthName(int month) {
    got_ = kMonthField;
    // "08 jan 1999": the number before was the day.
    if (HasAny(kMonthField) && !month_by_name_ && !HasAny(kDayField) && r_->month >= 1 && r_->month <= 31) {
      r_->day = r_->month;
      got_ = kDayField;
    }
    month_by_name_ = true;
    r_->month = month;
    return Verdict::kFine;
  }

  // A T between date and time.
  Verdict TimeMark() {
    if (!Has(kWholeDate) || at_ + 1 >= tokens_.size()) return Verdict::kBadSyntax;
    const TokenKind next = tokens_[at_ + 1].kind;
    if (next != TokenKind::kNumber && next != TokenKind::kTime && next != TokenKind::kDate) {
      return Verdict::kBadSyntax;
    }
    label_ = DateUnit::kTime;
    return Verdict::kFine;
  }

  Verdict Special(SpecialDate special) {
    const auto clock = [] { return Env::Default()->WallNow(); };
    r_->special.reset();
    switch (special) {
      case SpecialDate::kNow:
        SetDayAndTime(clock(), 0, true);
        got_ = kWholeDate | kWholeTime | kZoneField;
        return Verdict::kFine;
      case SpecialDate::kYesterday:
      case SpecialDate::kToday:
      case SpecialDate::kTomorrow:
        SetDayAndTime(clock(), static_cast<int>(special) - static_cast<int>(SpecialDate::kToday), false);
        got_ = kWholeDate;
        return Verdict::kFine;
      case SpecialDate::kZulu:
        r_->hour = r_->minute = r_->second = 0;
        r_->offset = 0;
        got_ = kWholeTime | kZoneField;
        return Verdict::kFine;
      case SpecialDate::kEpoch:
        r_->special = 0;
        break;
      case SpecialDate::kLate:
        r_->special = kMaxTimestamp;
        break;
      case SpecialDate::kEarly:
        r_->special = kMinTimestamp;
        break;
    }
    got_ = kSpecialField;
    return Verdict::kFine;
  }
  void SetDayAndTime(Timestamp now, int days, bool with_time) {
    int month;
    int day;
    CivilFromDays(now / kDay + days, &r_->year, &month, &day);
    r_->month = month;
    r_->day = day;
    if (!with_time) return;
    r_->hour = now % kDay / kHour;
    r_->minute = now / kMinute % 60;
    r_->second = now / kSecond % 60;
    r_->micros = now % kSecond;
  }

  Verdict Finish() {
    if (!CheckDate()) return Verdict::kOutOfRange;
    if (meridiem_ >= 0 && r_->hour > 12) return Verdict::kOutOfRange;
    if (meridiem_ >= 0) r_->hour = r_->hour % 12 + (meridiem_ == 1 ? 12 : 0);
    if (r_->special) return Verdict::kFine;
    if (!Has(kWholeDate)) return Verdict::kBadSyntax;
    // DST stands behind the abbreviation of a zone's standard time.
    if (HasAny(kDaylightMark) && (zone_ || abbreviation_ || !HasAny(kZoneField))) return Verdict::kBadSyntax;
    const int64_t local =
        DaysFromCivil(r_->year, static_cast<int>(r_->month), static_cast<int>(r_->day)) * 86'400 +
        r_->hour * 3600 + r_->minute * 60 + r_->second;
    if (zone_) r_->offset = zone_->OffsetOfLocal(local);
    if (abbreviation_) r_->offset = AbbreviationOffsetOfLocal(*abbreviation_, local);
    return Verdict::kFine;
  }

  // The year as it counts from 1 BC = 0, and a day that exists.
  bool CheckDate() {
    if (HasAny(kYearField) && !julian_) {
      if (r_->year <= 0 && !(short_year_ && r_->year == 0 && !before_christ_)) return false;
      if (before_christ_) {
        r_->year = 1 - r_->year;
      } else if (short_year_ && r_->year < 100) {
        r_->year += r_->year < 70 ? 2000 : 1900;
      }
    }
    if (HasAny(kDayOfYear)) {
      int month;
      int day;
      CivilFromDays(DaysFromCivil(r_->year, 1, 1) + day_of_year_ - 1, &r_->year, &month, &day);
      r_->month = month;
      r_->day = day;
    }
    if (HasAny(kMonthField) && (r_->month < 1 || r_->month > 12)) return false;
    if (HasAny(kDayField) && (r_->day < 1 || r_->day > 31)) return false;
    if (!Has(kWholeDate)) return true;
    const int64_t days = DaysFromCivil(r_->year, static_cast<int>(r_->month), static_cast<int>(r_->day));
    int64_t year;
    int month;
    int day;
    CivilFromDays(days, &year, &month, &day);
    return month == r_->month;
  }

  DatetimeTokens tokens_;
  size_t at_ = 0;
  DatetimeReading* r_ = nullptr;
  FieldSet have_ = 0;
  FieldSet got_ = 0;      // by the token under way
  bool ignored_ = false;  // the token under way says nothing
  std::optional<DateUnit> label_;
  bool month_by_name_ = false, short_year_ = false, julian_ = false, before_christ_ = false;
  int meridiem_ = -1;
  int64_t day_of_year_ = 0;
  std::shared_ptr<const TimeZone> zone_;
  const ZoneAbbreviation* abbreviation_ = nullptr;
  std::string_view zone_name_;
};

}  // namespace

DatetimeVerdict ReadDatetime(std::string_view text, size_t most_bytes, DatetimeReading* reading,
                             std::string* zone) {
  DateTimeReader reader;
  const DatetimeVerdict verdict = reader.Read(text, most_bytes, reading);
  if (verdict == DatetimeVerdict::kUnknownZone) *zone = reader.zone_name();
  return verdict;
}

}  // namespace streamrun
