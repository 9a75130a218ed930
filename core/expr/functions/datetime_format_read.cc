#include "core/expr/functions/datetime_format_read.h"

#include <algorithm>
#include <utility>

#include "core/data/text_scan.h"
#include "core/data/utf8_check.h"
#include "core/expr/utf8.h"

namespace streamrun {

using text_scan::IsDigit;
using text_scan::IsSpace;
using text_scan::ToLower;

namespace {

class FormatReader {
 public:
  FormatReader(const DatetimeFormat& format, std::string_view text, FormatFields* said)
      : format_(format), p_(text.data()), begin_(p_), end_(p_ + text.size()), said_(said) {}

  bool Read() {
    for (at_ = 0; at_ < format_.size() && p_ < end_; ++at_) {
      const FormatNode& node = format_[at_];
      const bool is_pattern = node.kind == FormatNode::Kind::kPattern;
      const bool is_fixed = is_pattern && node.pattern->field == DatetimeField::kFixed;
      if (!fixed_ && !is_fixed && (is_pattern || at_ == 0)) SkipSpaces();
      if (!is_pattern) {
        SkipCharacter(node);
        continue;
      }
      if (!SetCalendar(node.pattern->calendar) || !TimeField(node)) return false;
      if (fixed_) continue;
      surplus_ = 0;
      SkipSpaces();
    }
    return true;
  }
  const FormatRefusal& refusal() const { return refusal_; }

 private:
  bool Refuse(std::string_view code, std::string message) {
    refusal_ = {code, std::move(message)};
    return false;
  }
  std::string Name() const { return std::string(format_[at_].pattern->name); }

  void SkipSpaces() {
    for (; p_ < end_ && IsSpace(*p_); ++p_) ++surplus_;
  }
  void SkipOne() {
    if (p_ < end_) p_ += std::min<ptrdiff_t>(static_cast<ptrdiff_t>(Utf8Length(*p_)), end_ - p_);
  }

  // Characters of the format stand for any character of the text, but not for ones skipped before.
  void SkipCharacter(const FormatNode& node) {
    if (fixed_) return SkipOne();
    if (node.kind == FormatNode::Kind::kLiteral) {
      if (surplus_ > 0) {
        --surplus_;
      } else {
        SkipOne();
      }
      return;
    }
    --surplus_;
    if (p_ < end_ && (IsSpace(*p_) || IsFormatSeparator(*p_))) {
      ++p_;
      ++surplus_;
    }
  }

  bool SetCalendar(Calendar calendar) {
    if (calendar == Calendar::kAny) return true;
    if (said_->calendar != Calendar::kAny && said_->calendar != calendar) {
      return Refuse("22007", "invalid combination of date conventions");
    }
    said_->calendar = calendar;
    return true;
  }

  bool Set(int64_t* to, int64_t value) {
    if (*to != 0 && *to != value) {
      return Refuse("22007", "conflicting values for \"" + Name() + "\" field in formatting string");
    }
    *to = value;
    return true;
  }

  // Does something other than a digit follow this field? Then it has all the digits that there are.
  bool EndsAtSeparator() const {
    if (format_[at_].ordinal || at_ + 1 == format_.size()) return true;
    const FormatNode& next = format_[at_ + 1];
    if (next.kind == FormatNode::Kind::kPattern) return !next.pattern->digits;
    return next.length != 1 || !IsDigit(next.text[0]);
  }

  // strtol: white space, a sign, digits. Saturates; leaves *p where it was when there is no digit.
  static int64_t ToInteger(const char** p, const char* end) {
    const char* at = *p;
    while (at < end && IsSpace(*at)) ++at;
    bool negative = false;
    if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
    if (at == end || !IsDigit(*at)) return 0;
    int64_t value = 0;
    for (; at < end && IsDigit(*at); ++at) {
      if (value < int64_t{1} << 40) value = value * 10 + (*at - '0');
    }
    *p = at;
    return negative ? -value : value;
  }

