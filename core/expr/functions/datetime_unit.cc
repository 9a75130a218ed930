#include "core/expr/functions/datetime_unit.h"

#include <string>

#include "core/base/suggest.h"
#include "core/base/time.h"
#include "core/data/text_io.h"

namespace streamrun {

namespace {

struct UnitName {
  std::string_view name;
  Unit unit;
  UnitSet set;
};
// PostgreSQL's names and abbreviations; a longer word counts by its first ten letters ("microsecon").
constexpr UnitName kUnits[] = {
    {"microsecon", Unit::kMicroseconds, UnitSet::kSteps},
    {"us", Unit::kMicroseconds, UnitSet::kSteps},
    {"usec", Unit::kMicroseconds, UnitSet::kSteps},
    {"usecs", Unit::kMicroseconds, UnitSet::kSteps},
    {"usecond", Unit::kMicroseconds, UnitSet::kSteps},
    {"useconds", Unit::kMicroseconds, UnitSet::kSteps},
    {"millisecon", Unit::kMilliseconds, UnitSet::kSteps},
    {"ms", Unit::kMilliseconds, UnitSet::kSteps},
    {"msec", Unit::kMilliseconds, UnitSet::kSteps},
    {"msecs", Unit::kMilliseconds, UnitSet::kSteps},
    {"msecond", Unit::kMilliseconds, UnitSet::kSteps},
    {"mseconds", Unit::kMilliseconds, UnitSet::kSteps},
    {"second", Unit::kSecond, UnitSet::kSteps},
    {"seconds", Unit::kSecond, UnitSet::kSteps},
    {"sec", Unit::kSecond, UnitSet::kSteps},
    {"secs", Unit::kSecond, UnitSet::kSteps},
    {"s", Unit::kSecond, UnitSet::kSteps},
    {"minute", Unit::kMinute, UnitSet::kSteps},
    {"minutes", Unit::kMinute, UnitSet::kSteps},
    {"min", Unit::kMinute, UnitSet::kSteps},
    {"mins", Unit::kMinute, UnitSet::kSteps},
    {"m", Unit::kMinute, UnitSet::kSteps},
    {"hour", Unit::kHour, UnitSet::kSteps},
    {"hours", Unit::kHour, UnitSet::kSteps},
    {"h", Unit::kHour, UnitSet::kSteps},
    {"hr", Unit::kHour, UnitSet::kSteps},
    {"hrs", Unit::kHour, UnitSet::kSteps},
    {"day", Unit::kDay, UnitSet::kSteps},
    {"days", Unit::kDay, UnitSet::kSteps},
    {"d", Unit::kDay, UnitSet::kSteps},
    {"week", Unit::kWeek, UnitSet::kSteps},
    {"weeks", Unit::kWeek, UnitSet::kSteps},
    {"w", Unit::kWeek, UnitSet::kSteps},
    {"month", Unit::kMonth, UnitSet::kSteps},
    {"months", Unit::kMonth, UnitSet::kSteps},
    {"mon", Unit::kMonth, UnitSet::kSteps},
    {"mons", Unit::kMonth, UnitSet::kSteps},
    {"quarter", Unit::kQuarter, UnitSet::kSteps},
    {"qtr", Unit::kQuarter, UnitSet::kSteps},
    {"year", Unit::kYear, UnitSet::kSteps},
    {"years", Unit::kYear, UnitSet::kSteps},
    {"y", Unit::kYear, UnitSet::kSteps},
    {"yr", Unit::kYear, UnitSet::kSteps},
    {"yrs", Unit::kYear, UnitSet::kSteps},
    {"decade", Unit::kDecade, UnitSet::kSteps},
    {"decades", Unit::kDecade, UnitSet::kSteps},
    {"dec", Unit::kDecade, UnitSet::kSteps},
    {"decs", Unit::kDecade, UnitSet::kSteps},
    {"century", Unit::kCentury, UnitSet::kSteps},
    {"centuries", Unit::kCentury, UnitSet::kSteps},
    {"c", Unit::kCentury, UnitSet::kSteps},
    {"cent", Unit::kCentury, UnitSet::kSteps},
    {"millennium", Unit::kMillennium, UnitSet::kSteps},
    {"millennia", Unit::kMillennium, UnitSet::kSteps},
    {"mil", Unit::kMillennium, UnitSet::kSteps},
    {"mils", Unit::kMillennium, UnitSet::kSteps},
    {"timezone", Unit::kTimezone, UnitSet::kSteps},
    {"timezone_h", Unit::kTimezoneHour, UnitSet::kSteps},
    {"timezone_m", Unit::kTimezoneMinute, UnitSet::kSteps},
    {"mm", Unit::kMinute, UnitSet::kFields},
    {"dow", Unit::kDow, UnitSet::kFields},
    {"isodow", Unit::kIsodow, UnitSet::kFields},
    {"doy", Unit::kDoy, UnitSet::kFields},
    {"isoyear", Unit::kIsoyear, UnitSet::kFields},
    {"julian", Unit::kJulian, UnitSet::kFields},
    {"jd", Unit::kJulian, UnitSet::kFields},
    {"j", Unit::kJulian, UnitSet::kFields},
    {"epoch", Unit::kEpoch, UnitSet::kFields},
    {"now", Unit::kWord, UnitSet::kFields},
    {"today", Unit::kWord, UnitSet::kFields},
    {"tomorrow", Unit::kWord, UnitSet::kFields},
    {"yesterday", Unit::kWord, UnitSet::kFields},
    {"allballs", Unit::kWord, UnitSet::kFields},
    {"infinity", Unit::kWord, UnitSet::kFields},
    {"-infinity", Unit::kWord, UnitSet::kFields},
};

// What did-you-mean offers, those of date_trunc first.
constexpr size_t kSteps = 13;
const std::vector<std::string_view> kWords = {
    "microseconds",   "milliseconds", "second",  "minute", "hour",    "day",        "week",
    "month",          "quarter",      "year",    "decade", "century", "millennium", "dow",
    "isodow",         "doy",          "isoyear", "julian", "epoch",   "timezone",   "timezone_hour",
    "timezone_minute"};

std::string_view TypeInWords(Arg type) {
  switch (type) {
    case Arg::kDate:
      return "date";
    case Arg::kTimestamp:
      return "timestamp without time zone";
    case Arg::kTimestamptz:
      return "timestamp with time zone";
    default:
      return "interval";
  }
}

std::string Lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

std::string Refusal(std::string_view text, Unit unit, std::string_view type) {
  return "unit \"" + Lowered(text) +
         (unit == Unit::kNone ? "\" not recognized for type " : "\" not supported for type ") +
         std::string(type);
}

Result<std::shared_ptr<const void>> PrepareUnit(std::span<const ColumnPtr> constants, UnitSet set) {
  if (!constants[0] || constants[0]->IsNull(0)) return std::shared_ptr<const void>();
  return std::shared_ptr<const void>(std::make_shared<Unit>(UnitOf(constants[0]->Text(0), set)));
}

}  // namespace

Unit UnitOf(std::string_view text, UnitSet set) {
  char letters[10];
  size_t length = 0;
  for (const char c : text.substr(0, sizeof letters)) {
    letters[length++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  const std::string_view word(letters, length);
  for (const UnitName& u : kUnits) {
    if (u.name == word && (set == UnitSet::kFields || u.set == UnitSet::kSteps)) return u.unit;
  }
  return Unit::kNone;
}

std::optional<ArgumentProblem> CheckUnit(std::span<const ColumnPtr> constants, UnitSet set, Arg type) {
  if (!constants[0] || constants[0]->IsNull(0)) return std::nullopt;
  const std::string_view text = constants[0]->Text(0);
  const Unit unit = UnitOf(text, set);
  if (unit != Unit::kNone && (unit != Unit::kWord || type != Arg::kInterval)) return std::nullopt;
  std::vector<std::string_view> words = kWords;
  if (set == UnitSet::kSteps) words.resize(kSteps);
  std::string hint;
  if (const auto near = Nearest(text, words)) hint = "did you mean \"" + std::string(*near) + "\"?";
  return ArgumentProblem{0, Refusal(text, Unit::kNone, TypeInWords(type)), std::move(hint)};
}

Result<std::shared_ptr<const void>> PrepareField(std::span<const ColumnPtr> constants) {
  return PrepareUnit(constants, UnitSet::kFields);
}
Result<std::shared_ptr<const void>> PrepareStep(std::span<const ColumnPtr> constants) {
  return PrepareUnit(constants, UnitSet::kSteps);
}

Unit UnitFor(const Row& row, std::string_view text, UnitSet set) {
  const Unit* prepared = row.prepared<Unit>();
  return prepared ? *prepared : UnitOf(text, set);
}

void RefuseUnit(Row& row, std::string_view text, Unit unit, std::string_view type) {
  row.Fail(unit == Unit::kNone ? "22023" : "0A000", Refusal(text, unit, type));
}

int64_t JulianDay(int64_t year, int64_t month, int64_t day) {
  // PostgreSQL's formula, for its answers to months 0 and below that intervals have.
  const bool late = month > 2;
  month += late ? 1 : 13;
  year += late ? 4800 : 4799;
  const int64_t century = year / 100;
  return year * 365 - 32167 + year / 4 - century + century / 4 + 7834 * month / 256 + day;
}

int64_t IsoWeekStart(int64_t year, int64_t week) {
  const int64_t fourth = JulianDay(year, 1, 4);
  return (week - 1) * 7 + fourth - (fourth % 7 + 7) % 7;
}

IsoDate IsoWeekOf(int64_t year, int64_t month, int64_t day) {
  const int64_t julian = JulianDay(year, month, day);
  int64_t of = year;
  if (julian < IsoWeekStart(of, 1)) --of;
  int64_t week = (julian - IsoWeekStart(of, 1)) / 7 + 1;
  if (week >= 52 && julian >= IsoWeekStart(year + 1, 1)) {
    of = year + 1;
    week = (julian - IsoWeekStart(of, 1)) / 7 + 1;
  }
  return {of, week};
}

Civil SplitTimestamp(int64_t t) {
  const int64_t days = FloorDiv(t, kDay);
  Civil c = SplitDays(days);
  c.micros = t - days * kDay;
  return c;
}
Civil SplitDays(int64_t days) {
  Civil c;
  c.days = days;
  c.micros = 0;
  CivilFromDays(c.days, &c.year, &c.month, &c.day);
  return c;
}

}  // namespace streamrun
