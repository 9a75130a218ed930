// Dates and timestamps on the hot path: the civil calendar, ISO printing, and the fast ISO parser.
//
// Rows of a stream mostly share a day with the row before, so both directions keep the last day per thread.
#include <bit>
#include <limits>

#include "core/data/text_io.h"
#include "core/data/text_scan.h"

static_assert(std::endian::native == std::endian::little, "word loads below read little-endian text");

namespace streamrun {

using text_scan::PutPair;

namespace {

// Year at least four digits, "BC" is the caller's.
char* PutDate(int64_t year, int month, int day, char* out) {
  if (year >= 10000) {
    char digits[8];
    int count = 0;
    for (int64_t rest = year; rest > 0; rest /= 10) digits[count++] = static_cast<char>('0' + rest % 10);
    while (count > 0) *out++ = digits[--count];
  } else {
    out = PutPair(static_cast<unsigned>(year / 100), out);
    out = PutPair(static_cast<unsigned>(year % 100), out);
  }
  *out++ = '-';
  out = PutPair(static_cast<unsigned>(month), out);
  *out++ = '-';
  return PutPair(static_cast<unsigned>(day), out);
}

struct PrintedDay {
  int64_t day = std::numeric_limits<int64_t>::min();
  char text[16];
  uint8_t length = 0;
  bool before_christ = false;
};

void PrintDay(int64_t day, PrintedDay* out) {
  int64_t year;
  int month, mday;
  CivilFromDays(day, &year, &month, &mday);
  out->day = day;
  out->before_christ = year <= 0;
  out->length =
      static_cast<uint8_t>(PutDate(year <= 0 ? 1 - year : year, month, mday, out->text) - out->text);
}

const PrintedDay& DayText(int64_t day) {
  static thread_local PrintedDay last;
  if (last.day != day) PrintDay(day, &last);
  return last;
}

uint64_t Load8(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

// True when the bytes that `mask` selects (0xff each) are digits; the others are ignored.
bool AllDigits(uint64_t word, uint64_t mask) {
  constexpr uint64_t kHigh = 0xf0f0f0f0f0f0f0f0u;
  constexpr uint64_t kThree = 0x3030303030303030u;
  const uint64_t plus = word + (0x0606060606060606u & mask);
  return (((word & kHigh) ^ kThree) & mask) == 0 && (((plus & kHigh) ^ kThree) & mask) == 0;
}

unsigned Two(const char* p) { return static_cast<unsigned>((p[0] - '0') * 10 + (p[1] - '0')); }

struct ParsedDay {
  uint64_t head = 0;  // "YYYY-MM-"
  uint16_t tail = 0;  // "DD"
  int64_t micros = 0;
};

bool ParseDay(const char* p, uint64_t head, uint16_t tail, ParsedDay* out) {
  constexpr uint64_t kDigitsAt = 0x00ffff00ffffffffu;
  if (!AllDigits(head, kDigitsAt) || p[4] != '-' || p[7] != '-' || !text_scan::IsDigit(p[8]) ||
      !text_scan::IsDigit(p[9])) {
    return false;
  }
  const int64_t year = Two(p) * 100 + Two(p + 2);
  const unsigned month = Two(p + 5);
  const unsigned day = Two(p + 8);
  if (year == 0 || month < 1 || month > 12 || day < 1) return false;
  constexpr uint8_t kLast[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day > kLast[month - 1] || (month == 2 && day == 29 && !leap)) return false;
  *out = {head, tail, DaysFromCivil(year, static_cast<int>(month), static_cast<int>(day)) * kDay};
  return true;
}

// ".f{1,6}" and an optional Z up to `end`.
bool ParseTail(const char* p, const char* end, int64_t* micros) {
  if (*p == '.') {
    const char* first = ++p;
    int64_t fraction = 0;
    for (; p < end && text_scan::IsDigit(*p); ++p) fraction = fraction * 10 + (*p - '0');
    constexpr int64_t kUnits[] = {0, 100000, 10000, 1000, 100, 10, 1};
    const int64_t count = p - first;
    if (count < 1 || count > 6) return false;
    *micros += fraction * kUnits[count];
  }
  return p == end || (*p == 'Z' && p + 1 == end);
}

}  // namespace

int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void CivilFromDays(int64_t days, int64_t* year, int* month, int* day) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t of_era = days - era * 146097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * of_year + 2) / 153;
  *day = static_cast<int>(of_year - (153 * shifted + 2) / 5 + 1);
  *month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  *year = year_of_era + era * 400 + (*month <= 2);
}

