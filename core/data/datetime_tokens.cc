#include "core/data/datetime_tokens.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>

#include "core/data/text_scan.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

bool IsPunctuation(char c) { return c > ' ' && c < 0x7f && !IsAlpha(c) && !IsDigit(c); }

constexpr int Value(DateUnit unit) { return static_cast<int>(unit); }
constexpr int Value(SpecialDate special) { return static_cast<int>(special); }

// In order of word.
constexpr DateWordEntry kDateWords[] = {
    {"ad", DateWord::kEra, 0},
    {"allballs", DateWord::kSpecial, Value(SpecialDate::kZulu)},
    {"am", DateWord::kMeridiem, 0},
    {"apr", DateWord::kMonth, 4},
    {"april", DateWord::kMonth, 4},
    {"at", DateWord::kIgnored, 0},
    {"aug", DateWord::kMonth, 8},
    {"august", DateWord::kMonth, 8},
    {"bc", DateWord::kEra, 1},
    {"d", DateWord::kUnit, Value(DateUnit::kDay)},
    {"dec", DateWord::kMonth, 12},
    {"december", DateWord::kMonth, 12},
    {"dow", DateWord::kUnit, Value(DateUnit::kNoInput)},
    {"doy", DateWord::kUnit, Value(DateUnit::kNoInput)},
    {"dst", DateWord::kDaylight, 3600},
    {"epoch", DateWord::kSpecial, Value(SpecialDate::kEpoch)},
    {"feb", DateWord::kMonth, 2},
    {"february", DateWord::kMonth, 2},
    {"fri", DateWord::kWeekday, 5},
    {"friday", DateWord::kWeekday, 5},
    {"h", DateWord::kUnit, Value(DateUnit::kHour)},
    {"infinity", DateWord::kSpecial, Value(SpecialDate::kLate)},
    {"isodow", DateWord::kUnit, Value(DateUnit::kNoInput)},
    {"isoyear", DateWord::kUnit, Value(DateUnit::kNoInput)},
    {"j", DateWord::kUnit, Value(DateUnit::kJulian)},
    {"jan", DateWord::kMonth, 1},
    {"january", DateWord::kMonth, 1},
    {"jd", DateWord::kUnit, Value(DateUnit::kJulian)},
    {"jul", DateWord::kMonth, 7},
    {"julian", DateWord::kUnit, Value(DateUnit::kJulian)},
    {"july", DateWord::kMonth, 7},
    {"jun", DateWord::kMonth, 6},
    {"june", DateWord::kMonth, 6},
    {"m", DateWord::kUnit, Value(DateUnit::kMonth)},
    {"mar", DateWord::kMonth, 3},
    {"march", DateWord::kMonth, 3},
    {"may", DateWord::kMonth, 5},
    {"mm", DateWord::kUnit, Value(DateUnit::kMinute)},
    {"mon", DateWord::kWeekday, 1},
    {"monday", DateWord::kWeekday, 1},
    {"nov", DateWord::kMonth, 11},
    {"november", DateWord::kMonth, 11},
    {"now", DateWord::kSpecial, Value(SpecialDate::kNow)},
    {"oct", DateWord::kMonth, 10},
    {"october", DateWord::kMonth, 10},
    {"on", DateWord::kIgnored, 0},
    {"pm", DateWord::kMeridiem, 1},
    {"s", DateWord::kUnit, Value(DateUnit::kSecond)},
    {"sat", DateWord::kWeekday, 6},
    {"saturday", DateWord::kWeekday, 6},
    {"sep", DateWord::kMonth, 9},
    {"sept", DateWord::kMonth, 9},
    {"september", DateWord::kMonth, 9},
    {"sun", DateWord::kWeekday, 0},
    {"sunday", DateWord::kWeekday, 0},
    {"t", DateWord::kTimeMark, Value(DateUnit::kTime)},
    {"thu", DateWord::kWeekday, 4},
    {"thur", DateWord::kWeekday, 4},
    {"thurs", DateWord::kWeekday, 4},
    {"thursday", DateWord::kWeekday, 4},
    {"today", DateWord::kSpecial, Value(SpecialDate::kToday)},
    {"tomorrow", DateWord::kSpecial, Value(SpecialDate::kTomorrow)},
    {"tue", DateWord::kWeekday, 2},
    {"tues", DateWord::kWeekday, 2},
    {"tuesday", DateWord::kWeekday, 2},
    {"wed", DateWord::kWeekday, 3},
    {"wednesday", DateWord::kWeekday, 3},
    {"weds", DateWord::kWeekday, 3},
    {"y", DateWord::kUnit, Value(DateUnit::kYear)},
    {"yesterday", DateWord::kSpecial, Value(SpecialDate::kYesterday)},
};

