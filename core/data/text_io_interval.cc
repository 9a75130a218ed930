// Text of intervals: PostgreSQL's verbose, SQL and ISO 8601 forms in, IntervalStyle postgres out.
//
// Manual 8.5.4 and 8.5.5. A fraction of a unit moves down: of a year to months, of a month to days (30 a
// month), of a week or day to time (24 hours a day).
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/data/text_io.h"
#include "core/data/text_scan.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

enum class Unit : uint8_t { kMicros, kDays, kMonths };

struct UnitName {
  std::string_view name;
  Unit unit;
  int64_t size;
};

constexpr UnitName kUnits[] = {
    {"us", Unit::kMicros, 1},
    {"usec", Unit::kMicros, 1},
    {"usecs", Unit::kMicros, 1},
    {"microsecond", Unit::kMicros, 1},
    {"microseconds", Unit::kMicros, 1},
    {"microsecon", Unit::kMicros, 1},
    {"ms", Unit::kMicros, 1000},
    {"msec", Unit::kMicros, 1000},
    {"msecs", Unit::kMicros, 1000},
    {"millisecond", Unit::kMicros, 1000},
    {"milliseconds", Unit::kMicros, 1000},
    {"millisecon", Unit::kMicros, 1000},
    {"s", Unit::kMicros, kSecond},
    {"sec", Unit::kMicros, kSecond},
    {"secs", Unit::kMicros, kSecond},
    {"second", Unit::kMicros, kSecond},
    {"seconds", Unit::kMicros, kSecond},
    {"m", Unit::kMicros, kMinute},
    {"min", Unit::kMicros, kMinute},
    {"mins", Unit::kMicros, kMinute},
    {"minute", Unit::kMicros, kMinute},
    {"minutes", Unit::kMicros, kMinute},
    {"h", Unit::kMicros, kHour},
    {"hr", Unit::kMicros, kHour},
    {"hrs", Unit::kMicros, kHour},
    {"hour", Unit::kMicros, kHour},
    {"hours", Unit::kMicros, kHour},
    {"d", Unit::kDays, 1},
    {"day", Unit::kDays, 1},
    {"days", Unit::kDays, 1},
    {"w", Unit::kDays, 7},
    {"week", Unit::kDays, 7},
    {"weeks", Unit::kDays, 7},
    {"mon", Unit::kMonths, 1},
    {"mons", Unit::kMonths, 1},
    {"month", Unit::kMonths, 1},
    {"months", Unit::kMonths, 1},
    {"y", Unit::kMonths, 12},
    {"yr", Unit::kMonths, 12},
    {"yrs", Unit::kMonths, 12},
    {"year", Unit::kMonths, 12},
    {"years", Unit::kMonths, 12},
    {"dec", Unit::kMonths, 120},
    {"decs", Unit::kMonths, 120},
    {"decade", Unit::kMonths, 120},
    {"decades", Unit::kMonths, 120},
    {"c", Unit::kMonths, 1200},
    {"cent", Unit::kMonths, 1200},
    {"century", Unit::kMonths, 1200},
    {"centuries", Unit::kMonths, 1200},
    {"mil", Unit::kMonths, 12000},
    {"mils", Unit::kMonths, 12000},
    {"millennium", Unit::kMonths, 12000},
    {"millennia", Unit::kMonths, 12000},
};

const UnitName* FindUnit(std::string_view word) {
  for (const UnitName& unit : kUnits) {
    if (unit.name == word) return &unit;
  }
  return nullptr;
}

// Sums in 64 bits; narrowed at the end.
struct Parts {
  int64_t months = 0, days = 0, micros = 0;
  bool overflow = false;

  void Put(int64_t* field, int64_t count, int64_t size) {
    int64_t product;
    overflow |=
        __builtin_mul_overflow(count, size, &product) || __builtin_add_overflow(*field, product, field);
  }
  void PutTime(double value, int64_t size) {
    const double micros_part = std::rint(value * static_cast<double>(size));
    if (!(std::fabs(micros_part) < 9.2e18)) {
      overflow = true;
      return;
    }
    Put(&micros, static_cast<int64_t>(micros_part), 1);
  }
  void PutDayFraction(double days_part) {
    const double whole = std::trunc(days_part);
    Put(&days, static_cast<int64_t>(whole), 1);
    PutTime(days_part - whole, kDay);
  }

