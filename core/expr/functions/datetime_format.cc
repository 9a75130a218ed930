#include "core/expr/functions/datetime_format.h"

#include <algorithm>
#include <cstring>

#include "core/data/text_scan.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

using enum DatetimeField;
constexpr auto kUpper = LetterCase::kUpper;
constexpr auto kCapital = LetterCase::kCapital;
constexpr auto kLower = LetterCase::kLower;
constexpr auto kAny = Calendar::kAny;
constexpr auto kGregorian = Calendar::kGregorian;
constexpr auto kIso = Calendar::kIsoWeek;

// In the order in which they are tried: a longer pattern stands before its beginning.
constexpr DatetimePattern kPatterns[] = {
    {"A.D.", kEraDotted, kUpper, false, kAny},
    {"A.M.", kMeridiemDotted, kUpper, false, kAny},
    {"AD", kEra, kUpper, false, kAny},
    {"AM", kMeridiem, kUpper, false, kAny},
    {"B.C.", kEraDotted, kUpper, false, kAny},
    {"BC", kEra, kUpper, false, kAny},
    {"CC", kCentury, kUpper, true, kAny},
    {"DAY", kDayName, kUpper, false, kAny},
    {"DDD", kDayOfYear, kUpper, true, kGregorian},
    {"DD", kDayOfMonth, kUpper, true, kGregorian},
    {"DY", kDayShort, kUpper, false, kAny},
    {"Day", kDayName, kCapital, false, kAny},
    {"Dy", kDayShort, kCapital, false, kAny},
    {"D", kDayOfWeek, kUpper, true, kGregorian},
    {"FF1", kFraction1, kUpper, true, kAny},
    {"FF2", kFraction2, kUpper, true, kAny},
    {"FF3", kFraction3, kUpper, true, kAny},
    {"FF4", kFraction4, kUpper, true, kAny},
    {"FF5", kFraction5, kUpper, true, kAny},
    {"FF6", kFraction6, kUpper, true, kAny},
    {"FX", kFixed, kUpper, false, kAny},
    {"HH24", kHour24, kUpper, true, kAny},
    {"HH12", kHour12, kUpper, true, kAny},
    {"HH", kHour12, kUpper, true, kAny},
    {"IDDD", kIsoDayOfYear, kUpper, true, kIso},
    {"ID", kIsoDayOfWeek, kUpper, true, kIso},
    {"IW", kIsoWeek, kUpper, true, kIso},
    {"IYYY", kIsoYear4, kUpper, true, kIso},
    {"IYY", kIsoYear3, kUpper, true, kIso},
    {"IY", kIsoYear2, kUpper, true, kIso},
    {"I", kIsoYear1, kUpper, true, kIso},
    {"J", kJulian, kUpper, true, kAny},
    {"MI", kMinute, kUpper, true, kAny},
    {"MM", kMonth, kUpper, true, kGregorian},
    {"MONTH", kMonthName, kUpper, false, kGregorian},
    {"MON", kMonthShort, kUpper, false, kGregorian},
    {"MS", kMillisecond, kUpper, true, kAny},
    {"Month", kMonthName, kCapital, false, kGregorian},
    {"Mon", kMonthShort, kCapital, false, kGregorian},
    {"OF", kOffset, kUpper, false, kAny},
    {"P.M.", kMeridiemDotted, kUpper, false, kAny},
    {"PM", kMeridiem, kUpper, false, kAny},
    {"Q", kQuarter, kUpper, true, kAny},
    {"RM", kRoman, kUpper, false, kGregorian},
    {"SSSSS", kSecondsOfDay, kUpper, true, kAny},
    {"SSSS", kSecondsOfDay, kUpper, true, kAny},
    {"SS", kSecond, kUpper, true, kAny},
    {"TZH", kZoneHour, kUpper, false, kAny},
    {"TZM", kZoneMinute, kUpper, true, kAny},
    {"TZ", kZoneName, kUpper, false, kAny},
    {"US", kMicrosecond, kUpper, true, kAny},
    {"WW", kWeek, kUpper, true, kGregorian},
    {"W", kWeekOfMonth, kUpper, true, kGregorian},
    {"Y,YYY", kYearComma, kUpper, true, kGregorian},
    {"YYYY", kYear4, kUpper, true, kGregorian},
    {"YYY", kYear3, kUpper, true, kGregorian},
    {"YY", kYear2, kUpper, true, kGregorian},
    {"Y", kYear1, kUpper, true, kGregorian},
    {"a.d.", kEraDotted, kLower, false, kAny},
    {"a.m.", kMeridiemDotted, kLower, false, kAny},
    {"ad", kEra, kLower, false, kAny},
    {"am", kMeridiem, kLower, false, kAny},
    {"b.c.", kEraDotted, kLower, false, kAny},
    {"bc", kEra, kLower, false, kAny},
    {"cc", kCentury, kUpper, true, kAny},
    {"day", kDayName, kLower, false, kAny},
    {"ddd", kDayOfYear, kUpper, true, kGregorian},
    {"dd", kDayOfMonth, kUpper, true, kGregorian},
    {"dy", kDayShort, kLower, false, kAny},
    {"d", kDayOfWeek, kUpper, true, kGregorian},
    {"ff1", kFraction1, kUpper, true, kAny},
    {"ff2", kFraction2, kUpper, true, kAny},
    {"ff3", kFraction3, kUpper, true, kAny},
    {"ff4", kFraction4, kUpper, true, kAny},
    {"ff5", kFraction5, kUpper, true, kAny},
    {"ff6", kFraction6, kUpper, true, kAny},
    {"fx", kFixed, kUpper, false, kAny},
    {"hh24", kHour24, kUpper, true, kAny},
    {"hh12", kHour12, kUpper, true, kAny},
    {"hh", kHour12, kUpper, true, kAny},
    {"iddd", kIsoDayOfYear, kUpper, true, kIso},
    {"id", kIsoDayOfWeek, kUpper, true, kIso},
    {"iw", kIsoWeek, kUpper, true, kIso},
    {"iyyy", kIsoYear4, kUpper, true, kIso},
    {"iyy", kIsoYear3, kUpper, true, kIso},
    {"iy", kIsoYear2, kUpper, true, kIso},
    {"i", kIsoYear1, kUpper, true, kIso},
    {"j", kJulian, kUpper, true, kAny},
    {"mi", kMinute, kUpper, true, kAny},
    {"mm", kMonth, kUpper, true, kGregorian},
    {"month", kMonthName, kLower, false, kGregorian},
    {"mon", kMonthShort, kLower, false, kGregorian},
    {"ms", kMillisecond, kUpper, true, kAny},
    {"of", kOffset, kUpper, false, kAny},
    {"p.m.", kMeridiemDotted, kLower, false, kAny},
    {"pm", kMeridiem, kLower, false, kAny},
    {"q", kQuarter, kUpper, true, kAny},
    {"rm", kRoman, kLower, false, kGregorian},
    {"sssss", kSecondsOfDay, kUpper, true, kAny},
    {"ssss", kSecondsOfDay, kUpper, true, kAny},
    {"ss", kSecond, kUpper, true, kAny},
    {"tzh", kZoneHour, kUpper, false, kAny},
    {"tzm", kZoneMinute, kUpper, true, kAny},
    {"tz", kZoneName, kLower, false, kAny},
    {"us", kMicrosecond, kUpper, true, kAny},
    {"ww", kWeek, kUpper, true, kGregorian},
    {"w", kWeekOfMonth, kUpper, true, kGregorian},
    {"y,yyy", kYearComma, kUpper, true, kGregorian},
    {"yyyy", kYear4, kUpper, true, kGregorian},
    {"yyy", kYear3, kUpper, true, kGregorian},
    {"yy", kYear2, kUpper, true, kGregorian},
    {"y", kYear1, kUpper, true, kGregorian},
};

