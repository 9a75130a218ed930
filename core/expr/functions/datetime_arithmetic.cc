// Sums and differences of dates, times and intervals (PostgreSQL manual 9.9, table 9.32).
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/time.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_unit.h"
#include "core/expr/functions/interval_results.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

int64_t TimestampOutOfRange(Row& row) {
  row.Fail("22008", "timestamp out of range");
  return 0;
}
// Months first (a day that the month lacks becomes its last), then days, then microseconds; every step must
// stay in range.
int64_t AddInterval(Row& row, int64_t t, const Interval& v) {
  if (IsInfinite(t)) return t;
  if (v.months != 0) {
    const Civil c = SplitTimestamp(t);
    const int64_t months = c.year * 12 + (c.month - 1) + v.months;
    const int64_t year = FloorDiv(months, 12);
    const auto month = static_cast<int>(months - year * 12) + 1;
    const int64_t first = DaysFromCivil(year, month, 1);
    const int64_t next = DaysFromCivil(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1);
    const int64_t target = std::min<int64_t>(first + c.day, next) - 1;
    if (__builtin_mul_overflow(target, kDay, &t) || __builtin_add_overflow(t, c.micros, &t) ||
        !IsTimestamp(t)) {
      return TimestampOutOfRange(row);
    }
  }
  int64_t days;
  if (__builtin_mul_overflow(int64_t{v.days}, kDay, &days) || __builtin_add_overflow(t, days, &t) ||
      !IsTimestamp(t)) {
    return TimestampOutOfRange(row);
  }
  if (__builtin_add_overflow(t, v.micros, &t) || !IsTimestamp(t)) return TimestampOutOfRange(row);
  return t;
}

bool Negate(const Interval& v, Interval* out) {
  return !__builtin_sub_overflow(0, v.months, &out->months) &&
         !__builtin_sub_overflow(0, v.days, &out->days) &&
         !__builtin_sub_overflow(int64_t{0}, v.micros, &out->micros);
}

int64_t TimestampPlus(Row& row, int64_t t, const Interval& v) { return AddInterval(row, t, v); }
int64_t PlusTimestamp(Row& row, const Interval& v, int64_t t) { return AddInterval(row, t, v); }
int64_t TimestampMinus(Row& row, int64_t t, const Interval& v) {
  Interval minus;
  return Negate(v, &minus) ? AddInterval(row, t, minus) : TimestampOutOfRange(row);
}

// Midnight of a date, which may be too late for a timestamp.
bool DateStart(Row& row, int32_t d, int64_t* start) {
  *start = d < 0 ? kMinTimestamp : kMaxTimestamp;
  if (IsInfinite(d) || !__builtin_mul_overflow(int64_t{d}, kDay, start)) return true;
  row.Fail("22008", "date out of range for timestamp");
  return false;
}
int64_t DatePlusInterval(Row& row, int32_t d, const Interval& v) {
  int64_t start;
  return DateStart(row, d, &start) ? AddInterval(row, start, v) : 0;
}
int64_t IntervalPlusDate(Row& row, const Interval& v, int32_t d) { return DatePlusInterval(row, d, v); }
int64_t DateMinusInterval(Row& row, int32_t d, const Interval& v) {
  int64_t start;
  return DateStart(row, d, &start) ? TimestampMinus(row, start, v) : 0;
}

int32_t DatePlus(Row& row, int32_t d, int32_t days) {
  if (IsInfinite(d)) return d;
  int32_t out;
  if (__builtin_add_overflow(d, days, &out) || out < kFirstDay || out > kLastDay) {
    row.Fail("22008", "date out of range");
    return 0;
  }
  return out;
}
int32_t PlusDate(Row& row, int32_t days, int32_t d) { return DatePlus(row, d, days); }
int32_t DateMinus(Row& row, int32_t d, int32_t days) {
  if (IsInfinite(d)) return d;
  if (days != std::numeric_limits<int32_t>::min()) return DatePlus(row, d, -days);
  row.Fail("22008", "date out of range");
  return 0;
}
int32_t DateDifference(Row& row, int32_t a, int32_t b) {
  if (IsInfinite(a) || IsInfinite(b)) {
    row.Fail("22008", "cannot subtract infinite dates");
    return 0;
  }
  return a - b;
}