  void Add(int64_t whole, double fraction, Unit unit, int64_t size) {
    switch (unit) {
      case Unit::kMicros:
        Put(&micros, whole, size);
        if (fraction != 0) PutTime(fraction, size);
        return;
      case Unit::kDays:
        Put(&days, whole, size);
        if (fraction != 0) PutDayFraction(fraction * static_cast<double>(size));
        return;
      case Unit::kMonths:
        Put(&months, whole, size);
        if (fraction == 0) return;
        if (size == 1) {
          PutDayFraction(fraction * 30);
        } else {
          Put(&months, static_cast<int64_t>(std::rint(fraction * static_cast<double>(size))), 1);
        }
        return;
    }
  }

  void Negate() {
    overflow |= micros == std::numeric_limits<int64_t>::min();
    if (overflow) return;
    months = -months;
    days = -days;
    micros = -micros;
  }
};

enum class Verdict : uint8_t { kFine, kBadSyntax, kOutOfRange };

class IntervalReader {
 public:
  explicit IntervalReader(std::string_view text) : p_(text.data()), end_(p_ + text.size()) {}

  Verdict Read(Parts* parts) {
    parts_ = parts;
    Skip();
    if (p_ < end_ && *p_ == '@') {
      ++p_;
      Skip();
    }
    if (p_ == end_) return Verdict::kBadSyntax;
    if (*p_ == 'P') return Iso();
    return Verbose();
  }

 private:
  struct Amount {
    bool negative = false;
    int64_t whole = 0;
    double fraction = 0;
    int digits = 0;
  };

  void Skip() {
    while (p_ < end_ && (IsSpace(*p_) || *p_ == ',')) ++p_;
  }

  void ReadSign(Amount* a) {
    if (p_ < end_ && (*p_ == '+' || *p_ == '-')) {
      a->negative = *p_++ == '-';
      Skip();
    }
  }

  // Digits with an optional fraction; signed values come out signed.
  bool ReadAmount(Amount* a) {
    const char* start = p_;
    for (; p_ < end_ && IsDigit(*p_); ++p_) {
      if (__builtin_mul_overflow(a->whole, int64_t{10}, &a->whole) ||
          __builtin_add_overflow(a->whole, int64_t{*p_ - '0'}, &a->whole)) {
        parts_->overflow = true;
        a->whole = 0;
      }
    }
    a->digits = static_cast<int>(p_ - start);
    if (p_ < end_ && *p_ == '.') {
      const char* point = p_++;
      while (p_ < end_ && IsDigit(*p_)) ++p_;
      if (p_ - point > 1) {
        const std::string number = "0" + std::string(point, p_);
        std::from_chars(number.data(), number.data() + number.size(), a->fraction);
        a->digits += static_cast<int>(p_ - point) - 1;
      }
    }
    return a->digits > 0;
  }

  void AddAmount(const Amount& a, Unit unit, int64_t size) {
    parts_->Add(a.negative ? -a.whole : a.whole, a.negative ? -a.fraction : a.fraction, unit, size);
  }

  Verdict Verbose() {
    bool any = false;
    while (true) {
      Skip();
      if (p_ == end_) return any ? Finish() : Verdict::kBadSyntax;
      if (IsAlpha(*p_)) {
        if (!any || !ReadAgo()) return Verdict::kBadSyntax;
        continue;
      }
      Amount a;
      ReadSign(&a);
      if (p_ == end_ || !ReadAmount(&a)) return Verdict::kBadSyntax;
      any = true;
      const Verdict v = AfterAmount(a);
      if (v != Verdict::kFine) return v;
    }
  }

  // Wherever it stands, "ago" turns the whole interval round.
  bool ReadAgo() {
    if (end_ - p_ < 3 || !EqualsFolded({p_, 3}, "ago") || (end_ - p_ > 3 && IsAlpha(p_[3]))) return false;
    p_ += 3;
    ago_ = true;
    return true;
  }
  Verdict Finish() {
    if (ago_) parts_->Negate();
    return Verdict::kFine;
  }

  Verdict AfterAmount(const Amount& a) {
    if (p_ < end_ && *p_ == ':') return Clock(a);
    if (p_ < end_ && *p_ == '-' && a.fraction == 0 && p_ + 1 < end_ && IsDigit(p_[1])) return YearMonth(a);
    Skip();
    if (p_ == end_) return Unitless(a, Unit::kMicros, kSecond);
    if (IsAlpha(*p_)) {
      std::string word;
      while (p_ < end_ && IsAlpha(*p_)) word += ToLower(*p_++);
      const UnitName* unit = FindUnit(word);
      if (unit == nullptr) return Verdict::kBadSyntax;
      return Named(a, *unit);
    }
    // A number before a clock is days: "1 02:03:04".
    return Unitless(a, Unit::kDays, 1);
  }