  // A number of `most` characters, or of any length before a separator. *length is what was consumed.
  bool Integer(int64_t* to, int most, int* length = nullptr) {
    const char* start = p_;
    while (p_ < end_ && IsSpace(*p_)) ++p_;
    const std::string_view piece(p_, static_cast<size_t>(std::min<ptrdiff_t>(most, end_ - p_)));
    int64_t value;
    if (format_[at_].fill || EndsAtSeparator()) {
      p_ = start;
      value = ToInteger(&p_, end_);
    } else {
      if (end_ - p_ < most) {
        return Refuse("22007", "source string too short for \"" + Name() + "\" formatting field");
      }
      const char* at = p_;
      value = ToInteger(&at, p_ + most);
      if (at > p_ && at < p_ + most) return RefuseValue(piece);
      p_ = at;
    }
    if (p_ == start) return RefuseValue(piece);
    if (value != static_cast<int32_t>(value)) {
      return Refuse("22008", "value for \"" + Name() + "\" in source string is out of range");
    }
    if (length != nullptr) *length = static_cast<int>(p_ - start);
    return to == nullptr || Set(to, value);
  }
  // What was read ends at a byte count, perhaps inside a character: that one is left out.
  bool RefuseValue(std::string_view value) {
    value = value.substr(0, FindInvalidUtf8(value));
    return Refuse("22007", "invalid value \"" + std::string(value) + "\" for \"" + Name() + "\"");
  }

  // A number as long as its pattern's name, with what TH skips behind it.
  bool Number(int64_t* to) { return Number(to, static_cast<int>(format_[at_].pattern->name.size())); }
  bool Number(int64_t* to, int most) { return Integer(to, most) && SkipOrdinal(); }
  bool SkipOrdinal() {
    if (!format_[at_].ordinal) return true;
    SkipOne();
    SkipOne();
    return true;
  }

  // Which of the names stands here, in any case; its first `letters` letters count.
  template <size_t N>
  bool Name(const std::string_view (&names)[N], size_t letters, int64_t* index) {
    const std::string_view rest(p_, static_cast<size_t>(end_ - p_));
    for (size_t i = 0; i < N; ++i) {
      const std::string_view name = names[i].substr(0, letters);
      if (rest.size() < name.size()) continue;
      size_t same = 0;
      while (same < name.size() && ToLower(rest[same]) == ToLower(name[same])) ++same;
      if (same < name.size()) continue;
      p_ += name.size();
      *index = static_cast<int64_t>(i);
      return true;
    }
    size_t length = 0;
    while (length < rest.size() && (!IsSpace(rest[length]) || rest[length] == '\v')) ++length;
    return RefuseValue(rest.substr(0, length));
  }

  bool Meridiem(const std::string_view (&names)[2]) {
    int64_t index = 0;
    if (!Name(names, 4, &index) || !Set(&said_->pm, index)) return false;
    said_->clock12 = true;
    return true;
  }
  bool Era(const std::string_view (&names)[2]) {
    int64_t index = 0;
    return Name(names, 4, &index) && Set(&said_->before_christ, index);
  }

  // A fraction of a second to some digits; fewer digits are the first ones.
  bool Fraction(int64_t* to, int digits) {
    int length = 0;
    if (!Integer(to, digits, &length)) return false;
    const int all = digits == 3 && to == &said_->millis ? 3 : 6;
    for (int i = std::max(length, 1); i < all; ++i) *to *= 10;
    return SkipOrdinal();
  }

  bool TimeField(const FormatNode& node) {
    using enum DatetimeField;
    static constexpr std::string_view kPlain[] = {"am", "pm"};
    static constexpr std::string_view kDotted[] = {"a.m.", "p.m."};
    const DatetimeField field = node.pattern->field;
    switch (field) {
      case kFixed:
        fixed_ = true;
        return true;
      case kMeridiem:
        return Meridiem(kPlain);
      case kMeridiemDotted:
        return Meridiem(kDotted);
      case kHour12:
        said_->clock12 = true;
        return Number(&said_->hour, 2);
      case kHour24:
        return Number(&said_->hour, 2);
      case kMinute:
        return Number(&said_->minute);
      case kSecond:
        return Number(&said_->second);
      case kSecondsOfDay:
        return Number(&said_->seconds_of_day);
      case kMillisecond:
        return Fraction(&said_->millis, 3);
      case kMicrosecond:
        return Fraction(&said_->micros, 6);
      case kFraction1:
      case kFraction2:
      case kFraction3:
      case kFraction4:
      case kFraction5:
      case kFraction6:
        said_->fraction_digits = static_cast<int>(field) - static_cast<int>(kFraction1) + 1;
        return Fraction(&said_->micros, said_->fraction_digits);
      case kZoneName:
      case kOffset:
        return Refuse("0A000", "formatting field \"" + Name() + "\" is only supported in to_char");
      case kZoneHour:
        return ZoneHour();
      case kZoneMinute:
        if (said_->zone_sign == 0) said_->zone_sign = 1;
        return Integer(&said_->zone_minute, 2);
      default:
        return DateField(node);
    }
  }

