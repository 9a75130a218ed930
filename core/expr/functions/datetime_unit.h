// The units of EXTRACT and date_trunc, and the civil calendar under them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/status.h"
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
};

/// kNone when PostgreSQL knows no such unit; any case.
Unit UnitOf(std::string_view text);

/// Function::prepare where the first argument is the unit: KernelCall::prepared<Unit>().
Result<std::shared_ptr<const void>> PrepareUnit(std::span<const ColumnPtr> constants);
/// The prepared unit, or the one that `text` names.
Unit UnitFor(const Row& row, std::string_view text);
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

/// 0 = Sunday.
inline int DayOfWeek(int64_t days) { return static_cast<int>(((days + 4) % 7 + 7) % 7); }

}  // namespace streamrun
