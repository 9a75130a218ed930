// The clock, and times from their parts.
#include <cmath>
#include <limits>
#include <string>

#include "core/base/time.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_unit.h"

namespace streamrun {

namespace {

ColumnPtr Now(KernelCall& call) {
  const int64_t now = call.env()->WallNow();
  Writer<int64_t> out(call);
  for (int64_t row = 0; row < call.rows(); ++row) out.Put(row, now);
  return out.Finish(call);
}
ColumnPtr Today(KernelCall& call) {
  const auto today = static_cast<int32_t>(FloorDiv(call.env()->WallNow(), kDay));
  Writer<int32_t> out(call);
  for (int64_t row = 0; row < call.rows(); ++row) out.Put(row, today);
  return out.Finish(call);
}

int64_t ToTimestamp(Row& row, double seconds) {
  if (std::isnan(seconds)) {
    row.Fail("22008", "timestamp cannot be NaN");
    return 0;
  }
  if (std::isinf(seconds)) return seconds > 0 ? kMaxTimestamp : kMinTimestamp;
  const double micros = std::nearbyint(seconds * 1e6);
  if (std::fabs(micros) >= 9.2e18) {
    std::string text;
    PrintDouble(seconds, text);
    row.Fail("22008", "timestamp out of range: \"" + text + "\"");
    return 0;
  }
  return static_cast<int64_t>(micros);
}

int DaysInMonth(int64_t year, int month) {
  return static_cast<int>(DaysFromCivil(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
                          DaysFromCivil(year, month, 1));
}
// Negative years are BC; false when the day does not exist.
bool MakeDays(int32_t year, int32_t month, int32_t day, int64_t* days) {
  if (year == 0 || month < 1 || month > 12 || day < 1) return false;
  const int64_t y = year > 0 ? year : static_cast<int64_t>(year) + 1;
  if (y < -4713 || y > 294'000 || day > DaysInMonth(y, month)) return false;
  *days = DaysFromCivil(y, month, day);
  return true;
}
std::string Padded(int32_t v) { return (v >= 0 && v < 10 ? "0" : "") + std::to_string(v); }

int32_t MakeDate(Row& row, int32_t year, int32_t month, int32_t day) {
  int64_t days = 0;
  if (!MakeDays(year, month, day, &days)) {
    row.Fail("22008", "date field value out of range: " + std::to_string(year) + "-" + Padded(month) + "-" +
                          Padded(day));
  }
  return static_cast<int32_t>(days);
}
int64_t MakeTimestamp(Row& row, int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
                      double second) {
  int64_t days = 0;
  if (!MakeDays(year, month, day, &days)) {
    row.Fail("22008", "date field value out of range: " + std::to_string(year) + "-" + Padded(month) + "-" +
                          Padded(day));
    return 0;
  }
  const bool valid = hour >= 0 && hour <= 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60;
  const int64_t micros =
      hour * kHour + minute * kMinute + (valid ? static_cast<int64_t>(std::nearbyint(second * 1e6)) : 0);
  if (!valid || micros > kDay) {
    std::string text;
    PrintDouble(second, text);
    row.Fail("22008",
             "time field value out of range: " + std::to_string(hour) + ":" + Padded(minute) + ":" + text);
    return 0;
  }
  return days * kDay + micros;
}
bool IsFiniteTimestamp(int64_t t) { return t != kMaxTimestamp && t != kMinTimestamp; }
bool IsFiniteDate(int32_t d) {
  return d != std::numeric_limits<int32_t>::max() && d != std::numeric_limits<int32_t>::min();
}
bool IsFiniteInterval(const Interval&) { return true; }

}  // namespace

void AddDatetimeMake(FunctionTable& t) {
  using enum Arg;
  for (const std::string_view name :
       {"now", "clock_timestamp", "transaction_timestamp", "statement_timestamp"}) {
    t.push_back(
        {name, {}, kTimestamptz, Now, "the time at which the batch is evaluated", "", kTotal | kVolatile});
  }
  t.push_back({"localtimestamp",
               {},
               kTimestamp,
               Now,
               "the time at which the batch is evaluated",
               "",
               kTotal | kVolatile});
  t.push_back({"current_date",
               {},
               kDate,
               Today,
               "the date at which the batch is evaluated, in UTC",
               "",
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
  t.push_back({"isfinite",
               {kTimestamp},
               kBoolean,
               Rows<IsFiniteTimestamp>,
               "is not infinity",
               "isfinite(timestamp 'infinity') -> f",
               kTotal});
  t.push_back({"isfinite", {kTimestamptz}, kBoolean, Rows<IsFiniteTimestamp>, "is not infinity", "", kTotal});
  t.push_back({"isfinite",
               {kDate},
               kBoolean,
               Rows<IsFiniteDate>,
               "is not infinity",
               "isfinite(date '2024-01-01') -> t",
               kTotal});
  t.push_back({"isfinite", {kInterval}, kBoolean, Rows<IsFiniteInterval>, "is not infinity", "", kTotal});
}

}  // namespace streamrun
