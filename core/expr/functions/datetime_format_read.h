// The first half of to_date and to_timestamp: what each field of a text says, by the patterns of a format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/expr/functions/datetime_format.h"

namespace streamrun {

/// What the fields of a text said; 0 where nothing was said.
struct FormatFields {
  Calendar calendar = Calendar::kAny;
  bool clock12 = false;
  int64_t hour = 0, pm = 0, minute = 0, second = 0, seconds_of_day = 0;
  int64_t day_of_week = 0;  // 1 = Sunday
  int64_t day = 0, day_of_year = 0, month = 0, millis = 0, micros = 0;
  int64_t year = 0, before_christ = 0, century = 0;
  int year_digits = 0;
  int64_t week = 0, week_of_month = 0, julian = 0;
  int zone_sign = 0;
  int64_t zone_hour = 0, zone_minute = 0;
  int fraction_digits = 0;
};

/// Why a text was refused.
struct FormatRefusal {
  std::string_view code;
  std::string message;
};

/// False when the text does not follow the format.
bool ReadFormatFields(const DatetimeFormat& format, std::string_view text, FormatFields* fields,
                      FormatRefusal* refusal);

}  // namespace streamrun
