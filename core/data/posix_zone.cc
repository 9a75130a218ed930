#include "core/data/posix_zone.h"

#include "core/data/text_io.h"
#include "core/data/text_scan.h"

namespace streamrun {

using text_scan::IsDigit;

namespace {

constexpr int64_t kSecondsOfDay = 86'400;

int64_t FloorDays(int64_t seconds) { return seconds / kSecondsOfDay - (seconds % kSecondsOfDay < 0 ? 1 : 0); }

bool ParseNumber(const char** p, const char* end, int low, int high, int* out) {
  if (*p == end || !IsDigit(**p)) return false;
  int value = 0;
  for (; *p < end && IsDigit(**p); ++*p) {
    value = value * 10 + (**p - '0');
    if (value > high) return false;
  }
  *out = value;
  return value >= low;
}

// [sign]hours[:minutes[:seconds]]; the hours of a week are allowed, as in zone data.
bool ParseClock(const char** p, const char* end, int32_t* out) {
  bool negative = false;
  if (*p < end && (**p == '+' || **p == '-')) negative = *(*p)++ == '-';
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  if (!ParseNumber(p, end, 0, 167, &hours)) return false;
  if (*p < end && **p == ':') {
    ++*p;
    if (!ParseNumber(p, end, 0, 59, &minutes)) return false;
    if (*p < end && **p == ':') {
      ++*p;
      if (!ParseNumber(p, end, 0, 60, &seconds)) return false;
    }
  }
  const int32_t value = hours * 3600 + minutes * 60 + seconds;
  *out = negative ? -value : value;
  return true;
}

// "CEST" or "<+0330>".
bool SkipName(const char** p, const char* end) {
  if (*p < end && **p == '<') {
    while (*p < end && **p != '>') ++*p;
    if (*p == end) return false;
    ++*p;
    return true;
  }
  while (*p < end && !IsDigit(**p) && **p != ',' && **p != '-' && **p != '+') ++*p;
  return true;
}

int64_t YearOf(int64_t seconds) {
  int64_t year;
  int month;
  int day;
  CivilFromDays(FloorDays(seconds), &year, &month, &day);
  return year;
}
bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

}  // namespace

bool PosixZone::ParseRule(const char** p, const char* end, Rule* rule) {
  if (*p == end) return false;
  if (**p == 'J') {
    ++*p;
    rule->kind = 'J';
    if (!ParseNumber(p, end, 1, 365, &rule->day)) return false;
  } else if (**p == 'M') {
    ++*p;
    rule->kind = 'M';
    if (!ParseNumber(p, end, 1, 12, &rule->month) || *p == end || *(*p)++ != '.') return false;
    if (!ParseNumber(p, end, 1, 5, &rule->week) || *p == end || *(*p)++ != '.') return false;
    if (!ParseNumber(p, end, 0, 6, &rule->day)) return false;
  } else if (!ParseNumber(p, end, 0, 365, &rule->day)) {
    return false;
  }
  if (*p == end || **p != '/') return true;
  ++*p;
  return ParseClock(p, end, &rule->time);
}

bool PosixZone::Parse(std::string_view text) {
  const char* p = text.data();
  const char* end = p + text.size();
  int32_t west = 0;
  if (text.starts_with(':')) return false;  // meant for a file of the system's own making
  if (!SkipName(&p, end) || p == end || !ParseClock(&p, end, &west)) return false;
  standard_ = -west;
  if (p == end) return true;
  const char* name = p;
  if (!SkipName(&p, end) || p == name) return false;
  has_daylight_ = true;
  daylight_ = standard_ + 3600;
  if (p < end && *p != ',') {
    if (!ParseClock(&p, end, &west)) return false;
    daylight_ = -west;
  }
  constexpr std::string_view kDefault = ",M3.2.0,M11.1.0";
  if (p == end) {
    p = kDefault.data();
    end = p + kDefault.size();
  }
  if (*p++ != ',' || !ParseRule(&p, end, &start_)) return false;
  if (p == end || *p++ != ',' || !ParseRule(&p, end, &end_)) return false;
  return p == end;
}

int64_t PosixZone::DayOf(const Rule& rule, int64_t year) {
  const int64_t first = DaysFromCivil(year, 1, 1);
  if (rule.kind == 'J') return first + rule.day - 1 + (IsLeap(year) && rule.day >= 60 ? 1 : 0);
  if (rule.kind == 'N') return first + rule.day;
  const int64_t month = DaysFromCivil(year, rule.month, 1);
  const int64_t next =
      rule.month == 12 ? DaysFromCivil(year + 1, 1, 1) : DaysFromCivil(year, rule.month + 1, 1);
  const int64_t weekday = ((month + 4) % 7 + 7) % 7;
  int64_t day = month + (rule.day - weekday + 7) % 7 + (rule.week - 1) * 7;
  while (day >= next) day -= 7;
  return day;
}
int64_t PosixZone::StartOf(int64_t year) const {
  return DayOf(start_, year) * kSecondsOfDay + start_.time - standard_;
}
int64_t PosixZone::EndOf(int64_t year) const {
  return DayOf(end_, year) * kSecondsOfDay + end_.time - daylight_;
}

int32_t PosixZone::OffsetAt(int64_t utc_seconds) const {
  if (!has_daylight_) return standard_;
  const int64_t year = YearOf(utc_seconds + standard_);
  const int64_t start = StartOf(year);
  const int64_t end = EndOf(year);
  const bool daylight =
      start < end ? utc_seconds >= start && utc_seconds < end : utc_seconds >= start || utc_seconds < end;
  return daylight ? daylight_ : standard_;
}

bool PosixZone::NextChange(int64_t utc_seconds, int64_t* change) const {
  if (!has_daylight_) return false;
  bool found = false;
  const int64_t year = YearOf(utc_seconds);
  for (int64_t y = year - 1; y <= year + 1; ++y) {
    for (const int64_t at : {StartOf(y), EndOf(y)}) {
      if (at <= utc_seconds || (found && at >= *change)) continue;
      *change = at;
      found = true;
    }
  }
  return found;
}

}  // namespace streamrun
