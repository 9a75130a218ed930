// to_date and to_timestamp: texts read by a format (PostgreSQL manual 9.8, with the usage notes under table
// 9.28 on separators, FX and the order of fields).
#include <string>

#include "core/base/time.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_format.h"
#include "core/expr/functions/datetime_format_read.h"
#include "core/expr/functions/datetime_unit.h"

namespace streamrun {

namespace {

// A wall clock, as what was said puts it together.
struct Clock {
  int64_t year = 0;
  int64_t month = 1, day = 1;
  int64_t hour = 0, minute = 0, second = 0, micros = 0;
};

class Assembly {
 public:
  Assembly(FormatFields said, std::string_view text) : s_(said), text_(text) {}

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
  const FormatRefusal& refusal() const { return refusal_; }

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

  FormatFields s_;
  std::string_view text_;
  Clock* c_ = nullptr;
  FormatRefusal refusal_;
};

bool ReadByFormat(Row& row, std::string_view text, std::string_view format, FormatFields* said,
                  Clock* clock) {
  FormatRefusal refusal;
  if (!ReadFormatFields(DatetimeFormatFor(row, format), text, said, &refusal)) {
    row.Fail(refusal.code, refusal.message);
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
  FormatFields said;
  Clock clock;
  if (!ReadByFormat(row, text, format, &said, &clock)) return 0;
  const int64_t days = DaysFromCivil(clock.year, static_cast<int>(clock.month), static_cast<int>(clock.day));
  if (days < kFirstDay || days > kLastDay) {
    row.Fail("22008", "date out of range: \"" + std::string(text) + "\"");
    return 0;
  }
  return static_cast<int32_t>(days);
}

// Rounds to some digits of a second, half away from 2000-01-01, where PostgreSQL's times count from.
int64_t RoundTo(int64_t t, int digits) {
  constexpr int64_t kOrigin = 946'684'800 * kSecond;
  int64_t unit = 1;
  for (int i = digits; i < 6; ++i) unit *= 10;
  const int64_t distance = t - kOrigin;
  const int64_t steps = distance >= 0 ? (distance + unit / 2) / unit : -((unit / 2 - distance) / unit);
  return kOrigin + steps * unit;
}

int64_t ToTimestamp(Row& row, std::string_view text, std::string_view format) {
  FormatFields said;
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
