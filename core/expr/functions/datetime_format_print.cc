// to_char of times and intervals (PostgreSQL manual 9.8).
#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/base/time.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_format.h"
#include "core/expr/functions/datetime_unit.h"

namespace streamrun {

namespace {

struct Shown {
  int64_t year = 0;
  int64_t month = 0, day = 0;
  int64_t hour = 0, minute = 0, second = 0, micros = 0;
  int64_t day_of_year = 0;
  int day_of_week = 0;  // 0 = Sunday
  bool is_interval = false;
  std::string_view zone;  // empty for a time without

  // Years are shown without a year 0 and without a sign.
  int64_t YearOf(int64_t y) const { return is_interval || y > 0 ? y : 1 - y; }
};

// Writes into room that is large enough: kMostBytes a pattern.
class Printer {
 public:
  static constexpr size_t kMostBytes = 32;
  Printer(const Shown& shown, char* out) : t_(shown), out_(out) {}

  // False for a pattern that intervals do not have, and for the ordinal of nothing.
  bool Print(const FormatNode& node) {
    if (node.kind != FormatNode::Kind::kPattern) {
      out_ = std::copy_n(node.text, node.length, out_);
      return true;
    }
    node_ = &node;
    return t_.is_interval && IsForTimesOnly(node.pattern->field) ? false : Clock() || Date() || Names();
  }
  char* end() const { return out_; }

 private:
  static bool IsForTimesOnly(DatetimeField field) {
    switch (field) {
      case DatetimeField::kEra:
      case DatetimeField::kEraDotted:
      case DatetimeField::kDayName:
      case DatetimeField::kDayShort:
      case DatetimeField::kDayOfWeek:
      case DatetimeField::kIsoDayOfWeek:
      case DatetimeField::kMonthName:
      case DatetimeField::kMonthShort:
      case DatetimeField::kOffset:
      case DatetimeField::kZoneHour:
      case DatetimeField::kZoneMinute:
      case DatetimeField::kZoneName:
        return true;
      default:
        return false;
    }
  }

