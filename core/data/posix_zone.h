// The POSIX description of a time zone, "CET-1CEST,M3.5.0,M10.5.0/3" (IEEE 1003.1, environment variable TZ):
// what PostgreSQL takes as a zone name, and what zone data ends with for the years that it does not list.
#pragma once

#include <cstdint>
#include <string_view>

namespace streamrun {

class PosixZone {
 public:
  /// False when the text is not of this form. Daylight saving time without a rule follows the rule of the
  /// United States, as in PostgreSQL.
  bool Parse(std::string_view text);
  /// The same offset for ever.
  static PosixZone Fixed(int32_t offset) {
    PosixZone zone;
    zone.standard_ = offset;
    return zone;
  }

  /// Seconds east of UTC.
  int32_t OffsetAt(int64_t utc_seconds) const;
  /// The first change behind a time; false when there is none.
  bool NextChange(int64_t utc_seconds, int64_t* change) const;

 private:
  // When a change happens, in a year.
  struct Rule {
    char kind =
        'N';  // 'J': day 1..365 without 29 February; 'N': day 0..365; 'M': month, week, day of the week
    int month = 0;
    int week = 0;
    int day = 0;
    int32_t time = 7200;  // seconds of the wall clock
  };
  static bool ParseRule(const char** p, const char* end, Rule* rule);
  static int64_t DayOf(const Rule& rule, int64_t year);
  int64_t StartOf(int64_t year) const;
  int64_t EndOf(int64_t year) const;

  int32_t standard_ = 0;
  int32_t daylight_ = 0;
  bool has_daylight_ = false;
  Rule start_;
  Rule end_;
};

}  // namespace streamrun