  // Each unit may stand once.
  Verdict Named(const Amount& a, const UnitName& unit) {
    const uint64_t bit = uint64_t{1} << UnitBit(unit);
    const bool clock_unit = unit.unit == Unit::kMicros;
    if ((seen_ & bit) || (clock_unit && clock_seen_)) return Verdict::kBadSyntax;
    clock_unit_seen_ |= clock_unit;
    seen_ |= bit;
    AddAmount(a, unit.unit, unit.size);
    return Verdict::kFine;
  }
  static int UnitBit(const UnitName& unit) {
    int bit = 0;
    for (const UnitName& other : kUnits) {
      if (other.unit == unit.unit && other.size == unit.size) return bit;
      ++bit;
    }
    return bit;
  }

  Verdict Unitless(const Amount& a, Unit unit, int64_t size) {
    if (unit == Unit::kDays && !LooksLikeClock()) return Verdict::kBadSyntax;
    if (unit == Unit::kMicros) {
      // Bare seconds exclude a second clock.
      if (clock_seen_) return Verdict::kBadSyntax;
      clock_seen_ = true;
    }
    AddAmount(a, unit, size);
    return Verdict::kFine;
  }
  bool LooksLikeClock() const {
    const char* p = p_;
    if (p < end_ && (*p == '+' || *p == '-')) ++p;
    while (p < end_ && IsDigit(*p)) ++p;
    return p < end_ && *p == ':';
  }

  // hours:minutes[:seconds[.fraction]] or minutes:seconds.fraction.
  Verdict Clock(const Amount& first) {
    if (clock_seen_ || clock_unit_seen_ || first.fraction != 0) return Verdict::kBadSyntax;
    clock_seen_ = true;
    ++p_;
    Amount second, third;
    if (!ReadAmount(&second)) return Verdict::kBadSyntax;
    int64_t hours = first.whole, minutes = second.whole;
    Amount seconds;
    if (p_ < end_ && *p_ == ':') {
      ++p_;
      if (!ReadAmount(&third)) return Verdict::kBadSyntax;
      seconds = third;
    } else if (second.fraction != 0) {
      hours = 0;
      minutes = first.whole;
      seconds = second;
    }
    if (minutes > 59 || seconds.whole > 60) return Verdict::kOutOfRange;
    Parts time;
    time.Put(&time.micros, hours, kHour);
    time.Put(&time.micros, minutes, kMinute);
    time.Add(seconds.whole, seconds.fraction, Unit::kMicros, kSecond);
    parts_->overflow |= time.overflow;
    parts_->Put(&parts_->micros, time.micros, first.negative ? -1 : 1);
    return Verdict::kFine;
  }

  // SQL "years-months".
  Verdict YearMonth(const Amount& years) {
    ++p_;
    Amount months;
    if (!ReadAmount(&months) || months.fraction != 0) return Verdict::kBadSyntax;
    if (months.whole > 11) return Verdict::kOutOfRange;
    const int64_t sign = years.negative ? -1 : 1;
    parts_->Put(&parts_->months, years.whole, 12 * sign);
    parts_->Put(&parts_->months, months.whole, sign);
    return Verdict::kFine;
  }

  // P[n]Y[n]M[n]W[n]DT[n]H[n]M[n]S and P[year]-[month]-[day]T[hour]:[minute]:[second].
  Verdict Iso() {
    ++p_;
    bool time = false;
    if (p_ == end_) return Verdict::kBadSyntax;
    while (p_ < end_) {
      if (*p_ == 'T') {
        if (time) return Verdict::kBadSyntax;
        time = true;
        ++p_;
        continue;
      }
      Amount a;
      if (p_ < end_ && (*p_ == '-' || *p_ == '+')) a.negative = *p_++ == '-';
      if (!ReadAmount(&a)) return Verdict::kBadSyntax;
      if (p_ == end_) return Verdict::kBadSyntax;
      const Verdict v = IsoField(a, time);
      if (v != Verdict::kFine) return v;
    }
    return Verdict::kFine;
  }

