// Fields of dates, times and intervals (EXTRACT, date_part), date_trunc, the clock, and constructors.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "core/base/time.h"
#include "core/data/numeric.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/row_status.h"
#include "core/expr/functions/timezone.h"

namespace streamrun {

namespace {

enum class Unit : uint8_t {
  kNone,
  kMicroseconds,
  kMilliseconds,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
  kDecade,
  kCentury,
  kMillennium,
  kDow,
  kIsodow,
  kDoy,
  kIsoyear,
  kJulian,
  kEpoch,
  kTimezone,
  kTimezoneHour,
  kTimezoneMinute,
};

struct UnitName {
  std::string_view name;
  Unit unit;
};
// PostgreSQL's names and abbreviations (utils/adt/datetime.c lists the same words).
constexpr UnitName kUnits[] = {{"microseconds", Unit::kMicroseconds},
                               {"microsecond", Unit::kMicroseconds},
                               {"us", Unit::kMicroseconds},
                               {"usec", Unit::kMicroseconds},
                               {"usecs", Unit::kMicroseconds},
                               {"milliseconds", Unit::kMilliseconds},
                               {"millisecond", Unit::kMilliseconds},
                               {"ms", Unit::kMilliseconds},
                               {"msec", Unit::kMilliseconds},
                               {"msecs", Unit::kMilliseconds},
                               {"second", Unit::kSecond},
                               {"seconds", Unit::kSecond},
                               {"sec", Unit::kSecond},
                               {"secs", Unit::kSecond},
                               {"s", Unit::kSecond},
                               {"minute", Unit::kMinute},
                               {"minutes", Unit::kMinute},
                               {"min", Unit::kMinute},
                               {"mins", Unit::kMinute},
                               {"m", Unit::kMinute},
                               {"hour", Unit::kHour},
                               {"hours", Unit::kHour},
                               {"h", Unit::kHour},
                               {"hr", Unit::kHour},
                               {"hrs", Unit::kHour},
                               {"day", Unit::kDay},
                               {"days", Unit::kDay},
                               {"d", Unit::kDay},
                               {"week", Unit::kWeek},
                               {"weeks", Unit::kWeek},
                               {"w", Unit::kWeek},
                               {"month", Unit::kMonth},
                               {"months", Unit::kMonth},
                               {"mon", Unit::kMonth},
                               {"mons", Unit::kMonth},
                               {"quarter", Unit::kQuarter},
                               {"qtr", Unit::kQuarter},
                               {"year", Unit::kYear},
                               {"years", Unit::kYear},
                               {"y", Unit::kYear},
                               {"yr", Unit::kYear},
                               {"yrs", Unit::kYear},
                               {"decade", Unit::kDecade},
                               {"decades", Unit::kDecade},
                               {"dec", Unit::kDecade},
                               {"century", Unit::kCentury},
                               {"centuries", Unit::kCentury},
                               {"c", Unit::kCentury},
                               {"cent", Unit::kCentury},
                               {"millennium", Unit::kMillennium},
                               {"millennia", Unit::kMillennium},
                               {"mil", Unit::kMillennium},
                               {"mils", Unit::kMillennium},
                               {"dow", Unit::kDow},
                               {"isodow", Unit::kIsodow},
                               {"doy", Unit::kDoy},
                               {"isoyear", Unit::kIsoyear},
                               {"julian", Unit::kJulian},
                               {"epoch", Unit::kEpoch},
                               {"timezone", Unit::kTimezone},
                               {"timezone_hour", Unit::kTimezoneHour},
                               {"timezone_minute", Unit::kTimezoneMinute}};

Unit UnitOf(std::string_view text) {
  std::string word(text);
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  for (const UnitName& u : kUnits) {
    if (u.name == word) return u.unit;
  }
  return Unit::kNone;
}

Result<std::shared_ptr<const void>> PrepareUnit(std::span<const ColumnPtr> constants) {
  if (!constants[0] || constants[0]->IsNull(0)) return std::shared_ptr<const void>();
  return std::shared_ptr<const void>(std::make_shared<Unit>(UnitOf(constants[0]->Text(0))));
}

Unit UnitFor(const Row& row, std::string_view text) {
  const Unit* prepared = row.prepared<Unit>();
  return prepared ? *prepared : UnitOf(text);
}

void RefuseUnit(Row& row, std::string_view text, Unit unit, std::string_view type) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  row.Fail(unit == Unit::kNone ? "22023" : "0A000",
           "unit \"" + lower +
               (unit == Unit::kNone ? "\" not recognized for type " : "\" not supported for type ") +
               std::string(type));
}

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct Civil {
  int64_t days;    // since 1970-01-01
  int64_t micros;  // of the day
  int64_t year;    // astronomical: 0 is 1 BC
  int month;
  int day;
};
Civil Split(int64_t t) {
  Civil c;
  c.days = FloorDiv(t, kDay);
  c.micros = t - c.days * kDay;
  CivilFromDays(c.days, &c.year, &c.month, &c.day);
  return c;
}

// 0 = Sunday.
int DayOfWeek(int64_t days) { return static_cast<int>(((days + 4) % 7 + 7) % 7); }

// ISO 8601 week: week 1 has the year's first Thursday.
void IsoWeek(int64_t days, int64_t* year, int* week) {
  const int64_t thursday = days - (DayOfWeek(days) + 6) % 7 + 3;
  int month;
  int day;
  CivilFromDays(thursday, year, &month, &day);
  *week = static_cast<int>((thursday - DaysFromCivil(*year, 1, 1)) / 7) + 1;
}

// Years are shown without a year 0; centuries and the rest count from 1.
int64_t ShownYear(int64_t year) { return year > 0 ? year : year - 1; }
int64_t Periods(int64_t year, int64_t length) {
  return year > 0 ? (year + length - 1) / length : -((length - 1 - (year - 1)) / length);
}
int64_t Decade(int64_t year) { return year >= 0 ? year / 10 : -((8 - (year - 1)) / 10); }

// A field as coefficient and decimal scale.
struct FieldValue {
  Int128 coefficient = 0;
  int scale = 0;
  bool supported = true;
};
FieldValue Whole(int64_t v) { return {v, 0, true}; }

FieldValue TimeField(Unit unit, int64_t micros) {
  switch (unit) {
    case Unit::kMicroseconds:
      return Whole(micros % kMinute);
    case Unit::kMilliseconds:
      return {micros % kMinute, 3, true};
    case Unit::kSecond:
      return {micros % kMinute, 6, true};
    case Unit::kMinute:
      return Whole(micros / kMinute % 60);
    case Unit::kHour:
      return Whole(micros / kHour);
    default:
      return {0, 0, false};
  }
}

FieldValue DateField(Unit unit, const Civil& c) {
  int64_t iso_year = 0;
  int week = 0;
  switch (unit) {
    case Unit::kDay:
      return Whole(c.day);
    case Unit::kMonth:
      return Whole(c.month);
    case Unit::kQuarter:
      return Whole((c.month - 1) / 3 + 1);
    case Unit::kYear:
      return Whole(ShownYear(c.year));
    case Unit::kDecade:
      return Whole(Decade(c.year));
    case Unit::kCentury:
      return Whole(Periods(c.year, 100));
    case Unit::kMillennium:
      return Whole(Periods(c.year, 1000));
    case Unit::kWeek:
      IsoWeek(c.days, &iso_year, &week);
      return Whole(week);
    case Unit::kIsoyear:
      IsoWeek(c.days, &iso_year, &week);
      return Whole(ShownYear(iso_year));
    case Unit::kDow:
      return Whole(DayOfWeek(c.days));
    case Unit::kIsodow:
      return Whole(DayOfWeek(c.days) == 0 ? 7 : DayOfWeek(c.days));
    case Unit::kDoy:
      return Whole(c.days - DaysFromCivil(c.year, 1, 1) + 1);
    default:
      return {0, 0, false};
  }
}

constexpr int64_t kJulianEpoch = 2440588;  // Julian day of 1970-01-01

FieldValue TimestampField(Unit unit, int64_t t, bool zoned) {
  if (unit == Unit::kEpoch) return {t, 6, true};
  if (zoned && unit >= Unit::kTimezone) return Whole(0);  // the session's zone is UTC
  const Civil c = Split(t);
  if (unit == Unit::kJulian) {
    // Days and the fraction of the day, which divides evenly in decimal only sometimes.
    const auto result = NumericDivide(NumericFromInt64(c.micros), NumericFromInt64(kDay));
    const auto sum = NumericAdd(NumericFromInt64(c.days + kJulianEpoch), *result);
    return {sum->coefficient(), sum->scale, true};
  }
  const FieldValue time = TimeField(unit, c.micros);
  return time.supported ? time : DateField(unit, c);
}

FieldValue DayField(Unit unit, int32_t days) {
  if (unit == Unit::kEpoch) return Whole(days * 86'400LL);
  if (unit == Unit::kJulian) return Whole(days + kJulianEpoch);
  return DateField(unit, Split(days * kDay));
}

FieldValue IntervalField(Unit unit, const Interval& v) {
  switch (unit) {
    case Unit::kEpoch: {
      // A year counts 365.25 days, a month 30 (manual 9.9.1).
      const Int128 days = static_cast<Int128>(v.months / 12) * 1461 * 6 * kHour +
                          (static_cast<Int128>(v.months % 12) * 30 + v.days) * kDay;
      return {days + v.micros, 6, true};
    }
    case Unit::kDay:
      return Whole(v.days);
    case Unit::kMonth:
      return Whole(v.months % 12);
    case Unit::kQuarter:
      return Whole(v.months % 12 / 3 + 1);
    case Unit::kYear:
      return Whole(v.months / 12);
    case Unit::kDecade:
      return Whole(v.months / 120);
    case Unit::kCentury:
      return Whole(v.months / 1200);
    case Unit::kMillennium:
      return Whole(v.months / 12000);
    default:
      return TimeField(unit, v.micros);
  }
}

// Fields that grow with time are infinite for infinite times, the others unknown.
bool Grows(Unit unit) {
  return unit == Unit::kYear || unit == Unit::kDecade || unit == Unit::kCentury ||
         unit == Unit::kMillennium || unit == Unit::kIsoyear || unit == Unit::kJulian || unit == Unit::kEpoch;
}

template <typename R>
R Convert(const FieldValue& f) {
  const Numeric value = Numeric::Of(f.coefficient, f.scale);
  if constexpr (std::is_same_v<R, Numeric>) {
    return value;
  } else {
    return NumericToDouble(value);
  }
}
template <typename R>
R Infinite(Row& row, Unit unit, bool negative) {
  if (!Grows(unit)) row.Null();
  if constexpr (std::is_same_v<R, Numeric>) {
    return NumericInfinity(negative);
  } else {
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
}

template <typename R, bool kZoned>
R ExtractTimestamp(Row& row, std::string_view name, int64_t t) {
  const Unit unit = UnitFor(row, name);
  const bool infinite = t == kMaxTimestamp || t == kMinTimestamp;
  const FieldValue f = TimestampField(unit, infinite ? 0 : t, kZoned);
  if (!f.supported || unit == Unit::kNone) {
    RefuseUnit(row, name, unit, kZoned ? "timestamp with time zone" : "timestamp without time zone");
    return R{};
  }
  return infinite ? Infinite<R>(row, unit, t < 0) : Convert<R>(f);
}

template <typename R>
R ExtractDate(Row& row, std::string_view name, int32_t days) {
  const Unit unit = UnitFor(row, name);
  const bool infinite =
      days == std::numeric_limits<int32_t>::max() || days == std::numeric_limits<int32_t>::min();
  const FieldValue f = DayField(unit, infinite ? 0 : days);
  if (!f.supported || unit == Unit::kNone) {
    RefuseUnit(row, name, unit, "date");
    return R{};
  }
  return infinite ? Infinite<R>(row, unit, days < 0) : Convert<R>(f);
}

template <typename R>
R ExtractInterval(Row& row, std::string_view name, const Interval& v) {
  const Unit unit = UnitFor(row, name);
  const FieldValue f = IntervalField(unit, v);
  if (!f.supported || unit == Unit::kNone) {
    RefuseUnit(row, name, unit, "interval");
    return R{};
  }
  return Convert<R>(f);
}

// --- date_trunc
// ---------------------------------------------------------------------------------------------------

int64_t TruncYears(int64_t year, int64_t length, int64_t first) {
  // First year of the period: decades begin at 10 n, centuries at 100 n + 1.
  return FloorDiv(year - first, length) * length + first;
}

// Start of the unit that holds `t`; false for units that cannot be cut to.
bool Truncate(Unit unit, int64_t t, int64_t* out) {
  static constexpr std::array<int64_t, 7> kFixed = {0, 1, kMillisecond, kSecond, kMinute, kHour, kDay};
  if (unit >= Unit::kMicroseconds && unit <= Unit::kDay) {
    const int64_t length = kFixed[static_cast<size_t>(unit)];
    *out = FloorDiv(t, length) * length;
    return true;
  }
  if (unit == Unit::kWeek) {
    const int64_t days = FloorDiv(t, kDay);
    *out = (days - (DayOfWeek(days) + 6) % 7) * kDay;
    return true;
  }
  const Civil c = Split(t);
  int64_t year = c.year;
  int month = 1;
  switch (unit) {
    case Unit::kMonth:
      month = c.month;
      break;
    case Unit::kQuarter:
      month = (c.month - 1) / 3 * 3 + 1;
      break;
    case Unit::kYear:
      break;
    case Unit::kDecade:
      year = TruncYears(year, 10, 0);
      break;
    case Unit::kCentury:
      year = TruncYears(year, 100, 1);
      break;
    case Unit::kMillennium:
      year = TruncYears(year, 1000, 1);
      break;
    default:
      return false;
  }
  *out = DaysFromCivil(year, month, 1) * kDay;
  return true;
}

template <bool kZoned>
int64_t TruncTimestamp(Row& row, std::string_view name, int64_t t) {
  const Unit unit = UnitFor(row, name);
  const bool infinite = t == kMaxTimestamp || t == kMinTimestamp;
  int64_t out = 0;
  if (!Truncate(unit, infinite ? 0 : t, &out)) {
    RefuseUnit(row, name, unit, kZoned ? "timestamp with time zone" : "timestamp without time zone");
  }
  return infinite ? t : out;
}

int64_t TruncInZone(Row& row, std::string_view name, int64_t t, std::string_view zone) {
  const Unit unit = UnitFor(row, name);
  const Zone* z = ZoneFor(row, zone);
  if (row.dropped() || t == kMaxTimestamp || t == kMinTimestamp) return t;
  int64_t out = 0;
  if (!Truncate(unit, z->ToLocal(t), &out)) RefuseUnit(row, name, unit, "timestamp with time zone");
  return z->ToUtc(out);
}

Interval TruncInterval(Row& row, std::string_view name, const Interval& v) {
  const Unit unit = UnitFor(row, name);
  Interval out = v;
  static constexpr std::array<int64_t, 6> kFixed = {1, 1, kMillisecond, kSecond, kMinute, kHour};
  if (unit >= Unit::kMicroseconds && unit <= Unit::kHour) {
    const int64_t length = kFixed[static_cast<size_t>(unit)];
    out.micros = v.micros / length * length;
    return out;
  }
  out.micros = 0;
  if (unit == Unit::kDay) return out;
  out.days = 0;
  switch (unit) {
    case Unit::kMonth:
      return out;
    case Unit::kQuarter:
      out.months = v.months / 3 * 3;
      return out;
    case Unit::kYear:
      out.months = v.months / 12 * 12;
      return out;
    case Unit::kDecade:
      out.months = v.months / 120 * 120;
      return out;
    case Unit::kCentury:
      out.months = v.months / 1200 * 1200;
      return out;
    case Unit::kMillennium:
      out.months = v.months / 12000 * 12000;
      return out;
    default:
      RefuseUnit(row, name, unit, "interval");
      return out;
  }
}

// date_bin: steps of a fixed length from an origin.
int64_t Bin(Row& row, const Interval& stride, int64_t t, int64_t origin) {
  if (stride.months != 0) {
    row.Fail("0A000", "timestamps cannot be binned into intervals containing months or years");
    return 0;
  }
  int64_t step;
  if (__builtin_add_overflow(stride.days * kDay, stride.micros, &step)) step = 0;
  if (step <= 0) {
    row.Fail("22008", "stride must be greater than zero");
    return 0;
  }
  if (t == kMaxTimestamp || t == kMinTimestamp) return t;
  int64_t distance;
  if (__builtin_sub_overflow(t, origin, &distance)) {
    row.Fail("22008", "timestamp out of range");
    return 0;
  }
  return origin + FloorDiv(distance, step) * step;
}

// --- The clock and constructors
// -------------------------------------------------------------------------------------

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

void AddFields(FunctionTable& t) {
  using enum Arg;
  const auto both = [&](Arg type, Kernel as_numeric, Kernel as_double, std::string_view extract,
                        std::string_view part) {
    t.push_back({"extract",
                 {kText, type},
                 kNumeric,
                 as_numeric,
                 "a field of a date, time or interval",
                 extract,
                 kPartial,
                 PrepareUnit});
    t.push_back({"date_part",
                 {kText, type},
                 kDouble,
                 as_double,
                 "a field of a date, time or interval",
                 part,
                 kPartial,
                 PrepareUnit});
  };
  both(kTimestamp, Rows<ExtractTimestamp<Numeric, false>>, Rows<ExtractTimestamp<double, false>>,
       "extract(hour from timestamp '2024-05-06 07:08:09') -> 7",
       "date_part('day', timestamp '2024-05-06 07:08:09') -> 6");
  both(kTimestamptz, Rows<ExtractTimestamp<Numeric, true>>, Rows<ExtractTimestamp<double, true>>,
       "extract(epoch from timestamptz '1970-01-01 00:00:01.5+00') -> 1.500000", "");
  both(kDate, Rows<ExtractDate<Numeric>>, Rows<ExtractDate<double>>,
       "extract(isodow from date '2024-05-06') -> 1", "");
  both(kInterval, Rows<ExtractInterval<Numeric>>, Rows<ExtractInterval<double>>,
       "extract(minute from interval '1 hour 30 minutes') -> 30", "");
}

}  // namespace

void AddDatetime(FunctionTable& t) {
  using enum Arg;
  AddFields(t);
  t.push_back({"date_trunc",
               {kText, kTimestamp},
               kTimestamp,
               Rows<TruncTimestamp<false>>,
               "the start of the unit that holds the time",
               "date_trunc('hour', timestamp '2024-05-06 07:08:09') -> 2024-05-06 07:00:00",
               kPartial,
               PrepareUnit});
  t.push_back({"date_trunc",
               {kText, kTimestamptz},
               kTimestamptz,
               Rows<TruncTimestamp<true>>,
               "the start of the unit, in UTC",
               "",
               kPartial,
               PrepareUnit});
  t.push_back(
      {"date_trunc",
       {kText, kTimestamptz, kText},
       kTimestamptz,
       Rows<TruncInZone>,
       "the start of the unit in a time zone",
       "date_trunc('day', timestamptz '2024-05-06 23:00:00+00', 'Europe/Berlin') -> 2024-05-06 22:00:00+00"});
  t.push_back({"date_trunc",
               {kText, kInterval},
               kInterval,
               Rows<TruncInterval>,
               "the interval without smaller units",
               "date_trunc('hour', interval '2 days 03:40:00') -> 2 days 03:00:00",
               kPartial,
               PrepareUnit});
  t.push_back({"date_bin",
               {kInterval, kTimestamp, kTimestamp},
               kTimestamp,
               Rows<Bin>,
               "the start of the step that holds the time",
               "date_bin('15 minutes', timestamp '2024-02-11 15:44:17', timestamp '2001-01-01') -> "
               "2024-02-11 15:30:00"});
  t.push_back({"date_bin",
               {kInterval, kTimestamptz, kTimestamptz},
               kTimestamptz,
               Rows<Bin>,
               "the start of the step that holds the time",
               ""});
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
