// AT TIME ZONE (PostgreSQL manual 9.9.4).
#include <string>

#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/datetime_unit.h"
#include "core/expr/functions/timezone.h"

namespace streamrun {

namespace {

int64_t Checked(Row& row, int64_t t) {
  if (!IsTimestamp(t)) row.Fail("22008", "timestamp out of range");
  return t;
}

// timestamptz -> wall clock of the zone, and back.
int64_t ToWallClock(Row& row, std::string_view name, int64_t t) {
  if (IsInfinite(t)) return t;
  const Zone* zone = ZoneFor(row, name);
  return zone == nullptr ? t : Checked(row, zone->ToLocal(t));
}
int64_t FromWallClock(Row& row, std::string_view name, int64_t t) {
  if (IsInfinite(t)) return t;
  const Zone* zone = ZoneFor(row, name);
  return zone == nullptr ? t : Checked(row, zone->ToUtc(t));
}

// The same with an offset east of UTC, of whole seconds.
template <int kSign>
int64_t ByOffset(Row& row, const Interval& offset, int64_t t) {
  if (IsInfinite(t)) return t;
  if (offset.months != 0 || offset.days != 0) {
    std::string text;
    PrintInterval(offset, text);
    row.Fail("22023", "interval time zone \"" + text + "\" must not include months or days");
    return t;
  }
  int64_t out;
  if (__builtin_add_overflow(t, kSign * (offset.micros / kSecond * kSecond), &out)) out = kMaxTimestamp;
  return Checked(row, out);
}

}  // namespace

void AddDatetimeZone(FunctionTable& t) {
  using enum Arg;
  t.push_back({"timezone",
               {kText, kTimestamptz},
               kTimestamp,
               Rows<ToWallClock>,
               "the wall clock of a time zone at a time",
               "timestamptz '2024-07-01 12:00:00+00' AT TIME ZONE 'Europe/Berlin' -> 2024-07-01 14:00:00"});
  t.push_back({"timezone",
               {kText, kTimestamp},
               kTimestamptz,
               Rows<FromWallClock>,
               "the time of a wall clock in a time zone",
               "timestamp '2024-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin' -> 2024-07-01 10:00:00+00"});
  t.push_back(
      {"timezone",
       {kInterval, kTimestamptz},
       kTimestamp,
       Rows<ByOffset<1>>,
       "the wall clock at an offset from UTC",
       "timestamptz '2024-07-01 12:00:00+00' AT TIME ZONE interval '2 hours' -> 2024-07-01 14:00:00"});
  t.push_back({"timezone",
               {kInterval, kTimestamp},
               kTimestamptz,
               Rows<ByOffset<-1>>,
               "the time of a wall clock at an offset from UTC",
               "timestamp '2024-07-01 12:00:00' AT TIME ZONE interval '2 hours' -> 2024-07-01 10:00:00+00"});
}

}  // namespace streamrun
