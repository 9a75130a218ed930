// The clock, and times from their parts.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/data/datetime_tokens.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_unit.h"
#include "core/expr/functions/timezone.h"

namespace streamrun {

namespace {

ColumnPtr Now(KernelCall& call) {
  const int64_t now = call.now();
  Writer<int64_t> out(call);
  for (int64_t row = 0; row < call.rows(); ++row) out.Put(row, now);
  return out.Finish(call);
}
ColumnPtr ClockNow(KernelCall& call) {
  Writer<int64_t> out(call);
  for (int64_t row = 0; row < call.rows(); ++row) out.Put(row, call.env()->WallNow());
  return out.Finish(call);
}
ColumnPtr Today(KernelCall& call) {
  const auto today = static_cast<int32_t>(FloorDiv(call.now(), kDay));
  Writer<int32_t> out(call);
  for (int64_t row = 0; row < call.rows(); ++row) out.Put(row, today);
  return out.Finish(call);
}

constexpr double kSecondsTo2000 = 946'684'800;

// %g as PostgreSQL prints it.
std::string ShortDouble(const char* form, double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "Infinity" : "-Infinity";
  char text[40];
  std::snprintf(text, sizeof text, form, v);
  return text;
}

// Rounded where PostgreSQL's times count from: 2000-01-01.
int64_t ToTimestamp(Row& row, double seconds) {
  if (std::isnan(seconds)) {
    row.Fail("22008", "timestamp cannot be NaN");
    return 0;
  }
  if (std::isinf(seconds)) return seconds > 0 ? kMaxTimestamp : kMinTimestamp;
  const double micros = std::rint((seconds - kSecondsTo2000) * 1e6);
  int64_t out = kMaxTimestamp;
  const bool fits = micros > -9.2e18 && micros < 9.2e18 &&
                    !__builtin_add_overflow(static_cast<int64_t>(micros),
                                            static_cast<int64_t>(kSecondsTo2000) * kSecond, &out);
  if (!fits || !IsTimestamp(out)) {
    row.Fail("22008", "timestamp out of range: \"" + ShortDouble("%g", seconds) + "\"");
    return 0;
  }
  return out;
}

std::string Padded(int32_t v) {
  char text[16];
  std::snprintf(text, sizeof text, "%02d", v);
  return text;
}
std::string DateText(int64_t year, int32_t month, int32_t day) {
  return std::to_string(year) + "-" + Padded(month) + "-" + Padded(day);
}

int DaysInMonth(int64_t year, int month) {
  return static_cast<int>(DaysFromCivil(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
                          DaysFromCivil(year, month, 1));
}

enum class DateVerdict : uint8_t { kFine, kBadField, kOutOfRange };
// Negative years are BC. *astronomical is the year as it counts from 1 BC = 0.
DateVerdict MakeDays(int32_t year, int32_t month, int32_t day, int64_t* astronomical, int64_t* days) {
  *astronomical = year;
  if (year == 0 || year == std::numeric_limits<int32_t>::min()) return DateVerdict::kBadField;
  if (year < 0) *astronomical = static_cast<int64_t>(year) + 1;
  if (month < 1 || month > 12 || day < 1 || day > DaysInMonth(*astronomical, month))
    return DateVerdict::kBadField;
  *days = DaysFromCivil(*astronomical, month, day);
  return *days < kFirstMonth || *days > kLastDay ? DateVerdict::kOutOfRange : DateVerdict::kFine;
}

int32_t MakeDate(Row& row, int32_t year, int32_t month, int32_t day) {
  int64_t shown;
  int64_t days = 0;
  switch (MakeDays(year, month, day, &shown, &days)) {
    case DateVerdict::kFine:
      if (days >= kFirstDay) return static_cast<int32_t>(days);
      break;
    case DateVerdict::kBadField:
      row.Fail("22008", "date field value out of range: " + DateText(shown, month, day));
      return 0;
    case DateVerdict::kOutOfRange:
      break;
  }
  row.Fail("22008", "date out of range: " + DateText(shown, month, day));
  return 0;
}

int64_t MakeTimestamp(Row& row, int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
                      double second) {
  int64_t shown;
  int64_t days = 0;
  const DateVerdict verdict = MakeDays(year, month, day, &shown, &days);
  if (verdict != DateVerdict::kFine) {
    row.Fail("22008",
             (verdict == DateVerdict::kBadField ? "date field value out of range: " : "date out of range: ") +
                 DateText(year, month, day));
    return 0;
  }
  const auto clock = [&] {
    return std::to_string(hour) + ":" + Padded(minute) + ":" + ShortDouble("%02g", second);
  };
  const double micros = std::rint(second * 1e6);
  const bool valid = hour >= 0 && hour <= 24 && minute >= 0 && minute < 60 && micros >= 0 && micros <= 60e6;
  const int64_t of_day = hour * kHour + minute * kMinute + (valid ? static_cast<int64_t>(micros) : 0);
  if (!valid || of_day > kDay) {
    row.Fail("22008", "time field value out of range: " + clock());
    return 0;
  }
  int64_t t;
  if (__builtin_mul_overflow(days, kDay, &t) || __builtin_add_overflow(t, of_day, &t) || !IsTimestamp(t)) {
    row.Fail("22008", "timestamp out of range: " + DateText(year, month, day) + " " + clock());
    return 0;
  }
  return t;
}

// A zone by offset ("+02", "-03:30"), abbreviation or name.
int64_t MakeTimestamptz(Row& row, int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
                        double second, std::string_view zone) {
  const int64_t local = MakeTimestamp(row, year, month, day, hour, minute, second);
  if (row.dropped()) return 0;
  const std::string name(zone);
  if (!zone.empty() && zone[0] >= '0' && zone[0] <= '9') {
    row.Fail("22023", "invalid input syntax for type numeric time zone: \"" + name + "\"");
    return 0;
  }
  int64_t offset = 0;
  int64_t t = kMaxTimestamp;
  switch (ReadZoneOffset(zone, &offset)) {
    case ClockVerdict::kOutOfRange:
      row.Fail("22023", "numeric time zone \"" + name + "\" out of range");
      return 0;
    case ClockVerdict::kFine:
      if (__builtin_sub_overflow(local, offset * kSecond, &t)) t = kMaxTimestamp;
      break;
    case ClockVerdict::kBadSyntax: {
      const Zone* found = ZoneFor(row, zone);
      if (found == nullptr) return 0;
      t = found->ToUtc(local);
    }
  }
  if (!IsTimestamp(t)) row.Fail("22008", "timestamp out of range");
  return t;
}

// make_interval's arguments, as far as they are given; the others are 0.
ColumnPtr MakeInterval(KernelCall& call) {
  constexpr size_t kWhole = 6;
  std::vector<Reader<int32_t>> whole;
  for (size_t i = 0; i < std::min(kWhole, call.arg_count()); ++i) whole.emplace_back(call.arg(i));
  const bool has_seconds = call.arg_count() > kWhole;
  const Reader<double>* seconds = nullptr;
  std::vector<Reader<double>> last;
  if (has_seconds) {
    last.emplace_back(call.arg(kWhole));
    seconds = last.data();
  }
  Writer<Interval> out(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    const auto get = [&](size_t i) { return i < whole.size() ? int64_t{whole[i][r]} : 0; };
    const int64_t months = get(0) * 12 + get(1);
    const int64_t days = get(2) * 7 + get(3);
    const double micros = seconds ? std::rint((*seconds)[r] * 1e6) : 0;
    const int64_t clock = get(4) * kHour + get(5) * kMinute;
    int64_t total = 0;
    const bool fits = months == static_cast<int32_t>(months) && days == static_cast<int32_t>(days) &&
                      micros > -9.2e18 && micros < 9.2e18 &&
                      !__builtin_add_overflow(clock, static_cast<int64_t>(micros), &total);
    if (fits) {
      out.Put(r, {static_cast<int32_t>(months), static_cast<int32_t>(days), total});
    } else {
      call.Fail(r, "22008", "interval out of range");
    }
  });
  return out.Finish(call);
}

bool IsFiniteTimestamp(int64_t t) { return !IsInfinite(t); }
bool IsFiniteDate(int32_t d) { return !IsInfinite(d); }
bool IsFiniteInterval(const Interval&) { return true; }

}  // namespace

void AddDatetimeMake(FunctionTable& t) {
  using enum Arg;
  using Entry = std::pair<std::string_view, std::string_view>;
  for (const auto& [name, example] :
       {Entry{"now", "now() > timestamptz '2024-01-01 00:00+00' -> t"},
        Entry{"clock_timestamp", "clock_timestamp() > timestamptz '2024-01-01 00:00+00' -> t"},
        Entry{"transaction_timestamp", "transaction_timestamp() = now() -> t"},
        Entry{"statement_timestamp", "statement_timestamp() > timestamptz '2024-01-01 00:00+00' -> t"}}) {
    t.push_back({name,
                 {},
                 kTimestamptz,
                 name == "clock_timestamp" ? ClockNow : Now,
                 name == "clock_timestamp" ? "the time at which the row is evaluated"
                                           : "the time at which the batch is evaluated",
                 example,
                 kTotal | kVolatile});
  }
  t.push_back({"localtimestamp",
               {},
               kTimestamp,
               Now,
               "the time at which the batch is evaluated",
               "localtimestamp > timestamp '2024-01-01' -> t",
               kTotal | kVolatile});
  t.push_back({"current_date",
               {},
               kDate,
               Today,
               "the date at which the batch is evaluated, in UTC",
               "current_date > date '2024-01-01' -> t",
               kTotal | kVolatile});
  t.push_back({"to_timestamp",
               {kDouble},
               kTimestamptz,
               Rows<ToTimestamp>,
               "seconds since 1970 as a time",
               "to_timestamp(1284352323.5) -> 2010-09-13 04:32:03.5+00"});
  t.push_back({"make_date",
               {kInteger, kInteger, kInteger},
               kDate,
               Rows<MakeDate>,
               "a date from year, month, day",
               "make_date(2013, 7, 15) -> 2013-07-15"});
  t.push_back({"make_timestamp",
               {kInteger, kInteger, kInteger, kInteger, kInteger, kDouble},
               kTimestamp,
               Rows<MakeTimestamp>,
               "a time from year, month, day, hour, minute, second",
               "make_timestamp(2013, 7, 15, 8, 15, 23.5) -> 2013-07-15 08:15:23.5"});
  for (const Arg zone : {kUnknown, kText}) {
    std::vector<Arg> args = {kInteger, kInteger, kInteger, kInteger, kInteger, kDouble};
    if (zone == kText) args.push_back(zone);
    t.push_back(
        {"make_timestamptz", std::move(args), kTimestamptz,
         zone == kText ? Rows<MakeTimestamptz> : Rows<MakeTimestamp>,
         zone == kText ? "a time from year, month, day, hour, minute, second in a time zone"
                       : "a time from year, month, day, hour, minute, second in UTC",
         zone == kText
             ? "make_timestamptz(2013, 7, 15, 8, 15, 23.5, 'Europe/Berlin') -> 2013-07-15 06:15:23.5+00"
             : "make_timestamptz(2013, 7, 15, 8, 15, 23.5) -> 2013-07-15 08:15:23.5+00"});
  }
  static constexpr std::string_view kMakeExamples[] = {"make_interval() -> 00:00:00",
                                                       "make_interval(2) -> 2 years",
                                                       "make_interval(1, 2) -> 1 year 2 mons",
                                                       "make_interval(0, 0, 2) -> 14 days",
                                                       "make_interval(0, 0, 0, 10) -> 10 days",
                                                       "make_interval(0, 0, 0, 1, 12) -> 1 day 12:00:00",
                                                       "make_interval(0, 0, 0, 0, 1, 30) -> 01:30:00",
                                                       "make_interval(0, 0, 0, 0, 0, 1, 1.5) -> 00:01:01.5"};
  const std::vector<Arg> parts = {kInteger, kInteger, kInteger, kInteger, kInteger, kInteger, kDouble};
  for (size_t count = 0; count <= parts.size(); ++count) {
    t.push_back(
        {"make_interval",
         {parts.begin(), parts.begin() + static_cast<ptrdiff_t>(count)},
         kInterval,
         MakeInterval,
         "an interval from years, months, weeks, days, hours, minutes, seconds; later ones may be left "
         "away",
         kMakeExamples[count]});
  }
  t.push_back({"isfinite",
               {kTimestamp},
               kBoolean,
               Rows<IsFiniteTimestamp>,
               "is not infinity",
               "isfinite(timestamp 'infinity') -> f",
               kTotal});
  t.push_back({"isfinite",
               {kTimestamptz},
               kBoolean,
               Rows<IsFiniteTimestamp>,
               "is not infinity",
               "isfinite(timestamptz 'infinity') -> f",
               kTotal});
  t.push_back({"isfinite",
               {kDate},
               kBoolean,
               Rows<IsFiniteDate>,
               "is not infinity",
               "isfinite(date '2024-01-01') -> t",
               kTotal});
  t.push_back({"isfinite",
               {kInterval},
               kBoolean,
               Rows<IsFiniteInterval>,
               "is not infinity",
               "isfinite(interval '4 hours') -> t",
               kTotal});
}

}  // namespace streamrun
