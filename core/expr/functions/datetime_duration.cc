// Durations as programs write them, "1h30m" and "250ms": additions to PostgreSQL, whose interval input reads
// some of these forms but takes m for months in others and knows no mixed fractions.
#include <string>

#include "core/base/time.h"
#include "core/data/text_scan.h"
#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {

using text_scan::IsDigit;

namespace {

struct DurationUnit {
  std::string_view name;
  int64_t micros_numerator;
  int64_t denominator;
};
// Micro is written with the micro sign or the Greek letter.
constexpr DurationUnit kDurationUnits[] = {
    {"ns", 1, 1000},   {"us", 1, 1},      {"\u00b5s", 1, 1}, {"\u03bcs", 1, 1}, {"ms", kMillisecond, 1},
    {"s", kSecond, 1}, {"m", kMinute, 1}, {"h", kHour, 1},   {"d", kDay, 1},    {"w", 7 * kDay, 1}};

const DurationUnit* FindUnit(std::string_view name) {
  for (const DurationUnit& unit : kDurationUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

enum class Verdict : uint8_t { kFine, kBadSyntax, kOutOfRange };

// Digits, at most 18 behind the point; *value / *scale.
Verdict ReadAmount(const char** p, const char* end, Int128* value, int64_t* scale) {
  *value = 0;
  *scale = 1;
  int digits = 0;
  bool point = false;
  for (; *p < end && (IsDigit(**p) || (**p == '.' && !point)); ++*p) {
    if (**p == '.') {
      point = true;
      continue;
    }
    ++digits;
    if (point && *scale >= 1'000'000'000'000'000'000) continue;  // too small to count
    if (*value > Int128{1} << 90) return Verdict::kOutOfRange;
    *value = *value * 10 + (**p - '0');
    if (point) *scale *= 10;
  }
  return digits > 0 ? Verdict::kFine : Verdict::kBadSyntax;
}

// Nanoseconds in all, exact but for what is less than one; rounded to microseconds, half away from zero.
Verdict ReadDuration(std::string_view text, int64_t* micros) {
  text = text_scan::Trim(text);
  const char* p = text.data();
  const char* end = p + text.size();
  bool negative = false;
  if (p < end && (*p == '-' || *p == '+')) negative = *p++ == '-';
  if (p == end) return Verdict::kBadSyntax;
  if (std::string_view(p, end) == "0") {
    *micros = 0;
    return Verdict::kFine;
  }
  Int128 nanos = 0;
  while (p < end) {
    Int128 value;
    int64_t scale;
    if (const Verdict v = ReadAmount(&p, end, &value, &scale); v != Verdict::kFine) return v;
    const char* name = p;
    while (p < end && !IsDigit(*p) && *p != '.') ++p;
    const DurationUnit* unit = FindUnit({name, p});
    if (unit == nullptr) return Verdict::kBadSyntax;
    const Int128 size = Int128{unit->micros_numerator} * 1000 / unit->denominator;
    Int128 product;
    if (__builtin_mul_overflow(value, size, &product) ||
        __builtin_add_overflow(nanos, product / scale, &nanos)) {
      return Verdict::kOutOfRange;
    }
  }
  Int128 rounded = (nanos + 500) / 1000;
  if (negative) rounded = -rounded;
  *micros = static_cast<int64_t>(rounded);
  return *micros == rounded ? Verdict::kFine : Verdict::kOutOfRange;
}

Interval ParseDuration(Row& row, std::string_view text) {
  Interval out;
  switch (ReadDuration(text, &out.micros)) {
    case Verdict::kBadSyntax:
      row.Fail("22007", "invalid duration: \"" + std::string(text) + "\"");
      break;
    case Verdict::kOutOfRange:
      row.Fail("22008", "duration out of range: \"" + std::string(text) + "\"");
      break;
    case Verdict::kFine:
      break;
  }
  return out;
}

}  // namespace

void AddDuration(FunctionTable& t) {
  using enum Arg;
  t.push_back(
      {"parse_duration",
       {kText},
       kInterval,
       Rows<ParseDuration>,
       "the interval of a duration such as 1h30m, 250ms, 2d4h or -1.5s, with the units w, d (24 hours), h, "
       "m, s, ms, us and ns",
       "parse_duration('1h30m') -> 01:30:00",
       kAddition});
}

}  // namespace streamrun
