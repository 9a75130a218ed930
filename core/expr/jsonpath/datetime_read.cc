// Reading dates and times inside a jsonpath by a template (manual 9.8, as the SQL standard has it).
#include "core/data/text_io.h"
#include "core/expr/jsonpath/datetime.h"

namespace streamrun {

namespace {

constexpr int64_t kSecondMicros = 1'000'000;
constexpr int64_t kDayMicros = 86'400 * kSecondMicros;

constexpr std::string_view kMonthNames[] = {"january",   "february", "march",    "april",
                                            "may",       "june",     "july",     "august",
                                            "september", "october",  "november", "december"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool StartsWithFolded(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    if (Lower(text[i]) != lower[i]) return false;
  }
  return true;
}

enum class Field : uint8_t {
  kYear,
  kMonth,
  kMonthName,
  kMonthShort,
  kDay,
  kDayOfYear,
  kHour,
  kHour12,
  kMinute,
  kSecond,
  kSecondOfDay,
  kFraction,
  kHalf,
  kZoneHour,
  kZoneMinute,
};
struct FieldName {
  std::string_view lower;
  Field field;
  int digits;
};
// Longer names before their prefixes.
constexpr FieldName kFields[] = {
    {"yyyy", Field::kYear, 4},        {"yyy", Field::kYear, 3},        {"yy", Field::kYear, 2},
    {"y", Field::kYear, 1},           {"month", Field::kMonthName, 0}, {"mon", Field::kMonthShort, 0},
    {"mm", Field::kMonth, 2},         {"mi", Field::kMinute, 2},       {"ms", Field::kFraction, 3},
    {"ddd", Field::kDayOfYear, 3},    {"dd", Field::kDay, 2},          {"hh24", Field::kHour, 2},
    {"hh12", Field::kHour12, 2},      {"hh", Field::kHour12, 2},       {"sssss", Field::kSecondOfDay, 5},
    {"ssss", Field::kSecondOfDay, 5}, {"ss", Field::kSecond, 2},       {"us", Field::kFraction, 6},
    {"ff1", Field::kFraction, 1},     {"ff2", Field::kFraction, 2},    {"ff3", Field::kFraction, 3},
    {"ff4", Field::kFraction, 4},     {"ff5", Field::kFraction, 5},    {"ff6", Field::kFraction, 6},
    {"a.m.", Field::kHalf, 4},        {"p.m.", Field::kHalf, 4},       {"am", Field::kHalf, 2},
    {"pm", Field::kHalf, 2},          {"tzh", Field::kZoneHour, 2},    {"tzm", Field::kZoneMinute, 2},
};

const FieldName* FieldAt(std::string_view format) {
  for (const FieldName& name : kFields) {
    if (StartsWithFolded(format, name.lower)) return &name;
  }
  return nullptr;
}

class DatetimeReader {
 public:
  DatetimeReader(std::string_view text, std::string_view format)
      : text_(text), rest_(text), format_(format) {}

  Result<PathDatetime> Read() {
    while (!format_.empty()) {
      if (const FieldName* field = FieldAt(format_)) {
        const std::string_view shown = format_.substr(0, field->lower.size());
        format_.remove_prefix(shown.size());
        SkipSpaces();
        if (rest_.empty()) return TooShort();
        SR_RETURN_IF_ERROR(ReadField(*field, shown));
      } else {
        SR_RETURN_IF_ERROR(ReadSeparator());
      }
    }
    SkipSpaces();
    if (!dated_ && !timed_) return Status::InvalidArgument("datetime format is not dated and not timed");
    if (!rest_.empty()) {
      return Status::InvalidArgument("trailing characters remain in input string after datetime format");
    }
    return Build();
  }

 private:
  static Status TooShort() {
    return Status::InvalidArgument("input string is too short for datetime format");
  }
  Status OutOfRange() const {
    return Status::InvalidArgument("date/time field value out of range: \"" + std::string(text_) + "\"");
  }
  void SkipSpaces() {
    while (!rest_.empty() && IsSpace(rest_[0])) rest_.remove_prefix(1);
  }

  Status ReadSeparator() {
    if (format_[0] == '"') {
      format_.remove_prefix(1);
      while (!format_.empty() && format_[0] != '"') {
        if (rest_.empty()) return TooShort();
        if (rest_[0] != format_[0]) {
          return Status::InvalidArgument("unmatched format character \"" + std::string(1, format_[0]) + "\"");
        }
        rest_.remove_prefix(1);
        format_.remove_prefix(1);
      }
      if (!format_.empty()) format_.remove_prefix(1);
      return Status::Ok();
    }
    const char c = format_[0];
    if (std::string_view("-./,':; ").find(c) == std::string_view::npos) {
      return Status::InvalidArgument("invalid datetime format separator: \"" + std::string(1, c) + "\"");
    }
    if (rest_.empty()) return TooShort();
    if (rest_[0] != c) {
      return Status::InvalidArgument("unmatched format separator \"" + std::string(1, c) + "\"");
    }
    format_.remove_prefix(1);
    rest_.remove_prefix(1);
    return Status::Ok();
  }