  Verdict IsoField(const Amount& a, bool time) {
    switch (*p_) {
      case 'Y':
        if (time) return Verdict::kBadSyntax;
        AddAmount(a, Unit::kMonths, 12);
        break;
      case 'M':
        AddAmount(a, time ? Unit::kMicros : Unit::kMonths, time ? kMinute : 1);
        break;
      case 'W':
        if (time) return Verdict::kBadSyntax;
        AddAmount(a, Unit::kDays, 7);
        break;
      case 'D':
        if (time) return Verdict::kBadSyntax;
        AddAmount(a, Unit::kDays, 1);
        break;
      case 'H':
        if (!time) return Verdict::kBadSyntax;
        AddAmount(a, Unit::kMicros, kHour);
        break;
      case 'S':
        if (!time) return Verdict::kBadSyntax;
        AddAmount(a, Unit::kMicros, kSecond);
        break;
      case '-':
        return time ? Verdict::kBadSyntax : IsoDate(a);
      case ':':
        return time ? Clock(a) : Verdict::kBadSyntax;
      default:
        return Verdict::kBadSyntax;
    }
    ++p_;
    return Verdict::kFine;
  }

  Verdict IsoDate(const Amount& years) {
    AddAmount(years, Unit::kMonths, 12);
    ++p_;
    Amount months, days;
    if (!ReadAmount(&months)) return Verdict::kBadSyntax;
    AddAmount(months, Unit::kMonths, 1);
    if (p_ < end_ && *p_ == '-') {
      ++p_;
      if (!ReadAmount(&days)) return Verdict::kBadSyntax;
      AddAmount(days, Unit::kDays, 1);
    }
    return Verdict::kFine;
  }

  const char* p_;
  const char* end_;
  Parts* parts_ = nullptr;
  uint64_t seen_ = 0;
  bool clock_seen_ = false;       // a clock or bare seconds
  bool clock_unit_seen_ = false;  // a unit of time by name
  bool ago_ = false;
};

}  // namespace

Result<Interval> ParseInterval(std::string_view text) {
  Parts parts;
  switch (IntervalReader(text).Read(&parts)) {
    case Verdict::kBadSyntax:
      return InvalidSyntax("interval", text);
    case Verdict::kOutOfRange:
      return Status::InvalidArgument("interval field value out of range: \"" + std::string(text) + "\"");
    case Verdict::kFine:
      break;
  }
  const Interval out{static_cast<int32_t>(parts.months), static_cast<int32_t>(parts.days), parts.micros};
  if (!parts.overflow && out.months != parts.months && out.days == parts.days &&
      std::abs(parts.months / 12) <= std::numeric_limits<int32_t>::max()) {
    return Status::InvalidArgument("interval out of range");
  }
  if (parts.overflow || out.months != parts.months || out.days != parts.days) {
    return Status::InvalidArgument("interval field value out of range: \"" + std::string(text) + "\"");
  }
  return out;
}

void PrintInterval(const Interval& value, std::string& out) {
  const size_t start = out.size();
  bool before_negative = false;
  const auto part = [&](int64_t count, std::string_view unit) {
    if (count == 0) return;
    if (out.size() > start) out += ' ';
    if (before_negative && count > 0) out += '+';
    PrintBigint(count, out);
    out += ' ';
    out += unit;
    if (count != 1) out += 's';
    before_negative = count < 0;
  };
  part(value.months / 12, "year");
  part(value.months % 12, "mon");
  part(value.days, "day");
  if (out.size() > start && value.micros == 0) return;
  if (out.size() > start) out += ' ';
  if (value.micros < 0) {
    out += '-';
  } else if (before_negative) {
    out += '+';
  }
  const uint64_t micros =
      value.micros < 0 ? 0 - static_cast<uint64_t>(value.micros) : static_cast<uint64_t>(value.micros);
  char clock[40];
  int count =
      std::snprintf(clock, sizeof clock, "%02llu:%02d:%02d", static_cast<unsigned long long>(micros / kHour),
                    static_cast<int>(micros / kMinute % 60), static_cast<int>(micros / kSecond % 60));
  out.append(clock, static_cast<size_t>(count));
  if (const auto fraction = static_cast<int>(micros % kSecond); fraction != 0) {
    count = std::snprintf(clock, sizeof clock, ".%06d", fraction);
    while (clock[count - 1] == '0') --count;
    out.append(clock, static_cast<size_t>(count));
  }
}

}  // namespace streamrun