const DatetimePattern* FindPattern(std::string_view text) {
  for (const DatetimePattern& pattern : kPatterns) {
    if (text.starts_with(pattern.name)) return &pattern;
  }
  return nullptr;
}

class FormatCompiler {
 public:
  explicit FormatCompiler(std::string_view text) : rest_(text) {}

  DatetimeFormat Compile() {
    while (!rest_.empty()) Next();
    return std::move(nodes_);
  }

 private:
  bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void Next() {
    FormatNode node;
    if (Take("FM") || Take("fm")) {
      node.fill = true;
    } else if (Take("TM") || Take("tm")) {
      node.translate = true;
    }
    if (const DatetimePattern* pattern = FindPattern(rest_)) {
      rest_.remove_prefix(pattern->name.size());
      node.kind = FormatNode::Kind::kPattern;
      node.pattern = pattern;
      if (Take("TH")) {
        node.ordinal = node.ordinal_upper = true;
      } else if (Take("th")) {
        node.ordinal = true;
      } else {
        Take("SP");  // spelled numbers: known, but not done by PostgreSQL either
      }
      nodes_.push_back(node);
      return;
    }
    if (rest_.empty()) return;
    if (Take("\"")) return Quoted();
    // Outside quotes a backslash is special only before a quote.
    if (rest_.starts_with("\\\"")) rest_.remove_prefix(1);
    const char c = rest_[0];
    Character(IsFormatSeparator(c)    ? FormatNode::Kind::kSeparator
              : text_scan::IsSpace(c) ? FormatNode::Kind::kSpace
                                      : FormatNode::Kind::kLiteral);
  }

  void Quoted() {
    while (!rest_.empty() && !Take("\"")) {
      if (rest_[0] == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      Character(FormatNode::Kind::kLiteral);
    }
  }

  void Character(FormatNode::Kind kind) {
    FormatNode node;
    node.kind = kind;
    node.length = static_cast<uint8_t>(std::min(Utf8Length(rest_[0]), rest_.size()));
    std::memcpy(node.text, rest_.data(), node.length);
    rest_.remove_prefix(node.length);
    nodes_.push_back(node);
  }

  std::string_view rest_;
  DatetimeFormat nodes_;
};

}  // namespace

bool IsFormatSeparator(char c) {
  return c > ' ' && c < 0x7f && !text_scan::IsAlpha(c) && !text_scan::IsDigit(c);
}

DatetimeFormat CompileDatetimeFormat(std::string_view text) { return FormatCompiler(text).Compile(); }

Result<std::shared_ptr<const void>> PrepareDatetimeFormat(std::span<const ColumnPtr> constants) {
  if (!constants[1] || constants[1]->IsNull(0)) return std::shared_ptr<const void>();
  return std::shared_ptr<const void>(
      std::make_shared<DatetimeFormat>(CompileDatetimeFormat(constants[1]->Text(0))));
}

const DatetimeFormat& DatetimeFormatFor(const Row& row, std::string_view text) {
  if (const auto* prepared = row.prepared<DatetimeFormat>()) return *prepared;
  thread_local std::string last;
  thread_local DatetimeFormat format;
  if (text != last) {
    format = CompileDatetimeFormat(text);
    last = text;
  }
  return format;
}

}  // namespace streamrun