  // A number of at most `digits` digits, or of any length where no digits can follow.
  Status ReadNumber(int digits, std::string_view shown, int64_t* value, int* count = nullptr) {
    const FieldName* next = FieldAt(format_);
    const bool bounded =
        next != nullptr && next->digits > 0 && next->field != Field::kHalf && next->field != Field::kZoneHour;
    size_t n = 0;
    *value = 0;
    while (n < rest_.size() && IsDigit(rest_[n]) && (!bounded || n < static_cast<size_t>(digits))) {
      if (n > 9) return OutOfRange();
      *value = *value * 10 + (rest_[n++] - '0');
    }
    if (n == 0) {
      return Status::InvalidArgument("invalid value \"" +
                                     std::string(rest_.substr(0, static_cast<size_t>(digits))) + "\" for \"" +
                                     std::string(shown) + "\"");
    }
    if (count != nullptr) *count = static_cast<int>(n);
    rest_.remove_prefix(n);
    return Status::Ok();
  }

  Status ReadField(const FieldName& field, std::string_view shown) {
    switch (field.field) {
      case Field::kMonthName:
      case Field::kMonthShort:
        return ReadMonth(field.field == Field::kMonthShort, shown);
      case Field::kHalf:
        return ReadHalf(shown);
      case Field::kFraction:
        return ReadFraction(field.digits, shown);
      case Field::kZoneHour:
        return ReadZoneHour(shown);
      case Field::kYear:
        return ReadYear(field.digits, shown);
      case Field::kMonth:
        dated_ = true;
        return ReadNumber(2, shown, &month_);
      case Field::kDay:
        dated_ = true;
        return ReadNumber(2, shown, &day_);
      case Field::kDayOfYear:
        dated_ = true;
        return ReadNumber(3, shown, &day_of_year_);
      case Field::kHour12:
        twelve_ = true;
        [[fallthrough]];
      case Field::kHour:
        timed_ = true;
        return ReadNumber(2, shown, &hour_);
      case Field::kMinute:
        timed_ = true;
        return ReadNumber(2, shown, &minute_);
      case Field::kSecond:
        timed_ = true;
        return ReadNumber(2, shown, &second_);
      case Field::kSecondOfDay:
        timed_ = true;
        return ReadNumber(5, shown, &second_of_day_);
      case Field::kZoneMinute:
        zoned_ = true;
        return ReadNumber(2, shown, &zone_minute_);
    }
    return Status::Ok();
  }

  // Fewer digits than four mean the year nearest to 2020.
  Status ReadYear(int digits, std::string_view shown) {
    dated_ = true;
    int count = 0;
    SR_RETURN_IF_ERROR(ReadNumber(digits, shown, &year_, &count));
    if (digits == 4 || count > 3) return Status::Ok();
    if (year_ < 70) {
      year_ += 2000;
    } else if (year_ < 100) {
      year_ += 1900;
    } else {
      year_ += year_ < 520 ? 2000 : 1000;
    }
    return Status::Ok();
  }

  Status ReadMonth(bool brief, std::string_view shown) {
    dated_ = true;
    for (int i = 0; i < 12; ++i) {
      const std::string_view name = brief ? kMonthNames[i].substr(0, 3) : kMonthNames[i];
      if (!StartsWithFolded(rest_, name)) continue;
      month_ = i + 1;
      rest_.remove_prefix(name.size());
      return Status::Ok();
    }
    return Status::InvalidArgument("invalid value \"" + std::string(rest_) + "\" for \"" +
                                   std::string(shown) + "\"");
  }

  Status ReadHalf(std::string_view shown) {
    timed_ = true;
    for (const std::string_view half : {"a.m.", "p.m.", "am", "pm"}) {
      if (half.size() != shown.size() || !StartsWithFolded(rest_, half)) continue;
      half_ = half[0];
      rest_.remove_prefix(half.size());
      return Status::Ok();
    }
    return Status::InvalidArgument("invalid value \"" + std::string(rest_.substr(0, shown.size())) +
                                   "\" for \"" + std::string(shown) + "\"");
  }

  Status ReadFraction(int digits, std::string_view shown) {
    timed_ = true;
    int count = 0;
    SR_RETURN_IF_ERROR(ReadNumber(digits, shown, &micros_, &count));
    if (count > digits) return OutOfRange();
    for (int i = count; i < 6; ++i) micros_ *= 10;
    return Status::Ok();
  }

  Status ReadZoneHour(std::string_view shown) {
    zoned_ = true;
    if (rest_[0] == '+' || rest_[0] == '-') {
      west_ = rest_[0] == '-';
      rest_.remove_prefix(1);
    }
    return ReadNumber(2, shown, &zone_hour_);
  }