bool ReadNumber(const char** p, const char* end, int64_t low, int64_t high, int64_t* value) {
  const char* at = *p;
  bool negative = false;
  if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
  *value = 0;
  if (at == end || !IsDigit(*at)) return true;
  bool fits = true;
  for (; at < end && IsDigit(*at); ++at) {
    const int digit = *at - '0';
    if (!fits) continue;
    fits = !__builtin_mul_overflow(*value, 10, value) &&
           !__builtin_add_overflow(*value, negative ? -digit : digit, value) && *value >= low &&
           *value <= high;
  }
  *p = at;
  return fits;
}

}  // namespace

DateWordEntry FindDateWord(std::string_view lower) {
  if (lower == "-infinity") return {lower, DateWord::kSpecial, Value(SpecialDate::kEarly)};
  const auto* found = std::lower_bound(std::begin(kDateWords), std::end(kDateWords), lower,
                                       [](const DateWordEntry& e, std::string_view w) { return e.word < w; });
  if (found == std::end(kDateWords) || found->word != lower) return {lower, DateWord::kNone, 0};
  return *found;
}

bool DatetimeTokens::Cut(std::string_view text, size_t most_bytes) {
  const char* p = text.data();
  const char* end = p + text.size();
  while (p < end) {
    if (IsSpace(*p)) {
      ++p;
      continue;
    }
    if (count_ == kMostTokens) return false;
    const size_t room = used_ + 1 < most_bytes ? most_bytes - 1 - used_ : 0;
    const char* limit = static_cast<size_t>(end - p) > room ? p + room : end;
    if (limit == p) return false;
    if (IsDigit(*p) || *p == '.') {
      Number(&p, limit);
    } else if (IsAlpha(*p)) {
      Word(&p, limit);
    } else if (*p == '+' || *p == '-') {
      if (!Signed(&p, limit)) return false;
    } else if (IsPunctuation(*p)) {
      ++p;
      continue;
    } else {
      return false;
    }
    if (p == limit && limit != end) return false;
  }
  return true;
}

void DatetimeTokens::Number(const char** p, const char* end) {
  const size_t start = used_;
  const char*& at = *p;
  const auto digits = [&] {
    while (at < end && IsDigit(*at)) Keep(*at++);
  };
  if (*at == '.') {
    Keep(*at++);
    digits();
    return Done(TokenKind::kNumber, start);
  }
  digits();
  if (at == end || (*at != ':' && *at != '-' && *at != '/' && *at != '.'))
    return Done(TokenKind::kNumber, start);
  const char delimiter = *at;
  Keep(*at++);
  if (delimiter == ':') {
    while (at < end && (IsDigit(*at) || *at == ':' || *at == '.')) Keep(*at++);
    return Done(TokenKind::kTime, start);
  }
  if (at == end || !IsDigit(*at)) {
    // A month by name may follow.
    while (at < end && (IsAlpha(*at) || IsDigit(*at) || *at == delimiter)) Keep(ToLower(*at++));
    return Done(TokenKind::kDate, start);
  }
  digits();
  if (at == end || *at != delimiter) {
    return Done(delimiter == '.' ? TokenKind::kNumber : TokenKind::kDate, start);
  }
  while (at < end && (IsDigit(*at) || *at == delimiter)) Keep(*at++);
  Done(TokenKind::kDate, start);
}

void DatetimeTokens::Word(const char** p, const char* end) {
  const size_t start = used_;
  const char*& at = *p;
  while (at < end && IsAlpha(*at)) Keep(ToLower(*at++));
  bool joined = false;
  if (at < end) {
    joined = *at == '-' || *at == '/' || *at == '.';
    // "jan08" is a month and a number, "etc+3" a zone.
    if (*at == '+' || IsDigit(*at)) {
      joined = FindDateWord({bytes_.data() + start, used_ - start}).kind == DateWord::kNone;
    }
  }
  if (!joined) return Done(TokenKind::kWord, start);
  constexpr std::string_view kInside = "+-/_.:";
  while (at < end && (IsAlpha(*at) || IsDigit(*at) || kInside.find(*at) != std::string_view::npos)) {
    Keep(ToLower(*at++));
  }
  Done(TokenKind::kDate, start);
}

