// What a text of an interval adds up, and the reader of its ISO 8601 forms (private to text_io_interval.cc).
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "core/base/time.h"

namespace streamrun {

enum class IntervalVerdict : uint8_t { kFine, kBadSyntax, kOutOfRange };

/// The sums that a text adds up. Every Add is false on overflow.
struct IntervalParts {
  int32_t years = 0;
  int32_t months = 0;
  int32_t days = 0;
  int64_t micros = 0;

  static bool Put(int32_t* to, int64_t count, int32_t size) {
    int32_t amount;
    return count == static_cast<int32_t>(count) &&
           !__builtin_mul_overflow(static_cast<int32_t>(count), size, &amount) &&
           !__builtin_add_overflow(*to, amount, to);
  }
  bool AddTime(int64_t count, double fraction, int64_t size) {
    int64_t amount;
    return !__builtin_mul_overflow(count, size, &amount) &&
           !__builtin_add_overflow(micros, amount, &micros) && AddTimeFraction(fraction, size);
  }
  /// Rounds to the nearest microsecond, ties towards zero.
  bool AddTimeFraction(double fraction, int64_t size) {
    fraction *= static_cast<double>(size);
    auto whole = static_cast<int64_t>(fraction);
    fraction -= static_cast<double>(whole);
    whole += fraction > 0.5 ? 1 : fraction < -0.5 ? -1 : 0;
    return !__builtin_add_overflow(micros, whole, &micros);
  }
  bool AddDays(int64_t count, double fraction, int32_t size) {
    return Put(&days, count, size) && AddDayFraction(fraction, size);
  }
  bool AddDayFraction(double fraction, int32_t size) {
    fraction *= size;
    const auto whole = static_cast<int32_t>(fraction);
    return !__builtin_add_overflow(days, whole, &days) && AddTimeFraction(fraction - whole, kDay);
  }
  bool AddMonths(int64_t count, double fraction) {
    return Put(&months, count, 1) && AddDayFraction(fraction, 30);
  }
  bool AddYears(int64_t count, double fraction, int32_t size) {
    const auto rest = static_cast<int32_t>(std::rint(fraction * size * 12));
    return Put(&years, count, size) && !__builtin_add_overflow(months, rest, &months);
  }

  bool Negate() {
    return !__builtin_sub_overflow(0, years, &years) && !__builtin_sub_overflow(0, months, &months) &&
           !__builtin_sub_overflow(0, days, &days) && !__builtin_sub_overflow(int64_t{0}, micros, &micros);
  }
};

/// P[n]Y[n]M[n]W[n]DT[n]H[n]M[n]S, and the alternative forms P[year]-[month]-[day]T[hour]:[minute]:[second]
/// and PyyyymmddThhmmss (ISO 8601 4.4.3).
IntervalVerdict ReadIso8601Interval(std::string_view text, IntervalParts* parts);

}  // namespace streamrun
