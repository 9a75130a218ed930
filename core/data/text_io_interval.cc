// Text of intervals: PostgreSQL's verbose, SQL and ISO 8601 forms in, IntervalStyle postgres out.
//
// Manual 8.5.4 and 8.5.5. A fraction of a unit moves down: of a year to months, of a month to days (30 a
// month), of a week or day to time (24 hours a day).
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <limits>

#include "core/data/datetime_tokens.h"
#include "core/data/interval_parts.h"
#include "core/data/text_io.h"
#include "core/data/text_scan.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

enum class Unit : uint8_t {
  kNone,  // nothing said yet: seconds
  kMicrosecond,
  kMillisecond,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kYear,
  kDecade,
  kCentury,
  kMillennium,
  kAgo,
  kOther,  // known, but no interval has it
};

struct UnitName {
  std::string_view name;
  Unit unit;
};
// In order of name. A longer word counts by its first ten letters ("microsecon").
constexpr UnitName kUnits[] = {
    {"ago", Unit::kAgo},
    {"c", Unit::kCentury},
    {"cent", Unit::kCentury},
    {"centuries", Unit::kCentury},
    {"century", Unit::kCentury},
    {"d", Unit::kDay},
    {"day", Unit::kDay},
    {"days", Unit::kDay},
    {"dec", Unit::kDecade},
    {"decade", Unit::kDecade},
    {"decades", Unit::kDecade},
    {"decs", Unit::kDecade},
    {"h", Unit::kHour},
    {"hour", Unit::kHour},
    {"hours", Unit::kHour},
    {"hr", Unit::kHour},
    {"hrs", Unit::kHour},
    {"m", Unit::kMinute},
    {"microsecon", Unit::kMicrosecond},
    {"mil", Unit::kMillennium},
    {"millennia", Unit::kMillennium},
    {"millennium", Unit::kMillennium},
    {"millisecon", Unit::kMillisecond},
    {"mils", Unit::kMillennium},
    {"min", Unit::kMinute},
    {"mins", Unit::kMinute},
    {"minute", Unit::kMinute},
    {"minutes", Unit::kMinute},
    {"mon", Unit::kMonth},
    {"mons", Unit::kMonth},
    {"month", Unit::kMonth},
    {"months", Unit::kMonth},
    {"ms", Unit::kMillisecond},
    {"msec", Unit::kMillisecond},
    {"msecond", Unit::kMillisecond},
    {"mseconds", Unit::kMillisecond},
    {"msecs", Unit::kMillisecond},
    {"qtr", Unit::kOther},
    {"quarter", Unit::kOther},
    {"s", Unit::kSecond},
    {"sec", Unit::kSecond},
    {"second", Unit::kSecond},
    {"seconds", Unit::kSecond},
    {"secs", Unit::kSecond},
    {"timezone", Unit::kOther},
    {"timezone_h", Unit::kOther},
    {"timezone_m", Unit::kOther},
    {"us", Unit::kMicrosecond},
    {"usec", Unit::kMicrosecond},
    {"usecond", Unit::kMicrosecond},
    {"useconds", Unit::kMicrosecond},
    {"usecs", Unit::kMicrosecond},
    {"w", Unit::kWeek},
    {"week", Unit::kWeek},
    {"weeks", Unit::kWeek},
    {"y", Unit::kYear},
    {"year", Unit::kYear},
    {"years", Unit::kYear},
    {"yr", Unit::kYear},
    {"yrs", Unit::kYear},
};
Unit FindUnit(std::string_view word) {
  word = word.substr(0, 10);
  const auto* found = std::lower_bound(std::begin(kUnits), std::end(kUnits), word,
                                       [](const UnitName& u, std::string_view w) { return u.name < w; });
  return found != std::end(kUnits) && found->name == word ? found->unit : Unit::kNone;
}

using Verdict = IntervalVerdict;

// "1 year 2 mons 3 days 04:05:06", "1-2 3 4:05:06", "@ 1 minute ago": read from the end, so that a unit is
// known before its number.
class VerboseReader {
 public:
  Verdict Read(std::string_view text, IntervalParts* parts) {
    parts_ = parts;
    if (!tokens_.Cut(text, DatetimeTokens::kIntervalBytes)) return Verdict::kBadSyntax;
    for (size_t i = tokens_.size(); i-- > 0;) {
      got_ = 0;
      if (const Verdict v = Token(tokens_[i]); v != Verdict::kFine) return v;
      if (got_ & have_) return Verdict::kBadSyntax;
      have_ |= got_;
    }
    if (have_ == 0) return Verdict::kBadSyntax;
    return !ago_ || parts_->Negate() ? Verdict::kFine : Verdict::kOutOfRange;
  }

 private:
  static uint32_t Bit(Unit unit) { return 1U << static_cast<int>(unit); }
  static uint32_t SecondBits() {
    return Bit(Unit::kSecond) | Bit(Unit::kMillisecond) | Bit(Unit::kMicrosecond);
  }
  static uint32_t ClockBits() { return Bit(Unit::kHour) | Bit(Unit::kMinute) | SecondBits(); }