bool DatetimeTokens::Signed(const char** p, const char* end) {
  const size_t start = used_;
  const char*& at = *p;
  Keep(*at++);
  while (at < end && IsSpace(*at)) ++at;
  if (at == end) return false;
  if (IsDigit(*at)) {
    while (at < end && (IsDigit(*at) || *at == ':' || *at == '.' || *at == '-')) Keep(*at++);
    Done(TokenKind::kZone, start);
    return true;
  }
  if (!IsAlpha(*at)) return false;
  while (at < end && IsAlpha(*at)) Keep(ToLower(*at++));
  Done(TokenKind::kSpecial, start);
  return true;
}

bool ReadInt32(const char** p, const char* end, int64_t* value) {
  return ReadNumber(p, end, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max(), value);
}
bool ReadInt64(const char** p, const char* end, int64_t* value) {
  return ReadNumber(p, end, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), value);
}

bool ReadFraction(std::string_view text, double* fraction) {
  *fraction = 0;
  if (text.size() == 1) return true;
  if (!std::all_of(text.begin() + 1, text.end(), IsDigit)) return false;
  const std::string number = "0" + std::string(text);
  std::from_chars(number.data(), number.data() + number.size(), *fraction);
  return true;
}

ClockVerdict ReadClock(std::string_view text, Clock* clock) {
  const char* p = text.data();
  const char* end = p + text.size();
  if (!ReadInt64(&p, end, &clock->hour)) return ClockVerdict::kOutOfRange;
  if (p == end || *p != ':') return ClockVerdict::kBadSyntax;
  ++p;
  if (!ReadInt32(&p, end, &clock->minute)) return ClockVerdict::kOutOfRange;
  double fraction = 0;
  if (p < end && *p == ':') {
    ++p;
    if (!ReadInt32(&p, end, &clock->second)) return ClockVerdict::kOutOfRange;
    if (p < end && (*p != '.' || !ReadFraction({p, end}, &fraction))) return ClockVerdict::kBadSyntax;
  } else if (p < end && *p == '.') {
    if (!ReadFraction({p, end}, &fraction)) return ClockVerdict::kBadSyntax;
    if (clock->hour != static_cast<int32_t>(clock->hour)) return ClockVerdict::kOutOfRange;
    clock->second = clock->minute;
    clock->minute = clock->hour;
    clock->hour = 0;
  } else if (p < end) {
    return ClockVerdict::kBadSyntax;
  }
  clock->micros = static_cast<int64_t>(std::rint(fraction * 1e6));
  const bool valid = clock->hour >= 0 && clock->minute >= 0 && clock->minute <= 59 && clock->second >= 0 &&
                     clock->second <= 60;
  return valid ? ClockVerdict::kFine : ClockVerdict::kOutOfRange;
}

ClockVerdict ReadZoneOffset(std::string_view text, int64_t* offset) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return ClockVerdict::kBadSyntax;
  const char* p = text.data() + 1;
  const char* end = text.data() + text.size();
  int64_t hour = 0, minute = 0, second = 0;
  if (!ReadInt32(&p, end, &hour)) return ClockVerdict::kOutOfRange;
  if (p < end && *p == ':') {
    ++p;
    if (!ReadInt32(&p, end, &minute)) return ClockVerdict::kOutOfRange;
    if (p < end && *p == ':') {
      ++p;
      if (!ReadInt32(&p, end, &second)) return ClockVerdict::kOutOfRange;
    }
  } else if (p == end && text.size() > 3) {
    minute = hour % 100;
    hour /= 100;
  }
  const auto beyond = [](int64_t v, int64_t limit) { return v < 0 || v >= limit; };
  if (beyond(hour, 16) || beyond(minute, 60) || beyond(second, 60)) return ClockVerdict::kOutOfRange;
  const int64_t length = hour * 3600 + minute * 60 + second;
  *offset = text[0] == '-' ? -length : length;
  return p == end ? ClockVerdict::kFine : ClockVerdict::kBadSyntax;
}

}  // namespace streamrun
