// The civil calendar in a few multiplications: C. Neri and L. Schneider, "Euclidean affine functions and
// their application to calendar algorithms" (Software: Practice and Experience, 2022). For the days of any
// 64-bit count of microseconds.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace streamrun {

struct CalendarDay {
  int32_t year;  // astronomical
  int32_t month;
  int32_t day;
  int32_t day_of_year;  // from 0
};

/// `days` since 1970-01-01, at most 2^63 microseconds from it.
inline CalendarDay CalendarOf(int64_t days) {
  constexpr uint32_t kEras = 735;  // of 400 years: makes every such day positive
  const auto n = static_cast<uint32_t>(days + 719468 + int64_t{146097} * kEras);  // from a 1st of March
  const uint32_t century = (4 * n + 3) / 146097;
  const uint32_t of_century = (4 * n + 3) % 146097 / 4;
  const uint64_t product = uint64_t{2939745} * (4 * of_century + 3);
  const auto year_of_century = static_cast<uint32_t>(product >> 32);
  const uint32_t of_year = static_cast<uint32_t>(product) / 2939745 / 4;
  const uint32_t month = 2141 * of_year + 197913;
  const bool january = of_year >= 306;  // or February: the next calendar year
  const uint32_t year = 100 * century + year_of_century;
  const bool leap = year_of_century != 0 ? year_of_century % 4 == 0 : century % 4 == 0;
  return {static_cast<int32_t>(year + january) - static_cast<int32_t>(400 * kEras),
          static_cast<int32_t>((month >> 16) - (january ? 12 : 0)),
          static_cast<int32_t>((month & 0xffff) / 2141 + 1),
          static_cast<int32_t>(january ? of_year - 306 : of_year + 59 + leap)};
}

/// `t` behind the start of its step of `kLength` microseconds; the steps stand on the epoch.
template <int64_t kLength>
inline int64_t Behind(int64_t t) {
  const int64_t rest = t % kLength;
  return rest + (rest < 0 ? kLength : 0);
}
inline int64_t DayOf(int64_t t) {
  const int64_t days = t / kDay;
  return days - (t - days * kDay < 0 ? 1 : 0);
}

}  // namespace streamrun