  Verdict Token(const DatetimeToken& token) {
    switch (token.kind) {
      case TokenKind::kTime:
        return ReadTime(token.text);
      case TokenKind::kZone:
        if (token.text.find(':') != std::string_view::npos &&
            ReadTime(token.text.substr(1)) == Verdict::kFine) {
          if (token.text[0] == '-') parts_->micros = -parts_->micros;
          return Verdict::kFine;
        }
        return Number(token.text);
      case TokenKind::kDate:
      case TokenKind::kNumber:
        return Number(token.text);
      default:
        return Word(token.text);
    }
  }

  Verdict Word(std::string_view text) {
    const Unit unit = FindUnit(text);
    if (unit == Unit::kNone) return Verdict::kBadSyntax;
    ago_ |= unit == Unit::kAgo;
    unit_ = unit;
    return Verdict::kFine;
  }

  // The clock replaces what fractions of days said before, as PostgreSQL has it.
  Verdict ReadTime(std::string_view text) {
    Clock clock;
    switch (ReadClock(text, &clock)) {
      case ClockVerdict::kBadSyntax:
        return Verdict::kBadSyntax;
      case ClockVerdict::kOutOfRange:
        return Verdict::kOutOfRange;
      case ClockVerdict::kFine:
        break;
    }
    const int64_t rest = clock.minute * kMinute + clock.second * kSecond + clock.micros;
    if (__builtin_mul_overflow(clock.hour, kHour, &parts_->micros) ||
        __builtin_add_overflow(parts_->micros, rest, &parts_->micros)) {
      return Verdict::kOutOfRange;
    }
    got_ = ClockBits();
    unit_ = Unit::kDay;
    return Verdict::kFine;
  }

  Verdict Number(std::string_view text) {
    if (unit_ == Unit::kNone) unit_ = Unit::kSecond;
    const char* p = text.data();
    const char* end = p + text.size();
    int64_t value;
    double fraction = 0;
    if (!ReadInt64(&p, end, &value)) return Verdict::kOutOfRange;
    if (p < end && *p == '-') {
      // SQL's years-months.
      int64_t months;
      ++p;
      if (!ReadInt32(&p, end, &months) || months < 0 || months > 11) return Verdict::kOutOfRange;
      if (p != end) return Verdict::kBadSyntax;
      if (text[0] == '-') months = -months;
      if (__builtin_mul_overflow(value, int64_t{12}, &value) ||
          __builtin_add_overflow(value, months, &value)) {
        return Verdict::kOutOfRange;
      }
      unit_ = Unit::kMonth;
    } else if (p < end) {
      if (*p != '.' || !ReadFraction({p, end}, &fraction)) return Verdict::kBadSyntax;
      if (text[0] == '-') fraction = -fraction;
    }
    if (unit_ == Unit::kAgo || unit_ == Unit::kOther) return Verdict::kBadSyntax;
    got_ = unit_ == Unit::kSecond && fraction != 0 ? SecondBits() : Bit(unit_);
    const bool fits = Add(value, fraction);
    if (unit_ == Unit::kHour) unit_ = Unit::kDay;  // "1 2 hours": a number before hours is days
    return fits ? Verdict::kFine : Verdict::kOutOfRange;
  }

  bool Add(int64_t value, double fraction) {
    switch (unit_) {
      case Unit::kMicrosecond:
        return parts_->AddTime(value, fraction, 1);
      case Unit::kMillisecond:
        return parts_->AddTime(value, fraction, streamrun::kMillisecond);
      case Unit::kSecond:
        return parts_->AddTime(value, fraction, streamrun::kSecond);
      case Unit::kMinute:
        return parts_->AddTime(value, fraction, streamrun::kMinute);
      case Unit::kHour:
        return parts_->AddTime(value, fraction, streamrun::kHour);
      case Unit::kDay:
        return parts_->AddDays(value, 0, 1) && parts_->AddTimeFraction(fraction, streamrun::kDay);
      case Unit::kWeek:
        return parts_->AddDays(value, fraction, 7);
      case Unit::kMonth:
        return parts_->AddMonths(value, fraction);
      case Unit::kYear:
        return parts_->AddYears(value, fraction, 1);
      case Unit::kDecade:
        return parts_->AddYears(value, fraction, 10);
      case Unit::kCentury:
        return parts_->AddYears(value, fraction, 100);
      case Unit::kMillennium:
        return parts_->AddYears(value, fraction, 1000);
      default:
        return true;
    }
  }

  DatetimeTokens tokens_;
  IntervalParts* parts_ = nullptr;
  Unit unit_ = Unit::kNone;
  bool ago_ = false;
  uint32_t have_ = 0;
  uint32_t got_ = 0;
};

}  // namespace

Result<Interval> ParseInterval(std::string_view text) {
  IntervalParts parts;
  Verdict verdict = VerboseReader().Read(text, &parts);
  if (verdict == Verdict::kBadSyntax) {
    parts = IntervalParts();
    verdict = ReadIso8601Interval(text, &parts);
  }
  if (verdict == Verdict::kBadSyntax) return InvalidSyntax("interval", text);
  if (verdict == Verdict::kOutOfRange) {
    return Status::InvalidArgument("interval field value out of range: \"" + std::string(text) + "\"");
  }
  const int64_t months = int64_t{parts.years} * 12 + parts.months;
  if (months != static_cast<int32_t>(months)) return Status::InvalidArgument("interval out of range");
  return Interval{static_cast<int32_t>(months), parts.days, parts.micros};
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