Interval TimestampDifference(Row& row, int64_t a, int64_t b) {
  if (IsInfinite(a) || IsInfinite(b)) {
    row.Fail("22008", "cannot subtract infinite timestamps");
    return {};
  }
  Interval out;
  if (__builtin_sub_overflow(a, b, &out.micros)) return IntervalOutOfRange(row);
  return JustifyHours(row, out);
}

Interval Add(Row& row, const Interval& a, const Interval& b) {
  Interval out;
  if (__builtin_add_overflow(a.months, b.months, &out.months) ||
      __builtin_add_overflow(a.days, b.days, &out.days) ||
      __builtin_add_overflow(a.micros, b.micros, &out.micros)) {
    return IntervalOutOfRange(row);
  }
  return out;
}
Interval Subtract(Row& row, const Interval& a, const Interval& b) {
  Interval out;
  if (__builtin_sub_overflow(a.months, b.months, &out.months) ||
      __builtin_sub_overflow(a.days, b.days, &out.days) ||
      __builtin_sub_overflow(a.micros, b.micros, &out.micros)) {
    return IntervalOutOfRange(row);
  }
  return out;
}
Interval Minus(Row& row, const Interval& v) {
  Interval out;
  return Negate(v, &out) ? out : IntervalOutOfRange(row);
}

bool FitsInt32(double v) { return v >= -2147483648.0 && v < 2147483648.0; }
double RoundMicros(double v) { return std::nearbyint(v * 1e6) / 1e6; }