bool ParseTimestampFast(std::string_view text, Timestamp* out) {
  const char* p = text.data();
  if (text.size() < 19 || text.size() > 27 || (p[10] != ' ' && p[10] != 'T')) return false;
  const uint64_t clock = Load8(p + 11);
  constexpr uint64_t kClockDigits = 0xffff00ffff00ffffu;
  constexpr uint64_t kColons = 0x00003a00003a0000u;
  if (!AllDigits(clock, kClockDigits) || (clock & ~kClockDigits) != kColons) return false;
  const unsigned hour = Two(p + 11);
  const unsigned minute = Two(p + 14);
  const unsigned second = Two(p + 17);
  if ((hour > 23) | (minute > 59) | (second > 59)) return false;

  static thread_local ParsedDay last;
  const uint64_t head = Load8(p);
  uint16_t tail;
  std::memcpy(&tail, p + 8, 2);
  if (((head ^ last.head) | (tail ^ last.tail)) != 0 && !ParseDay(p, head, tail, &last)) return false;
  int64_t micros = last.micros + static_cast<int64_t>(hour * 3600 + minute * 60 + second) * kSecond;
  if (text.size() > 19 && !ParseTail(p + 19, p + text.size(), &micros)) return false;
  *out = micros;
  return true;
}

char* PrintTimestampTo(Timestamp value, char* out) {
  if (value == kMaxTimestamp) {
    std::memcpy(out, "infinity", 8);
    return out + 8;
  }
  if (value == kMinTimestamp) {
    std::memcpy(out, "-infinity", 9);
    return out + 9;
  }
  int64_t day = value / kDay;
  int64_t rest = value % kDay;
  if (rest < 0) {
    rest += kDay;
    --day;
  }
  const PrintedDay& date = DayText(day);
  std::memcpy(out, date.text, 16);
  out += date.length;
  *out++ = ' ';
  const auto seconds = static_cast<unsigned>(rest / kSecond);
  auto fraction = static_cast<unsigned>(rest % kSecond);
  out = PutPair(seconds / 3600, out);
  *out++ = ':';
  out = PutPair(seconds / 60 % 60, out);
  *out++ = ':';
  out = PutPair(seconds % 60, out);
  if (fraction != 0) {
    *out = '.';
    PutPair(fraction / 10000, out + 1);
    PutPair(fraction / 100 % 100, out + 3);
    out = PutPair(fraction % 100, out + 5);
    while (out[-1] == '0') --out;
  }
  if (date.before_christ) {
    std::memcpy(out, " BC", 3);
    out += 3;
  }
  return out;
}

void PrintDate(int32_t days, std::string& out) {
  if (days == std::numeric_limits<int32_t>::max()) {
    out += "infinity";
  } else if (days == std::numeric_limits<int32_t>::min()) {
    out += "-infinity";
  } else {
    const PrintedDay& date = DayText(days);
    out.append(date.text, date.length);
    if (date.before_christ) out += " BC";
  }
}

void PrintTimestamp(Timestamp value, std::string& out) {
  char text[40];
  out.append(text, static_cast<size_t>(PrintTimestampTo(value, text) - text));
}

void PrintTimestamptz(Timestamp value, std::string& out) {
  char text[40];
  const char* end = PrintTimestampTo(value, text);
  if (value == kMaxTimestamp || value == kMinTimestamp) {
    out.append(text, static_cast<size_t>(end - text));
    return;
  }
  // The offset stands before the era: "0044-03-15 00:00:00+00 BC".
  const bool before_christ = end[-1] == 'C';
  out.append(text, static_cast<size_t>(end - text) - (before_christ ? 3 : 0));
  out += before_christ ? "+00 BC" : "+00";
}

}  // namespace streamrun