  bool ZoneHour() {
    if (p_ < end_ && (*p_ == '+' || *p_ == '-' || *p_ == ' ')) {
      said_->zone_sign = *p_++ == '-' ? -1 : 1;
    } else {
      // A minus that was skipped as one separator too many is the sign.
      said_->zone_sign = surplus_ > 0 && p_ > begin_ && p_[-1] == '-' ? -1 : 1;
    }
    return Integer(&said_->zone_hour, 2);
  }

  bool DateField(const FormatNode& node) {
    using enum DatetimeField;
    static constexpr std::string_view kEras[] = {"ad", "bc"};
    static constexpr std::string_view kDottedEras[] = {"a.d.", "b.c."};
    int64_t index = 0;
    switch (node.pattern->field) {
      case kEra:
        return Era(kEras);
      case kEraDotted:
        return Era(kDottedEras);
      case kMonthName:
        return Name(kMonthNames, 9, &index) && Set(&said_->month, index + 1);
      case kMonthShort:
        return Name(kMonthNames, 3, &index) && Set(&said_->month, index + 1);
      case kRoman:
        return Name(kRomanMonths, 4, &index) && Set(&said_->month, 12 - index);
      case kMonth:
        return Number(&said_->month);
      case kDayName:
      case kDayShort:
        if (!Name(kDayNames, node.pattern->field == kDayName ? 9 : 3, &index)) return false;
        return SetDayOfWeek(index);
      case kDayOfWeek:
        return Number(&said_->day_of_week);
      case kIsoDayOfWeek:
        if (!Integer(&said_->day_of_week, 1)) return false;
        if (++said_->day_of_week > 7) said_->day_of_week = 1;
        return SkipOrdinal();
      case kDayOfYear:
      case kIsoDayOfYear:
        return Number(&said_->day_of_year, 3);
      case kDayOfMonth:
        return Number(&said_->day);
      case kWeek:
      case kIsoWeek:
        return Number(&said_->week);
      case kWeekOfMonth:
        return Number(&said_->week_of_month);
      case kQuarter:
        return Number(nullptr);  // says too little to make a date
      case kCentury:
        return Number(&said_->century);
      case kJulian:
        return Integer(&said_->julian, 1) && SkipOrdinal();
      default:
        return YearField(node.pattern->field);
    }
  }
  // The names set 0 for Sunday before it becomes 1.
  bool SetDayOfWeek(int64_t index) {
    if (!Set(&said_->day_of_week, index)) return false;
    ++said_->day_of_week;
    return true;
  }

  bool YearField(DatetimeField field) {
    using enum DatetimeField;
    if (field == kYearComma) return YearWithComma();
    const DatetimeField longest = field >= kYear4 ? kYear4 : kIsoYear4;
    const int digits = 4 - (static_cast<int>(field) - static_cast<int>(longest));
    int length = 0;
    if (!Integer(&said_->year, digits, &length)) return false;
    if (digits < 4 && length < 4) said_->year = NearestTo2020(said_->year);
    said_->year_digits = digits;
    return SkipOrdinal();
  }
  static int64_t NearestTo2020(int64_t year) {
    if (year < 70) return year + 2000;
    if (year < 100) return year + 1900;
    if (year < 520) return year + 2000;
    return year < 1000 ? year + 1000 : year;
  }
  bool YearWithComma() {
    const char* at = p_;
    const int64_t thousands = ToInteger(&at, end_);
    const bool has_comma = at > p_ && at < end_ && *at == ',';
    const char* rest = has_comma ? at + 1 : at;
    while (has_comma && rest < end_ && IsSpace(*rest)) ++rest;
    const char* behind = rest;
    const int64_t years = has_comma ? ToInteger(&behind, rest + std::min<ptrdiff_t>(3, end_ - rest)) : 0;
    if (!has_comma || behind == rest) return Refuse("22007", "invalid input string for \"Y,YYY\"");
    p_ = behind;
    if (!Set(&said_->year, thousands * 1000 + years)) return false;
    said_->year_digits = 4;
    return SkipOrdinal();
  }

  const DatetimeFormat& format_;
  size_t at_ = 0;
  const char* p_;
  const char* begin_;
  const char* end_;
  FormatFields* said_;
  bool fixed_ = false;   // FX
  int64_t surplus_ = 0;  // characters of the text skipped beyond those of the format
  FormatRefusal refusal_;
};

}  // namespace

bool ReadFormatFields(const DatetimeFormat& format, std::string_view text, FormatFields* fields,
                      FormatRefusal* refusal) {
  FormatReader reader(format, text, fields);
  if (reader.Read()) return true;
  *refusal = reader.refusal();
  return false;
}

}  // namespace streamrun
