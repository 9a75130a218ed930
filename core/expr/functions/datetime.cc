// Fields of dates, times and intervals: EXTRACT and date_part (PostgreSQL manual 9.9.1).
#include <limits>
#include <string>

#include "core/base/time.h"
#include "core/data/numeric.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_calendar.h"
#include "core/expr/functions/datetime_unit.h"

namespace streamrun {

namespace {

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
      return Whole(IsoWeekOf(c.year, c.month, c.day).week);
    case Unit::kIsoyear:
      return Whole(ShownYear(IsoWeekOf(c.year, c.month, c.day).year));
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

FieldValue TimestampField(Unit unit, int64_t t, bool zoned) {
  if (unit == Unit::kEpoch) return {t, 6, true};
  if (zoned && unit >= Unit::kTimezone && unit <= Unit::kTimezoneMinute)
    return Whole(0);  // the session's zone is UTC
  const Civil c = SplitTimestamp(t);
  if (unit == Unit::kJulian) {
    // Days and the fraction of the day, which divides evenly in decimal only sometimes.
    const auto result = NumericDivide(NumericFromInt64(c.micros), NumericFromInt64(kDay));
    const auto sum = NumericAdd(NumericFromInt64(c.days + kJulianOfEpoch), *result);
    return {sum->coefficient(), sum->scale, true};
  }
  const FieldValue time = TimeField(unit, c.micros);
  return time.supported ? time : DateField(unit, c);
}

FieldValue DayField(Unit unit, int32_t days) {
  if (unit == Unit::kEpoch) return Whole(days * 86'400LL);
  if (unit == Unit::kJulian) return Whole(days + kJulianOfEpoch);
  return DateField(unit, SplitDays(days));
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

// Whole seconds and their fraction, added up in double precision as date_part does: 6 + 0.788999 is
// not 6.788999.
double InDouble(int64_t micros) {
  return static_cast<double>(micros / kSecond) + static_cast<double>(micros % kSecond) / 1e6;
}

template <typename R>
R Convert(Unit unit, const FieldValue& f) {
  if constexpr (std::is_same_v<R, double>) {
    const auto micros = static_cast<int64_t>(f.coefficient);
    if (unit == Unit::kSecond) return InDouble(micros);
    if (unit == Unit::kMilliseconds) {
      return static_cast<double>(micros / kSecond) * 1000 + static_cast<double>(micros % kSecond) / 1000;
    }
  }
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
  const Unit unit = UnitFor(row, name, UnitSet::kFields);
  const bool infinite = IsInfinite(t);
  if (infinite && unit != Unit::kNone && unit != Unit::kWord) return Infinite<R>(row, unit, t < 0);
  const FieldValue f = TimestampField(unit, infinite ? 0 : t, kZoned);
  if (!f.supported || unit == Unit::kNone) {
    RefuseUnit(row, name, unit, kZoned ? "timestamp with time zone" : "timestamp without time zone");
    return R{};
  }
  return Convert<R>(unit, f);
}

// A column of times and one field: whole(t) over 10^scale; infinite times go the way of single rows.
template <typename R, bool kZoned, int kScale, typename F>
ColumnPtr ExtractColumn(KernelCall& call, F whole) {
  const Reader<std::string_view> names(call.arg(0));
  const int64_t* in = call.arg(1).column->values<int64_t>();
  BufferBuilder values;
  values.Resize(static_cast<size_t>(call.rows()) * sizeof(R));
  auto* out = values.as<R>();
  bool infinite = false;
  for (int64_t r = 0; r < call.rows(); ++r) {
    const int64_t v = whole(in[r]);
    if constexpr (std::is_same_v<R, Numeric>) {
      out[r] = Numeric{static_cast<uint64_t>(v), v >> 63, kScale, Numeric::kFinite};
    } else {
      out[r] = kScale == 0 ? static_cast<double>(v) : InDouble(v);
    }
    infinite |= IsInfinite(in[r]);
  }
  Row row(call);
  for (int64_t r = 0; infinite && r < call.rows(); ++r) {
    if (!IsInfinite(in[r]) || !call.is_live(r)) continue;
    row.MoveTo(r);
    out[r] = ExtractTimestamp<R, kZoned>(row, names[r], in[r]);
  }
  return call.Finish(values.Finish());
}

template <typename R, bool kZoned>
ColumnPtr Extract(KernelCall& call) {
  const Unit* unit = call.prepared<Unit>();
  const bool column = unit != nullptr && !call.arg(1).constant;
  switch (column ? *unit : Unit::kNone) {
    case Unit::kSecond:
      return ExtractColumn<R, kZoned, 6>(call, [](int64_t t) { return Behind<kMinute>(t); });
    case Unit::kMinute:
      return ExtractColumn<R, kZoned, 0>(call, [](int64_t t) { return Behind<kHour>(t) / kMinute; });
    case Unit::kHour:
      return ExtractColumn<R, kZoned, 0>(call, [](int64_t t) { return Behind<kDay>(t) / kHour; });
    case Unit::kDay:
      return ExtractColumn<R, kZoned, 0>(call, [](int64_t t) { return CalendarOf(DayOf(t)).day; });
    case Unit::kMonth:
      return ExtractColumn<R, kZoned, 0>(call, [](int64_t t) { return CalendarOf(DayOf(t)).month; });
    case Unit::kQuarter:
      return ExtractColumn<R, kZoned, 0>(call,
                                         [](int64_t t) { return (CalendarOf(DayOf(t)).month - 1) / 3 + 1; });
    case Unit::kYear:
      return ExtractColumn<R, kZoned, 0>(call,
                                         [](int64_t t) { return ShownYear(CalendarOf(DayOf(t)).year); });
    case Unit::kDow:
      return ExtractColumn<R, kZoned, 0>(call, [](int64_t t) { return DayOfWeek(DayOf(t)); });
    case Unit::kDoy:
      return ExtractColumn<R, kZoned, 0>(call,
                                         [](int64_t t) { return CalendarOf(DayOf(t)).day_of_year + 1; });
    case Unit::kEpoch:
      // In double precision only up to 2^53 microseconds, behind which the division would round twice.
      if constexpr (std::is_same_v<R, Numeric>) {
        return ExtractColumn<R, kZoned, 6>(call, [](int64_t t) { return t; });
      }
      [[fallthrough]];
    default:
      return Rows<ExtractTimestamp<R, kZoned>>(call);
  }
}

Numeric ExtractDate(Row& row, std::string_view name, int32_t days) {
  const Unit unit = UnitFor(row, name, UnitSet::kFields);
  const FieldValue f = DayField(unit, IsInfinite(days) ? 0 : days);
  if (!f.supported || unit == Unit::kNone) {
    RefuseUnit(row, name, unit, "date");
    return Numeric{};
  }
  return IsInfinite(days) ? Infinite<Numeric>(row, unit, days < 0) : Convert<Numeric>(unit, f);
}

// date_part of a date is that of its midnight: it has hours, unlike EXTRACT.
double DatePart(Row& row, std::string_view name, int32_t days) {
  int64_t t = days < 0 ? kMinTimestamp : kMaxTimestamp;
  if (!IsInfinite(days) && __builtin_mul_overflow(int64_t{days}, kDay, &t)) {
    row.Fail("22008", "date out of range for timestamp");
    return 0;
  }
  return ExtractTimestamp<double, false>(row, name, t);
}

// date_part adds the parts up in double precision, and so rounds where extract does not.
double EpochOfInterval(const Interval& v) {
  double seconds = static_cast<double>(v.micros) / 1e6;
  seconds += 365.25 * 86'400 * (v.months / 12);
  seconds += 30.0 * 86'400 * (v.months % 12);
  return seconds + 86'400.0 * v.days;
}

template <typename R>
R ExtractInterval(Row& row, std::string_view name, const Interval& v) {
  const Unit unit = UnitFor(row, name, UnitSet::kFields);
  if constexpr (std::is_same_v<R, double>) {
    if (unit == Unit::kEpoch) return EpochOfInterval(v);
  }
  const FieldValue f = IntervalField(unit, v);
  if (!f.supported || unit == Unit::kNone) {
    RefuseUnit(row, name, unit == Unit::kWord ? Unit::kNone : unit, "interval");
    return R{};
  }
  return Convert<R>(unit, f);
}

}  // namespace

void AddDatetime(FunctionTable& t) {
  using enum Arg;
  const auto both = [&](Arg type, Kernel as_numeric, Kernel as_double, Check check_extract, Check check_part,
                        std::string_view extract, std::string_view part) {
    t.push_back({"extract",
                 {kText, type},
                 kNumeric,
                 as_numeric,
                 "a field of a date, time or interval",
                 extract,
                 kPartial,
                 PrepareField,
                 check_extract});
    t.push_back({"date_part",
                 {kText, type},
                 kDouble,
                 as_double,
                 "a field of a date, time or interval",
                 part,
                 kPartial,
                 PrepareField,
                 check_part});
  };
  both(kTimestamp, Extract<Numeric, false>, Extract<double, false>, CheckUnitOf<UnitSet::kFields, kTimestamp>,
       CheckUnitOf<UnitSet::kFields, kTimestamp>, "extract(hour from timestamp '2024-05-06 07:08:09') -> 7",
       "date_part('day', timestamp '2024-05-06 07:08:09') -> 6");
  both(kTimestamptz, Extract<Numeric, true>, Extract<double, true>,
       CheckUnitOf<UnitSet::kFields, kTimestamptz>, CheckUnitOf<UnitSet::kFields, kTimestamptz>,
       "extract(epoch from timestamptz '1970-01-01 00:00:01.5+00') -> 1.500000",
       "date_part('hour', timestamptz '2024-05-06 07:08:09+00') -> 7");
  both(kDate, Rows<ExtractDate>, Rows<DatePart>, CheckUnitOf<UnitSet::kFields, kDate>,
       CheckUnitOf<UnitSet::kFields, kTimestamp>, "extract(isodow from date '2024-05-06') -> 1",
       "date_part('doy', date '2024-05-06') -> 127");
  both(kInterval, Rows<ExtractInterval<Numeric>>, Rows<ExtractInterval<double>>,
       CheckUnitOf<UnitSet::kFields, kInterval>, CheckUnitOf<UnitSet::kFields, kInterval>,
       "extract(minute from interval '1 hour 30 minutes') -> 30",
       "date_part('month', interval '2 years 3 months') -> 3");
}

}  // namespace streamrun
