#include <charconv>

#include "core/data/interval_parts.h"
#include "core/data/text_scan.h"

namespace streamrun {

using text_scan::EqualsFolded;
using text_scan::IsDigit;

namespace {

using Verdict = IntervalVerdict;

class Iso8601Reader {
 public:
  explicit Iso8601Reader(std::string_view text) : p_(text.data()), end_(p_ + text.size()) {}

  Verdict Read(IntervalParts* parts) {
    parts_ = parts;
    if (end_ - p_ < 2 || *p_ != 'P') return Verdict::kBadSyntax;
    ++p_;
    bool any = false;
    while (p_ < end_) {
      if (*p_ == 'T') {
        ++p_;
        time_ = true;
        any = false;
        continue;
      }
      const char* start = p_;
      Amount a;
      if (const Verdict v = Number(&a); v != Verdict::kFine) return v;
      const size_t width = Width(start);
      const char unit = p_ < end_ ? *p_++ : '\0';
      const bool was_time = time_;
      const Verdict v = time_ ? TimeField(a, unit, width, any) : DateField(a, unit, width, any);
      if (v != Verdict::kFine) return v;
      any = was_time == time_;
    }
    return Verdict::kFine;
  }

 private:
  struct Amount {
    int64_t whole = 0;
    double fraction = 0;
  };
  static Verdict Of(bool fits) { return fits ? Verdict::kFine : Verdict::kOutOfRange; }

  // Digits that a field begins with.
  size_t Width(const char* p) const {
    if (p < end_ && *p == '-') ++p;
    const char* start = p;
    while (p < end_ && IsDigit(*p)) ++p;
    return static_cast<size_t>(p - start);
  }

  Verdict Number(Amount* a) {
    if (p_ == end_ || (!IsDigit(*p_) && *p_ != '-' && *p_ != '.')) return Verdict::kBadSyntax;
    const char* digits = p_ + (*p_ == '-' ? 1 : 0);
    // -inf and -nan are numbers to strtod, and to PostgreSQL.
    const std::string_view rest(digits, static_cast<size_t>(end_ - digits));
    if (EqualsFolded(rest.substr(0, 3), "inf") || EqualsFolded(rest.substr(0, 3), "nan"))
      return Verdict::kOutOfRange;
    if (digits == end_ || (!IsDigit(*digits) && *digits != '.')) return Verdict::kBadSyntax;
    double value = 0;
    const auto [next, error] = std::from_chars(p_, end_, value);
    if (error == std::errc::result_out_of_range || next == p_) return Verdict::kBadSyntax;
    p_ = next;
    if (value < -1e15 || value > 1e15) return Verdict::kOutOfRange;
    a->whole = static_cast<int64_t>(value);
    a->fraction = value - static_cast<double>(a->whole);
    return Verdict::kFine;
  }

  Verdict DateField(const Amount& a, char unit, size_t width, bool any) {
    switch (unit) {
      case 'Y':
        return Of(parts_->AddYears(a.whole, a.fraction, 1));
      case 'M':
        return Of(parts_->AddMonths(a.whole, a.fraction));
      case 'W':
        return Of(parts_->AddDays(a.whole, a.fraction, 7));
      case 'D':
        return Of(parts_->AddDays(a.whole, 0, 1) && parts_->AddTimeFraction(a.fraction, kDay));
      case 'T':
      case '\0':
        time_ = true;
        if (width == 8 && !any) {
          return Of(parts_->AddYears(a.whole / 10000, 0, 1) && parts_->AddMonths(a.whole / 100 % 100, 0) &&
                    parts_->AddDays(a.whole % 100, 0, 1) && parts_->AddTimeFraction(a.fraction, kDay));
        }
        return any ? Verdict::kBadSyntax : Of(parts_->AddYears(a.whole, a.fraction, 1));
      case '-':
        return any ? Verdict::kBadSyntax : YearMonthDay(a);
      default:
        return Verdict::kBadSyntax;
    }
  }
  Verdict YearMonthDay(const Amount& years) {
    if (!parts_->AddYears(years.whole, years.fraction, 1)) return Verdict::kOutOfRange;
    Amount a;
    if (const Verdict v = Number(&a); v != Verdict::kFine) return v;
    if (!parts_->AddMonths(a.whole, a.fraction)) return Verdict::kOutOfRange;
    time_ = true;
    if (p_ == end_ || *p_ == 'T') return Verdict::kFine;
    if (*p_++ != '-') return Verdict::kBadSyntax;
    if (const Verdict v = Number(&a); v != Verdict::kFine) return v;
    if (!parts_->AddDays(a.whole, 0, 1) || !parts_->AddTimeFraction(a.fraction, kDay))
      return Verdict::kOutOfRange;
    return p_ == end_ || *p_ == 'T' ? Verdict::kFine : Verdict::kBadSyntax;
  }

  Verdict TimeField(const Amount& a, char unit, size_t width, bool any) {
    switch (unit) {
      case 'H':
        return Of(parts_->AddTime(a.whole, a.fraction, kHour));
      case 'M':
        return Of(parts_->AddTime(a.whole, a.fraction, kMinute));
      case 'S':
        return Of(parts_->AddTime(a.whole, a.fraction, kSecond));
      case '\0':
        if (width == 6 && !any) {
          return Of(parts_->AddTime(a.whole / 10000, 0, kHour) &&
                    parts_->AddTime(a.whole / 100 % 100, 0, kMinute) &&
                    parts_->AddTime(a.whole % 100, 0, kSecond) && parts_->AddTimeFraction(a.fraction, 1));
        }
        return any ? Verdict::kBadSyntax : Of(parts_->AddTime(a.whole, a.fraction, kHour));
      case ':':
        return any ? Verdict::kBadSyntax : HourMinuteSecond(a);
      default:
        return Verdict::kBadSyntax;
    }
  }
  Verdict HourMinuteSecond(const Amount& hours) {
    if (!parts_->AddTime(hours.whole, hours.fraction, kHour)) return Verdict::kOutOfRange;
    Amount a;
    if (const Verdict v = Number(&a); v != Verdict::kFine) return v;
    if (!parts_->AddTime(a.whole, a.fraction, kMinute)) return Verdict::kOutOfRange;
    if (p_ == end_) return Verdict::kFine;
    if (*p_++ != ':') return Verdict::kBadSyntax;
    if (const Verdict v = Number(&a); v != Verdict::kFine) return v;
    if (!parts_->AddTime(a.whole, a.fraction, kSecond)) return Verdict::kOutOfRange;
    return p_ == end_ ? Verdict::kFine : Verdict::kBadSyntax;
  }

  const char* p_;
  const char* end_;
  IntervalParts* parts_ = nullptr;
  bool time_ = false;
};

}  // namespace

IntervalVerdict ReadIso8601Interval(std::string_view text, IntervalParts* parts) {
  return Iso8601Reader(text).Read(parts);
}

}  // namespace streamrun
