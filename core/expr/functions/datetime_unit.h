// The units of EXTRACT and date_trunc, and the civil calendar under them.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {

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
  kWord,  // "now": a word of dates, no unit of anything
};

/// Fields are what EXTRACT takes; steps, fewer, what date_trunc takes.
enum class UnitSet : uint8_t { kFields, kSteps };
/// kNone when PostgreSQL knows no such unit; any case.
Unit UnitOf(std::string_view text, UnitSet set);

/// Function::check of a unit that is none for the type of times (kDate, kTimestamp, kTimestamptz, kInterval).
std::optional<ArgumentProblem> CheckUnit(std::span<const ColumnPtr> constants, UnitSet set, Arg type);
template <UnitSet kSet, Arg kType>
std::optional<ArgumentProblem> CheckUnitOf(std::span<const ColumnPtr> constants) {
  return CheckUnit(constants, kSet, kType);
}
/// Function::prepare where the first argument is the unit: KernelCall::prepared<Unit>().
Result<std::shared_ptr<const void>> PrepareField(std::span<const ColumnPtr> constants);
Result<std::shared_ptr<const void>> PrepareStep(std::span<const ColumnPtr> constants);
/// The prepared unit, or the one that `text` names.
Unit UnitFor(const Row& row, std::string_view text, UnitSet set);
/// Fails the row: the unit is not known, or not one that `type` has.
void RefuseUnit(Row& row, std::string_view text, Unit unit, std::string_view type);

/// Division that rounds down.
inline int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct Civil {
  int64_t days;    // since 1970-01-01
  int64_t micros;  // of the day
  int64_t year;    // astronomical: 0 is 1 BC
  int month;
  int day;
};
Civil SplitTimestamp(int64_t t);
/// Midnight of a day, which may be too late for a timestamp.
Civil SplitDays(int64_t days);

/// The Julian day of a date; as PostgreSQL counts it also for months and days that no calendar has.
int64_t JulianDay(int64_t year, int64_t month, int64_t day);
inline constexpr int64_t kJulianOfEpoch = 2440588;  // of 1970-01-01
/// Julian day 0: no date or time of PostgreSQL is before it.
inline constexpr int64_t kFirstDay = -kJulianOfEpoch;
/// The first day of the month of Julian day 0: earlier days are refused before anything is computed.
inline constexpr int64_t kFirstMonth = kFirstDay - 23;
inline constexpr int64_t kFirstTimestamp = kFirstDay * kDay;
inline constexpr int64_t kLastDay = 2145042905;                           // 5874897-12-31
inline constexpr int32_t kMaxDate = std::numeric_limits<int32_t>::max();  // infinity
inline constexpr int32_t kMinDate = std::numeric_limits<int32_t>::min();  // -infinity
inline bool IsInfinite(int64_t t) { return t == kMaxTimestamp || t == kMinTimestamp; }
inline bool IsInfinite(int32_t d) { return d == kMaxDate || d == kMinDate; }
/// Is `t` a finite time that PostgreSQL has?
inline bool IsTimestamp(int64_t t) { return t >= kFirstTimestamp && t != kMaxTimestamp; }
/// Julian day of the Monday of an ISO 8601 week: week 1 has the year's 4th of January.
int64_t IsoWeekStart(int64_t year, int64_t week);
struct IsoDate {
  int64_t year;
  int64_t week;
};
IsoDate IsoWeekOf(int64_t year, int64_t month, int64_t day);

/// 0 = Sunday.
inline int DayOfWeek(int64_t days) { return static_cast<int>(((days + 4) % 7 + 7) % 7); }

}  // namespace streamrun
