// date_trunc and date_bin: the start of the unit or step that holds a time.
#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "core/base/time.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_calendar.h"
#include "core/expr/functions/datetime_unit.h"
#include "core/expr/functions/timezone.h"

namespace streamrun {

namespace {

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
  const Civil c = SplitTimestamp(t);
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

int64_t Checked(Row& row, int64_t t) {
  if (!IsTimestamp(t)) row.Fail("22008", "timestamp out of range");
  return t;
}

template <bool kZoned>
int64_t TruncTimestamp(Row& row, std::string_view name, int64_t t) {
  if (IsInfinite(t)) return t;
  const Unit unit = UnitFor(row, name, UnitSet::kSteps);
  int64_t out = 0;
  if (!Truncate(unit, t, &out)) {
    RefuseUnit(row, name, unit, kZoned ? "timestamp with time zone" : "timestamp without time zone");
    return 0;
  }
  return Checked(row, out);
}

// A column of times and one unit: start(t) is right for finite times and harmless for others. A row fails
// where the unit begins before the first time.
template <typename F>
ColumnPtr TruncColumn(KernelCall& call, F start) {
  constexpr int64_t kBlock = 1024;
  const int64_t* in = call.arg(1).column->values<int64_t>();
  BufferBuilder values;
  values.Resize(static_cast<size_t>(call.rows()) * sizeof(int64_t));
  auto* out = values.as<int64_t>();
  for (int64_t begin = 0; begin < call.rows(); begin += kBlock) {
    const int64_t end = std::min(call.rows(), begin + kBlock);
    bool early = false;
    for (int64_t row = begin; row < end; ++row) {
      const int64_t t = in[row];
      out[row] = IsInfinite(t) ? t : start(t);
      early |= out[row] < kFirstTimestamp;
    }
    for (int64_t row = begin; early && row < end; ++row) {
      if (out[row] >= kFirstTimestamp || IsInfinite(in[row]) || !call.is_live(row)) continue;
      call.Fail(row, "22008", "timestamp out of range");
    }
  }
  return call.Finish(values.Finish());
}

// t - behind, without overflow where t is no time but what stands under a null.
int64_t Back(int64_t t, int64_t behind) {
  return static_cast<int64_t>(static_cast<uint64_t>(t) - static_cast<uint64_t>(behind));
}
template <int64_t kLength>
ColumnPtr TruncSteps(KernelCall& call) {
  return TruncColumn(call, [](int64_t t) { return Back(t, Behind<kLength>(t)); });
}

ColumnPtr TruncWeeks(KernelCall& call) {
  return TruncColumn(call, [](int64_t t) {
    const int64_t behind = Behind<7 * kDay>(t) + 3 * kDay;  // 1970-01-01 was a Thursday
    return Back(t, behind >= 7 * kDay ? behind - 7 * kDay : behind);
  });
}

template <bool kYear>
ColumnPtr TruncCalendar(KernelCall& call) {
  return TruncColumn(call, [](int64_t t) {
    const CalendarDay c = CalendarOf(DayOf(t));
    return Back(t, Behind<kDay>(t) + (kYear ? c.day_of_year : c.day - 1) * kDay);
  });
}

template <bool kZoned>
ColumnPtr Trunc(KernelCall& call) {
  const Unit* unit = call.prepared<Unit>();
  if (unit == nullptr || call.arg(1).constant) return Rows<TruncTimestamp<kZoned>>(call);
  switch (*unit) {
    case Unit::kMilliseconds:
      return TruncSteps<kMillisecond>(call);
    case Unit::kSecond:
      return TruncSteps<kSecond>(call);
    case Unit::kMinute:
      return TruncSteps<kMinute>(call);
    case Unit::kHour:
      return TruncSteps<kHour>(call);
    case Unit::kDay:
      return TruncSteps<kDay>(call);
    case Unit::kWeek:
      return TruncWeeks(call);
    case Unit::kMonth:
      return TruncCalendar<false>(call);
    case Unit::kYear:
      return TruncCalendar<true>(call);
    default:
      return Rows<TruncTimestamp<kZoned>>(call);
  }
}

int64_t TruncInZone(Row& row, std::string_view name, int64_t t, std::string_view zone) {
  if (IsInfinite(t)) return t;
  const Zone* z = ZoneFor(row, zone);
  if (z == nullptr) return t;
  const Unit unit = UnitFor(row, name, UnitSet::kSteps);
  const int64_t local = z->ToLocal(t, Zone::Meaning::kPlace);
  int64_t out = 0;
  if (!Truncate(unit, local, &out)) {
    RefuseUnit(row, name, unit, "timestamp with time zone");
    return t;
  }
  // Hours and less do not move by a change of the clock: the offset stays.
  return Checked(row, unit < Unit::kDay ? t - (local - out) : z->ToUtc(out, Zone::Meaning::kPlace));
}

Interval TruncInterval(Row& row, std::string_view name, const Interval& v) {
  const Unit unit = UnitFor(row, name, UnitSet::kSteps);
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

int64_t RefuseBin(Row& row, std::string_view code, std::string message) {
  row.Fail(code, std::move(message));
  return 0;
}

// date_bin: steps of a fixed length from an origin.
int64_t Bin(Row& row, const Interval& stride, int64_t t, int64_t origin) {
  if (IsInfinite(t)) return t;
  if (IsInfinite(origin)) return RefuseBin(row, "22008", "origin out of range");
  if (stride.months != 0) {
    return RefuseBin(row, "0A000", "timestamps cannot be binned into intervals containing months or years");
  }
  int64_t step;
  if (__builtin_mul_overflow(int64_t{stride.days}, kDay, &step) ||
      __builtin_add_overflow(step, stride.micros, &step)) {
    return RefuseBin(row, "22008", "interval out of range");
  }
  if (step <= 0) return RefuseBin(row, "22008", "stride must be greater than zero");
  int64_t distance;
  if (__builtin_sub_overflow(t, origin, &distance)) return RefuseBin(row, "22008", "interval out of range");
  const int64_t rest = distance % step;
  int64_t out = origin + (distance - rest);
  if (rest < 0 && __builtin_sub_overflow(out, step, &out)) out = kMaxTimestamp;
  return Checked(row, out);
}

}  // namespace

void AddDatetimeTrunc(FunctionTable& t) {
  using enum Arg;
  t.push_back({"date_trunc",
               {kText, kTimestamp},
               kTimestamp,
               Trunc<false>,
               "the start of the unit that holds the time",
               "date_trunc('hour', timestamp '2024-05-06 07:08:09') -> 2024-05-06 07:00:00",
               kPartial,
               PrepareStep,
               CheckUnitOf<UnitSet::kSteps, kTimestamp>});
  t.push_back({"date_trunc",
               {kText, kTimestamptz},
               kTimestamptz,
               Trunc<true>,
               "the start of the unit, in UTC",
               "date_trunc('day', timestamptz '2024-05-06 07:08:09+00') -> 2024-05-06 00:00:00+00",
               kPartial,
               PrepareStep,
               CheckUnitOf<UnitSet::kSteps, kTimestamptz>});
  t.push_back(
      {"date_trunc",
       {kText, kTimestamptz, kText},
       kTimestamptz,
       Rows<TruncInZone>,
       "the start of the unit in a time zone",
       "date_trunc('day', timestamptz '2024-05-06 23:00:00+00', 'Europe/Berlin') -> 2024-05-06 22:00:00+00",
       kPartial,
       PrepareStep,
       CheckUnitOf<UnitSet::kSteps, kTimestamptz>});
  t.push_back({"date_trunc",
               {kText, kInterval},
               kInterval,
               Rows<TruncInterval>,
               "the interval without smaller units",
               "date_trunc('hour', interval '2 days 03:40:00') -> 2 days 03:00:00",
               kPartial,
               PrepareStep,
               CheckUnitOf<UnitSet::kSteps, kInterval>});
  t.push_back({"date_bin",
               {kInterval, kTimestamp, kTimestamp},
               kTimestamp,
               Rows<Bin>,
               "the start of the step that holds the time",
               "date_bin('15 minutes', timestamp '2024-02-11 15:44:17', timestamp '2001-01-01') -> "
               "2024-02-11 15:30:00"});
  t.push_back(
      {"date_bin",
       {kInterval, kTimestamptz, kTimestamptz},
       kTimestamptz,
       Rows<Bin>,
       "the start of the step that holds the time",
       "date_bin('15 minutes', timestamptz '2024-02-11 15:44:17+00', timestamptz '2001-01-01 00:00+00') -> "
       "2024-02-11 15:30:00+00"});
}

}  // namespace streamrun
