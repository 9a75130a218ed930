#include "core/expr/interval_fields.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace streamrun {

namespace {

// Bits of the grammar's mask: 1 << the field's number. A year is what no other bit says.
constexpr int kMonth = 1 << 1;
constexpr int kDay = 1 << 3;
constexpr int kHour = 1 << 10;
constexpr int kMinute = 1 << 11;
constexpr int kSecond = 1 << 12;
constexpr int kAllFields = 0x7fff;

constexpr int64_t kMicrosPerSecond = 1'000'000;

// The last field of the mask gives a bare number its unit.
std::string_view UnitOf(int fields) {
  if (fields & kSecond) return "seconds";
  if (fields & kMinute) return "minutes";
  if (fields & kHour) return "hours";
  if (fields & kDay) return "days";
  if (fields & kMonth) return "months";
  return "years";
}

bool IsNumber(std::string_view word) {
  return !word.empty() && word.find_first_of("0123456789") != std::string_view::npos &&
         word.find_first_not_of("0123456789+-.") == std::string_view::npos &&
         word.find('-', 1) == std::string_view::npos;
}

bool IsClock(std::string_view word) {
  return word.find(':') != std::string_view::npos &&
         word.find_first_not_of("0123456789+-.:") == std::string_view::npos;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find_first_not_of(" \t\n\r\f\v", at);
    if (begin == std::string_view::npos) break;
    const size_t end = std::min(text.size(), text.find_first_of(" \t\n\r\f\v", begin));
    words.emplace_back(text.substr(begin, end - begin));
    at = end;
  }
  return words;
}

bool RoundTo(int precision, int64_t* micros) {
  int64_t unit = 1;
  for (int i = precision; i < 6; ++i) unit *= 10;
  const int64_t half = unit / 2;
  int64_t sum = 0;
  if (__builtin_add_overflow(*micros, *micros >= 0 ? half : -half, &sum)) return false;
  *micros = sum - sum % unit;
  return true;
}

}  // namespace

std::string WithIntervalUnits(std::string_view text, int fields) {
  std::vector<std::string> words = Words(text);
  if (words.empty() || fields == kAllFields) return std::string(text);
  std::string& last = words.back();
  const bool minutes_first = fields == (kMinute | kSecond);
  bool days_before = false;
  if (IsClock(last)) {
    // '1:30' MINUTE TO SECOND has no hours.
    const bool one_colon = std::count(last.begin(), last.end(), ':') == 1;
    const size_t digits = last.find_first_not_of("+-");
    if (minutes_first && one_colon && digits != std::string::npos) last.insert(digits, "0:");
    days_before = true;
  } else if (IsNumber(last)) {
    days_before = (fields & (kHour | kMinute | kSecond)) != 0;
    last += std::string(" ") + std::string(UnitOf(fields));
  }
  // '1 2' DAY TO HOUR: what stands before a time of day are days.
  if (days_before && words.size() > 1 && IsNumber(words[words.size() - 2]))
    words[words.size() - 2] += " days";
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

bool CutInterval(int fields, int precision, Interval* value) {
  if (fields != kAllFields) {
    if ((fields & (kMonth | kDay | kHour | kMinute | kSecond)) == 0) {
      *value = {value->months / 12 * 12, 0, 0};
    } else if ((fields & (kDay | kHour | kMinute | kSecond)) == 0) {
      *value = {value->months, 0, 0};
    } else if ((fields & (kHour | kMinute | kSecond)) == 0) {
      value->micros = 0;
    } else if ((fields & (kMinute | kSecond)) == 0) {
      value->micros -= value->micros % (3600 * kMicrosPerSecond);
    } else if ((fields & kSecond) == 0) {
      value->micros -= value->micros % (60 * kMicrosPerSecond);
    }
  }
  return RoundTo(std::clamp(precision, 0, 6), &value->micros);
}

}  // namespace streamrun
