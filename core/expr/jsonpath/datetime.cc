#include "core/expr/jsonpath/datetime.h"

#include "core/data/text_io.h"

namespace streamrun {

namespace {

constexpr int64_t kSecondMicros = 1'000'000;
constexpr int64_t kDayMicros = 86'400 * kSecondMicros;

void PrintTwo(int64_t value, std::string& out) {
  out += static_cast<char>('0' + value / 10 % 10);
  out += static_cast<char>('0' + value % 10);
}

void PrintTime(int64_t micros, std::string& out) {
  const int64_t seconds = micros / kSecondMicros;
  PrintTwo(seconds / 3600, out);
  out += ':';
  PrintTwo(seconds / 60 % 60, out);
  out += ':';
  PrintTwo(seconds % 60, out);
  const int64_t fraction = micros % kSecondMicros;
  if (fraction == 0) return;
  std::string digits = std::to_string(fraction + kSecondMicros);
  digits[0] = '.';
  while (digits.back() == '0') digits.pop_back();
  out += digits;
}

std::string ZoneText(int32_t zone) {
  std::string out(1, zone < 0 ? '-' : '+');
  const int64_t seconds = zone < 0 ? -int64_t{zone} : zone;
  PrintTwo(seconds / 3600, out);
  out += ':';
  PrintTwo(seconds / 60 % 60, out);
  return out;
}

// Microseconds since 1970 at UTC: what kinds with a date are compared by.
int64_t Instant(const PathDatetime& v) {
  return v.kind == PathDatetime::kDate ? v.value * kDayMicros : v.value;
}
bool IsTime(PathDatetime::Kind kind) { return kind == PathDatetime::kTime || kind == PathDatetime::kTimetz; }

int Three(int64_t a, int64_t b) { return a < b ? -1 : (a > b ? 1 : 0); }

}  // namespace

std::string_view TypeNameOf(PathDatetime::Kind kind) {
  static constexpr std::string_view kNames[] = {"date", "time without time zone", "time with time zone",
                                                "timestamp without time zone", "timestamp with time zone"};
  return kNames[kind];
}
std::string_view ShortNameOf(PathDatetime::Kind kind) {
  static constexpr std::string_view kNames[] = {"date", "time", "timetz", "timestamp", "timestamptz"};
  return kNames[kind];
}

void PrintPathDatetime(const PathDatetime& v, std::string& out) {
  if (v.kind == PathDatetime::kDate) return PrintDate(static_cast<int32_t>(v.value), out);
  if (IsTime(v.kind)) {
    PrintTime(v.value, out);
    if (v.kind == PathDatetime::kTimetz) out += ZoneText(v.zone);
    return;
  }
  std::string text;
  PrintTimestamp(v.value + int64_t{v.zone} * kSecondMicros, text);
  text[text.find(' ')] = 'T';
  if (v.kind == PathDatetime::kTimestamptz) {
    const size_t era = text.find(' ');
    text.insert(era == std::string::npos ? text.size() : era, ZoneText(v.zone));
  }
  out += text;
}

bool NeedsZone(PathDatetime::Kind a, PathDatetime::Kind b) {
  if (a == b || IsTime(a) != IsTime(b)) return false;
  const auto zoned = [](PathDatetime::Kind k) {
    return k == PathDatetime::kTimetz || k == PathDatetime::kTimestamptz;
  };
  return zoned(a) != zoned(b);
}

std::optional<int> ComparePathDatetimes(const PathDatetime& a, const PathDatetime& b) {
  if (IsTime(a.kind) != IsTime(b.kind)) return std::nullopt;
  if (!IsTime(a.kind)) return Three(Instant(a), Instant(b));
  // Times with a zone by their time in UTC, then by the zone, the western one above.
  const int64_t x = a.value - int64_t{a.zone} * kSecondMicros;
  const int64_t y = b.value - int64_t{b.zone} * kSecondMicros;
  return x != y ? Three(x, y) : Three(b.zone, a.zone);
}

}  // namespace streamrun
