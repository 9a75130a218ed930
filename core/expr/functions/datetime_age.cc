// Intervals made readable: age and justify_* (PostgreSQL manual 9.9, table 9.33).
#include "core/base/time.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_unit.h"
#include "core/expr/functions/interval_results.h"
#include "core/expr/kernel.h"

namespace streamrun {

Interval IntervalOutOfRange(Row& row) {
  row.Fail("22008", "interval out of range");
  return {};
}

Interval JustifyHours(Row& row, const Interval& v) {
  Interval out = v;
  const int64_t days = v.micros / kDay;
  out.micros -= days * kDay;
  if (__builtin_add_overflow(v.days, static_cast<int32_t>(days), &out.days)) return IntervalOutOfRange(row);
  if (out.days > 0 && out.micros < 0) {
    out.micros += kDay;
    --out.days;
  } else if (out.days < 0 && out.micros > 0) {
    out.micros -= kDay;
    ++out.days;
  }
  return out;
}

namespace {

Interval JustifyDays(Row& row, const Interval& v) {
  Interval out = v;
  const int32_t months = v.days / 30;
  out.days -= months * 30;
  if (__builtin_add_overflow(v.months, months, &out.months)) return IntervalOutOfRange(row);
  if (out.months > 0 && out.days < 0) {
    out.days += 30;
    --out.months;
  } else if (out.months < 0 && out.days > 0) {
    out.days -= 30;
    ++out.months;
  }
  return out;
}
Interval JustifyInterval(Row& row, const Interval& v) {
  Interval out = v;
  // Hours into days, days into months (before, too, where days and hours might not fit together), then one
  // sign for all three.
  if ((out.days > 0 && out.micros > 0) || (out.days < 0 && out.micros < 0)) {
    const int32_t months = out.days / 30;
    out.days -= months * 30;
    if (__builtin_add_overflow(out.months, months, &out.months)) return IntervalOutOfRange(row);
  }
  const int64_t days = out.micros / kDay;
  out.micros -= days * kDay;
  out.days += static_cast<int32_t>(days);
  const int32_t months = out.days / 30;
  out.days -= months * 30;
  if (__builtin_add_overflow(out.months, months, &out.months)) return IntervalOutOfRange(row);
  if (out.months > 0 && (out.days < 0 || (out.days == 0 && out.micros < 0))) {
    out.days += 30;
    --out.months;
  } else if (out.months < 0 && (out.days > 0 || (out.days == 0 && out.micros > 0))) {
    out.days -= 30;
    ++out.months;
  }
  if (out.days > 0 && out.micros < 0) {
    out.micros += kDay;
    --out.days;
  } else if (out.days < 0 && out.micros > 0) {
    out.micros -= kDay;
    ++out.days;
  }
  return out;
}

// One field of a symbolic difference takes from the next when it is negative.
void Borrow(int64_t* field, int64_t size, int64_t* next) {
  while (*field < 0) {
    *field += size;
    --*next;
  }
}

int DaysInMonth(int64_t year, int month) {
  return static_cast<int>(DaysFromCivil(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
                          DaysFromCivil(year, month, 1));
}

// The difference in years, months and days as people count them.
Interval Age(Row& row, int64_t a, int64_t b) {
  if (IsInfinite(a) || IsInfinite(b)) {
    row.Fail("22008", "timestamp out of range");
    return {};
  }
  const bool negative = a < b;
  const Civil to = SplitTimestamp(negative ? b : a);
  const Civil from = SplitTimestamp(negative ? a : b);
  int64_t micros = to.micros - from.micros;
  int64_t days = to.day - from.day;
  int64_t months = to.month - from.month;
  int64_t years = to.year - from.year;
  Borrow(&micros, kDay, &days);
  // The month of the earlier time lends its days.
  Borrow(&days, DaysInMonth(from.year, from.month), &months);
  Borrow(&months, 12, &years);
  const auto sign = negative ? -1 : 1;
  return {static_cast<int32_t>((years * 12 + months) * sign), static_cast<int32_t>(days * sign),
          micros * sign};
}

// Since midnight of today, in UTC.
ColumnPtr AgeNow(KernelCall& call) {
  const int64_t today = FloorDiv(call.now(), kDay) * kDay;
  const Reader<int64_t> in(call.arg(0));
  Writer<Interval> out(call);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    out.Put(r, Age(row, today, in[r]));
  });
  return out.Finish(call);
}

}  // namespace

void AddDatetimeAge(FunctionTable& t) {
  using enum Arg;
  for (const Arg type : {kTimestamp, kTimestamptz}) {
    t.push_back({"age",
                 {type, type},
                 kInterval,
                 Rows<Age>,
                 "the time between in years, months and days, the first minus the second",
                 type == kTimestamp
                     ? "age(timestamp '2001-04-10', timestamp '1957-06-13') -> 43 years 9 mons 27 days"
                     : "age(timestamptz '2024-03-01 00:00+00', timestamptz '2024-02-28 12:00+00') -> 1 day "
                       "12:00:00"});
    t.push_back({"age",
                 {type},
                 kInterval,
                 AgeNow,
                 "the time until the beginning of today, in UTC",
                 type == kTimestamp ? "age(timestamp '2000-01-01') > interval '20 years' -> t"
                                    : "age(timestamptz '2000-01-01 00:00+00') > interval '20 years' -> t",
                 kVolatile});
  }
  t.push_back({"justify_hours",
               {kInterval},
               kInterval,
               Rows<JustifyHours>,
               "24 hours become a day",
               "justify_hours(interval '27 hours') -> 1 day 03:00:00"});
  t.push_back({"justify_days",
               {kInterval},
               kInterval,
               Rows<JustifyDays>,
               "30 days become a month",
               "justify_days(interval '35 days') -> 1 mon 5 days"});
  t.push_back({"justify_interval",
               {kInterval},
               kInterval,
               Rows<JustifyInterval>,
               "both, with one sign",
               "justify_interval(interval '1 mon -1 hour') -> 29 days 23:00:00"});
}

}  // namespace streamrun