  Status Resolve() {
    if (twelve_ && (hour_ < 1 || hour_ > 12)) {
      return Status::InvalidArgument("hour \"" + std::to_string(hour_) +
                                     "\" is invalid for the 12-hour clock");
    }
    if (twelve_ || half_ != 0) hour_ = half_ == 'p' ? hour_ % 12 + 12 : half_ == 'a' ? hour_ % 12 : hour_;
    if (second_of_day_ >= 0) {
      hour_ = second_of_day_ / 3600;
      minute_ = second_of_day_ / 60 % 60;
      second_ = second_of_day_ % 60;
    }
    const bool good = hour_ < 24 && minute_ < 60 && second_ < 60 && zone_hour_ < 16 && zone_minute_ < 60 &&
                      month_ >= 1 && month_ <= 12 && day_ >= 1 && day_ <= 31 && year_ <= 200'000 &&
                      day_of_year_ <= 366;
    return good ? Status::Ok() : OutOfRange();
  }

  Result<PathDatetime> Build() {
    if (zoned_ && !timed_) return Status::InvalidArgument("datetime format is zoned but not timed");
    SR_RETURN_IF_ERROR(Resolve());
    PathDatetime out;
    const int64_t time = ((hour_ * 60 + minute_) * 60 + second_) * kSecondMicros + micros_;
    const int64_t zone = (zone_hour_ * 60 + zone_minute_) * 60;
    out.zone = static_cast<int32_t>(west_ ? -zone : zone);
    if (!dated_) {
      out.kind = zoned_ ? PathDatetime::kTimetz : PathDatetime::kTime;
      out.value = time;
      return out;
    }
    int64_t days = DaysFromCivil(year_, static_cast<int>(month_), static_cast<int>(day_));
    int64_t year = 0;
    int month = 0;
    int day = 0;
    CivilFromDays(days, &year, &month, &day);
    if (month != month_ || day != day_) return OutOfRange();
    if (day_of_year_ > 0) days = DaysFromCivil(year_, 1, 1) + day_of_year_ - 1;
    if (!timed_) {
      out.value = days;
      return out;
    }
    out.kind = zoned_ ? PathDatetime::kTimestamptz : PathDatetime::kTimestamp;
    out.value = days * kDayMicros + time - int64_t{out.zone} * kSecondMicros;
    return out;
  }

  std::string_view text_;
  std::string_view rest_;
  std::string_view format_;
  bool dated_ = false;
  bool timed_ = false;
  bool zoned_ = false;
  bool twelve_ = false;
  bool west_ = false;
  char half_ = 0;
  int64_t year_ = 0;
  int64_t month_ = 1;
  int64_t day_ = 1;
  int64_t day_of_year_ = 0;
  int64_t hour_ = 0;
  int64_t minute_ = 0;
  int64_t second_ = 0;
  int64_t second_of_day_ = -1;
  int64_t micros_ = 0;
  int64_t zone_hour_ = 0;
  int64_t zone_minute_ = 0;
};

}  // namespace

Result<PathDatetime> ParsePathDatetime(std::string_view text, std::string_view format) {
  return DatetimeReader(text, format).Read();
}

Result<PathDatetime> ParsePathDatetime(std::string_view text) {
  static constexpr std::string_view kForms[] = {"yyyy-mm-dd",
                                                "hh24:mi:ss.ustzh:tzm",
                                                "hh24:mi:ss.ustzh",
                                                "hh24:mi:sstzh:tzm",
                                                "hh24:mi:sstzh",
                                                "hh24:mi:ss.us",
                                                "hh24:mi:ss",
                                                "yyyy-mm-dd hh24:mi:ss.ustzh:tzm",
                                                "yyyy-mm-dd hh24:mi:ss.ustzh",
                                                "yyyy-mm-dd hh24:mi:sstzh:tzm",
                                                "yyyy-mm-dd hh24:mi:sstzh",
                                                "yyyy-mm-dd hh24:mi:ss.us",
                                                "yyyy-mm-dd hh24:mi:ss",
                                                "yyyy-mm-dd\"T\"hh24:mi:ss.ustzh:tzm",
                                                "yyyy-mm-dd\"T\"hh24:mi:ss.ustzh",
                                                "yyyy-mm-dd\"T\"hh24:mi:sstzh:tzm",
                                                "yyyy-mm-dd\"T\"hh24:mi:sstzh",
                                                "yyyy-mm-dd\"T\"hh24:mi:ss.us",
                                                "yyyy-mm-dd\"T\"hh24:mi:ss"};
  for (const std::string_view form : kForms) {
    if (auto value = ParsePathDatetime(text, form); value.ok()) return value;
  }
  return Status::InvalidArgument("datetime format is not recognized: \"" + std::string(text) + "\"");
}

}  // namespace streamrun