  // Digits behind a sign, with zeros up to `width` in all.
  bool Number(int64_t value, int width) {
    char digits[20];
    int count = 0;
    uint64_t rest = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    do {
      digits[count++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (value < 0) *out_++ = '-';
    for (int i = count + (value < 0 ? 1 : 0); i < width; ++i) *out_++ = '0';
    const char* start = out_;
    for (int i = count; i-- > 0;) *out_++ = digits[i];
    if (node_->ordinal) Ordinal(start);
    return true;
  }
  // With a place more for the sign; FM leaves the zeros away. The sign counts of another value at times.
  bool Padded(int64_t value, int width, int64_t sign) {
    return Number(value, node_->fill ? 0 : sign < 0 ? width + 1 : width);
  }
  bool Padded(int64_t value, int width) { return Padded(value, width, value); }

  void Ordinal(const char* digits) {
    const bool teen = out_ - digits > 1 && out_[-2] == '1';
    std::string_view ending = "th";
    if (!teen && out_[-1] == '1') ending = "st";
    if (!teen && out_[-1] == '2') ending = "nd";
    if (!teen && out_[-1] == '3') ending = "rd";
    for (const char c : ending) *out_++ = node_->ordinal_upper ? static_cast<char>(c - 32) : c;
  }

  bool Word(std::string_view word, size_t width = 0) {
    char* const end = out_ + word.size();
    const LetterCase letters = node_->pattern->letters;
    for (size_t i = 0; i < word.size(); ++i) {
      const char c = word[i];
      const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
      const bool upper = letters == LetterCase::kUpper || (letters == LetterCase::kCapital && i == 0);
      out_[i] = !letter ? c : static_cast<char>(upper ? c & ~0x20 : c | 0x20);
    }
    out_ = end;
    if (node_->fill || (node_->translate && node_->pattern->field != DatetimeField::kRoman)) return true;
    for (size_t i = word.size(); i < width; ++i) *out_++ = ' ';
    return true;
  }

  bool Clock() {
    using enum DatetimeField;
    switch (node_->pattern->field) {
      case kHour12:
        return Padded(t_.hour % 12 == 0 ? 12 : t_.hour % 12, 2, t_.hour);
      case kHour24:
        return Padded(t_.hour, 2);
      case kMinute:
        return Padded(t_.minute, 2);
      case kSecond:
        return Padded(t_.second, 2);
      case kFraction1:
        return Number(t_.micros / 100'000, 1);
      case kFraction2:
        return Number(t_.micros / 10'000, 2);
      case kFraction3:
      case kMillisecond:
        return Number(t_.micros / 1'000, 3);
      case kFraction4:
        return Number(t_.micros / 100, 4);
      case kFraction5:
        return Number(t_.micros / 10, 5);
      case kFraction6:
      case kMicrosecond:
        return Number(t_.micros, 6);
      case kSecondsOfDay:
        return Number(t_.hour * 3600 + t_.minute * 60 + t_.second, 0);
      case kMeridiem:
        return Word(t_.hour % 24 >= 12 ? "PM" : "AM");
      case kMeridiemDotted:
        return Word(t_.hour % 24 >= 12 ? "P.M." : "A.M.");
      default:
        return false;
    }
  }

  bool Date() {
    using enum DatetimeField;
    const DatetimeField field = node_->pattern->field;
    switch (field) {
      case kCentury:
        return Century();
      case kDayOfYear:
        return Number(t_.day_of_year, node_->fill ? 0 : 3);
      case kIsoDayOfYear:
        return Number(JulianDay(t_.year, t_.month, t_.day) - IsoWeekStart(Iso().year, 1) + 1,
                      node_->fill ? 0 : 3);
      case kDayOfMonth:
        return Number(t_.day, node_->fill ? 0 : 2);
      case kDayOfWeek:
        return Number(t_.day_of_week + 1, 0);
      case kIsoDayOfWeek:
        return Number(t_.day_of_week == 0 ? 7 : t_.day_of_week, 0);
      case kWeek:
        return Number((t_.day_of_year - 1) / 7 + 1, node_->fill ? 0 : 2);
      case kIsoWeek:
        return Number(Iso().week, node_->fill ? 0 : 2);
      case kWeekOfMonth:
        return Number((t_.day - 1) / 7 + 1, 0);
      case kMonth:
        return Padded(t_.month, 2);
      case kQuarter:
        return t_.month == 0 || Number((t_.month - 1) / 3 + 1, 0);
      case kJulian:
        return Number(JulianDay(t_.year, t_.month, t_.day), 0);
      case kYearComma:
        return YearWithComma();
      case kYear4:
      case kYear3:
      case kYear2:
      case kYear1:
        return Year(t_.YearOf(t_.year), 4 - (static_cast<int>(field) - static_cast<int>(kYear4)));
      case kIsoYear4:
      case kIsoYear3:
      case kIsoYear2:
      case kIsoYear1:
        return Year(t_.YearOf(Iso().year), 4 - (static_cast<int>(field) - static_cast<int>(kIsoYear4)));
      case kFixed:
        return true;
      default:
        return false;
    }
  }
  IsoDate Iso() const { return IsoWeekOf(t_.year, t_.month, t_.day); }

  // The last digits of a year; whole when all four are asked for.
  bool Year(int64_t year, int digits) {
    static constexpr int64_t kPowers[] = {1, 10, 100, 1000};
    const int64_t sign = t_.YearOf(t_.year);
    if (digits == 1) return Number(year % 10, 1);
    return Padded(digits == 4 ? year : year % kPowers[digits], digits, sign);
  }
  bool YearWithComma() {
    const int64_t year = t_.YearOf(t_.year);
    const FormatNode* node = node_;
    const FormatNode plain;
    node_ = &plain;
    Number(year / 1000, 0);
    *out_++ = ',';
    node_ = node;
    return Number(year - year / 1000 * 1000, 3);
  }
  bool Century() {
    int64_t century = t_.year / 100;
    if (!t_.is_interval) century = t_.year > 0 ? (t_.year - 1) / 100 + 1 : t_.year / 100 - 1;
    return century <= 99 && century >= -99 ? Padded(century, 2) : Number(century, 0);
  }

  bool Names() {
    using enum DatetimeField;
    switch (node_->pattern->field) {
      case kEra:
        return Word(t_.year <= 0 ? "BC" : "AD");
      case kEraDotted:
        return Word(t_.year <= 0 ? "B.C." : "A.D.");
      case kMonthName:
        return Word(kMonthNames[t_.month - 1], 9);
      case kMonthShort:
        return Word(kMonthNames[t_.month - 1].substr(0, 3));
      case kDayName:
        return Word(kDayNames[t_.day_of_week], 9);
      case kDayShort:
        return Word(kDayNames[t_.day_of_week].substr(0, 3));
      case kRoman:
        return Roman();
      case kZoneName:
        return Word(t_.zone);
      case kOffset:
        *out_++ = '+';
        out_ = std::fill_n(out_, node_->fill ? 1 : 2, '0');
        return true;
      case kZoneHour:
        out_ = std::copy_n("+00", 3, out_);
        return true;
      case kZoneMinute:
        out_ = std::copy_n("00", 2, out_);
        return true;
      default:
        return true;
    }
  }
  // Months of negative intervals count from the other end; whole years are month XII.
  bool Roman() {
    if (t_.month == 0 && t_.year == 0) return true;
    int64_t at = t_.month < 0 ? -1 - t_.month : 12 - t_.month;
    if (t_.month == 0) at = t_.year >= 0 ? 0 : 11;
    return Word(kRomanMonths[at], 4);
  }

  const Shown& t_;
  char* out_;
  const FormatNode* node_ = nullptr;
};

void Print(Row& row, TextSink& out, const DatetimeFormat& format, const Shown& shown) {
  const size_t room = format.size() * Printer::kMostBytes;
  if (!row.Room(out, room)) return;
  char* start = out.Extend(room);
  Printer printer(shown, start);
  for (const FormatNode& node : format) {
    if (!printer.Print(node)) {
      row.Fail("22007", "invalid format specification for an interval value");
      break;
    }
  }
  out.Shrink(room - static_cast<size_t>(printer.end() - start));
}

Shown ShownOf(int64_t t) {
  const Civil c = SplitTimestamp(t);
  Shown shown;
  shown.year = c.year;
  shown.month = c.month;
  shown.day = c.day;
  shown.hour = c.micros / kHour;
  shown.minute = c.micros / kMinute % 60;
  shown.second = c.micros / kSecond % 60;
  shown.micros = c.micros % kSecond;
  shown.day_of_year = c.days - DaysFromCivil(c.year, 1, 1) + 1;
  shown.day_of_week = DayOfWeek(c.days);
  return shown;
}

template <bool kZoned>
void TimestampToChar(Row& row, TextSink& out, int64_t t, std::string_view format) {
  if (format.empty() || IsInfinite(t)) return row.Null();
  Shown shown = ShownOf(t);
  if (kZoned) shown.zone = "UTC";
  Print(row, out, DatetimeFormatFor(row, format), shown);
}

ColumnPtr TimeOfDay(KernelCall& call) {
  const DatetimeFormat format = CompileDatetimeFormat("Dy Mon DD HH24:MI:SS.US YYYY TZ");
  return WriteText(call, [&](Row& row, TextSink& out) {
    Shown shown = ShownOf(call.env()->WallNow());
    shown.zone = "UTC";
    Print(row, out, format, shown);
  });
}

void IntervalToChar(Row& row, TextSink& out, const Interval& v, std::string_view format) {
  if (format.empty()) return row.Null();
  Shown shown;
  shown.is_interval = true;
  shown.year = v.months / 12;
  shown.month = v.months % 12;
  shown.day = v.days;
  shown.hour = v.micros / kHour;
  shown.minute = v.micros / kMinute % 60;
  shown.second = v.micros / kSecond % 60;
  shown.micros = v.micros % kSecond;
  shown.day_of_year = int64_t{v.months} * 30 + v.days;
  Print(row, out, DatetimeFormatFor(row, format), shown);
}

}  // namespace

void AddDatetimeFormat(FunctionTable& t) {
  using enum Arg;
  t.push_back({"timeofday",
               {},
               kText,
               TimeOfDay,
               "the time at which the row is evaluated as text, as in Sat Nov 21 09:22:11.123456 2026 UTC",
               "length(timeofday()) -> 35",
               kTotal | kVolatile});
  t.push_back({"to_char",
               {kTimestamp, kText},
               kText,
               Rows<TimestampToChar<false>>,
               "the time as text in a format of template patterns",
               "to_char(timestamp '2002-04-20 17:31:12.66', 'HH12:MI:SS') -> 05:31:12",
               kPartial,
               PrepareDatetimeFormat});
  t.push_back(
      {"to_char",
       {kTimestamptz, kText},
       kText,
       Rows<TimestampToChar<true>>,
       "the time as text, in UTC",
       "to_char(timestamptz '2002-04-20 17:31:12+02', 'FMDay, DD Mon YYYY HH24:MI TZ') -> Saturday, 20 "
       "Apr 2002 15:31 UTC",
       kPartial,
       PrepareDatetimeFormat});
  t.push_back({"to_char",
               {kInterval, kText},
               kText,
               Rows<IntervalToChar>,
               "the interval as text in a format of template patterns",
               "to_char(interval '15h 2m 12s', 'HH24:MI:SS') -> 15:02:12",
               kPartial,
               PrepareDatetimeFormat});
}

}  // namespace streamrun
