#include "core/expr/functions/datetime_unit.h"

#include <string>

#include "core/base/time.h"
#include "core/data/text_io.h"

namespace streamrun {

namespace {

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

}  // namespace

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

Civil SplitTimestamp(int64_t t) {
  Civil c;
  c.days = FloorDiv(t, kDay);
  c.micros = t - c.days * kDay;
  CivilFromDays(c.days, &c.year, &c.month, &c.day);
  return c;
}

}  // namespace streamrun