// A fraction of a month goes into days of which 30 make a month, a fraction of a day into microseconds.
Interval Scale(Row& row, double months, double days, double micros) {
  Interval out;
  if (!FitsInt32(months) || !FitsInt32(days) || std::isnan(months + days + micros))
    return IntervalOutOfRange(row);
  out.months = static_cast<int32_t>(months);
  out.days = static_cast<int32_t>(days);
  const double rest_days = RoundMicros((months - out.months) * 30);
  double seconds = RoundMicros((days - out.days + rest_days - static_cast<int>(rest_days)) * 86'400);
  if (std::fabs(seconds) >= 86'400) {
    const auto whole = static_cast<int>(seconds / 86'400);
    if (__builtin_add_overflow(out.days, whole, &out.days)) return IntervalOutOfRange(row);
    seconds -= whole * 86'400.0;
  }
  if (__builtin_add_overflow(out.days, static_cast<int>(rest_days), &out.days))
    return IntervalOutOfRange(row);
  const double total = std::nearbyint(micros + seconds * 1e6);
  if (std::isnan(total) || total < -9223372036854775808.0 || total >= 9223372036854775808.0)
    return IntervalOutOfRange(row);
  out.micros = static_cast<int64_t>(total);
  return out;
}
Interval Multiply(Row& row, const Interval& v, double by) {
  return Scale(row, v.months * by, v.days * by, static_cast<double>(v.micros) * by);
}
Interval MultiplyBy(Row& row, double by, const Interval& v) { return Multiply(row, v, by); }
Interval Divide(Row& row, const Interval& v, double by) {
  if (by == 0) {
    row.Fail("22012", "division by zero");
    return {};
  }
  return Scale(row, v.months / by, v.days / by, static_cast<double>(v.micros) / by);
}

void AddSums(FunctionTable& t) {
  using enum Arg;
  for (const Arg type : {kTimestamp, kTimestamptz}) {
    const bool plain = type == kTimestamp;
    t.push_back({"+",
                 {type, kInterval},
                 type,
                 Rows<TimestampPlus>,
                 "the time later by the interval",
                 plain ? "timestamp '2024-01-31' + interval '1 month' -> 2024-02-29 00:00:00"
                       : "timestamptz '2024-01-31 00:00+00' + interval '1 month' -> 2024-02-29 00:00:00+00"});
    t.push_back({"+",
                 {kInterval, type},
                 type,
                 Rows<PlusTimestamp>,
                 "the time later by the interval",
                 plain ? "interval '1 day' + timestamp '2024-02-28' -> 2024-02-29 00:00:00"
                       : "interval '1 day' + timestamptz '2024-02-28 00:00+00' -> 2024-02-29 00:00:00+00"});
    t.push_back({"-",
                 {type, kInterval},
                 type,
                 Rows<TimestampMinus>,
                 "the time earlier by the interval",
                 plain
                     ? "timestamp '2024-01-01' - interval '1 second' -> 2023-12-31 23:59:59"
                     : "timestamptz '2024-01-01 00:00+00' - interval '1 second' -> 2023-12-31 23:59:59+00"});
    t.push_back(
        {"-",
         {type, type},
         kInterval,
         Rows<TimestampDifference>,
         "the time between",
         plain ? "timestamp '2024-01-03 12:00' - timestamp '2024-01-01' -> 2 days 12:00:00"
               : "timestamptz '2024-01-03 12:00+00' - timestamptz '2024-01-01 00:00+00' -> 2 days 12:00:00"});
  }
  t.push_back({"+",
               {kDate, kInteger},
               kDate,
               Rows<DatePlus>,
               "the date days later",
               "date '2024-02-28' + 2 -> 2024-03-01"});
  t.push_back({"+",
               {kInteger, kDate},
               kDate,
               Rows<PlusDate>,
               "the date days later",
               "2 + date '2024-02-28' -> 2024-03-01"});
  t.push_back({"-",
               {kDate, kInteger},
               kDate,
               Rows<DateMinus>,
               "the date days earlier",
               "date '2024-03-01' - 1 -> 2024-02-29"});
  t.push_back({"-",
               {kDate, kDate},
               kInteger,
               Rows<DateDifference>,
               "days between",
               "date '2024-03-01' - date '2024-02-01' -> 29"});
  t.push_back({"+",
               {kDate, kInterval},
               kTimestamp,
               Rows<DatePlusInterval>,
               "the start of the date later by the interval",
               "date '2024-01-01' + interval '1 hour' -> 2024-01-01 01:00:00"});
  t.push_back({"+",
               {kInterval, kDate},
               kTimestamp,
               Rows<IntervalPlusDate>,
               "the start of the date later by the interval",
               "interval '1 hour' + date '2024-01-01' -> 2024-01-01 01:00:00"});
  t.push_back({"-",
               {kDate, kInterval},
               kTimestamp,
               Rows<DateMinusInterval>,
               "the start of the date earlier by the interval",
               "date '2024-01-01' - interval '1 hour' -> 2023-12-31 23:00:00"});
  t.push_back({"+",
               {kInterval, kInterval},
               kInterval,
               Rows<Add>,
               "sum",
               "interval '1 day' + interval '1 hour' -> 1 day 01:00:00"});
  t.push_back({"-",
               {kInterval, kInterval},
               kInterval,
               Rows<Subtract>,
               "difference",
               "interval '1 hour' - interval '1 minute' -> 00:59:00"});
  t.push_back({"-", {kInterval}, kInterval, Rows<Minus>, "negation", "- interval '1 hour' -> -01:00:00"});
  t.push_back({"*",
               {kInterval, kDouble},
               kInterval,
               Rows<Multiply>,
               "product",
               "interval '1 hour' * 1.5 -> 01:30:00"});
  t.push_back({"*",
               {kDouble, kInterval},
               kInterval,
               Rows<MultiplyBy>,
               "product",
               "900 * interval '1 second' -> 00:15:00"});
  t.push_back({"/",
               {kInterval, kDouble},
               kInterval,
               Rows<Divide>,
               "quotient",
               "interval '1 hour' / 1.5 -> 00:40:00"});
}

}  // namespace

void AddDatetimeArithmetic(FunctionTable& t) { AddSums(t); }

}  // namespace streamrun
