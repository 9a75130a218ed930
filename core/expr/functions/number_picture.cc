#include "core/expr/functions/number_picture.h"

#include <algorithm>
#include <cstring>

namespace streamrun {

namespace {

// The longer of two that begin alike stands first. A keyword is all upper or all lower case.
constexpr std::string_view kKeywords[] = {",", ".",  "0",  "9",  "B",  "C",  "D",  "EEEE", "FM", "G",
                                          "L", "MI", "PL", "PR", "RN", "SG", "SP", "S",    "TH", "V"};

// The keyword that `format` begins with, as it is written there; empty when none.
std::string_view KeywordAt(std::string_view format) {
  for (const std::string_view keyword : kKeywords) {
    const std::string_view written = format.substr(0, keyword.size());
    if (written == keyword) return written;
    const auto lower_of = [](char in_format, char upper) {
      return upper >= 'A' ? in_format == upper + ('a' - 'A') : in_format == upper;
    };
    if (written.size() == keyword.size() &&
        std::equal(written.begin(), written.end(), keyword.begin(), lower_of)) {
      return written;
    }
  }
  return {};
}

NumberPart::Kind KindOf(std::string_view keyword) {
  using enum NumberPart::Kind;
  if (keyword == "th") return kOrdinalLower;
  if (keyword == "rn") return kRomanLower;
  switch (keyword[0] & ~0x20) {
    case '9' & ~0x20:
      return kNine;
    case '0' & ~0x20:
      return kZero;
    case ',' & ~0x20:
    case 'G':
      return kComma;
    case '.' & ~0x20:
    case 'D':
      return kPoint;
    case 'L':
      return kCurrency;
    case 'R':
      return kRoman;
    case 'T':
      return kOrdinal;
    case 'M':
      return kMinus;
    case 'P':
      return (keyword[1] | 0x20) == 'l' ? kPlus : kNothing;
    case 'S':
      return keyword.size() == 2 && (keyword[1] | 0x20) == 'g' ? kEitherSign : kNothing;
    default:
      return kNothing;
  }
}

NumberPart TextPart(std::string_view character) {
  NumberPart part{NumberPart::kText, static_cast<uint8_t>(character.size()), {}};
  std::memcpy(part.text, character.data(), character.size());
  return part;
}

}  // namespace

size_t CharacterSize(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(size, text.size() - at);
}

NumberPicture::NumberPicture(std::string_view format) {
  bool quoted = false;
  for (size_t i = 0; i < format.size();) {
    if (format[i] == '"') {
      quoted = !quoted;
      ++i;
      continue;
    }
    const std::string_view keyword = quoted ? std::string_view() : KeywordAt(format.substr(i));
    if (!keyword.empty()) {
      if (!Add(keyword)) return;
      parts.push_back({KindOf(keyword), 0, {}});
      i += keyword.size();
      continue;
    }
    // A backslash makes text of any character between quotes, of a quote outside them.
    if (format[i] == '\\' && i + 1 < format.size() && (quoted || format[i + 1] == '"')) ++i;
    const size_t size = CharacterSize(format, i);
    parts.push_back(TextPart(format.substr(i, size)));
    i += size;
  }
}

// Notes what a keyword says about the whole picture; false when it may not stand there.
bool NumberPicture::Add(std::string_view keyword) {
  const auto refuse = [this](std::string_view message) {
    problem = message;
    return false;
  };
  const char first = static_cast<char>(keyword[0] >= 'a' ? keyword[0] & ~0x20 : keyword[0]);
  const char second = static_cast<char>(keyword.size() == 2 ? keyword[1] & ~0x20 : 0);
  if (scientific && first != 'E') return refuse("\"EEEE\" must be the last pattern used");
  switch (first) {
    case '9':
      if (bracket) return refuse("\"9\" must be ahead of \"PR\"");
      ++(shifted ? shift : point ? fraction : whole);
      return true;
    case '0':
      if (bracket) return refuse("\"0\" must be ahead of \"PR\"");
      if (!zero && !point) {
        zero = true;
        zero_start = whole + 1;
      }
      ++(point ? fraction : whole);
      zero_end = whole + fraction;
      return true;
    case '.':
    case 'D':
      if (point) return refuse("multiple decimal points");
      if (shifted) return refuse("cannot use \"V\" and decimal point together");
      point = true;
      return true;
    case 'B':
      if (whole == 0 && fraction == 0 && !zero) blank = true;
      return true;
    case 'F':
      fill = true;
      return true;
    case 'S':
      if (second == 'P') return true;
      if (second == 'G') {
        if (sign != kNone) return refuse("cannot use \"S\" and \"SG\" together");
        minus = plus = true;
        return true;
      }
      if (sign != kNone) return refuse("cannot use \"S\" twice");
      if (plus || minus || bracket) {
        return refuse("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
      }
      sign = point ? kAfter : kBefore;
      sign_at = whole;
      return true;
    case 'M':
      if (sign != kNone) return refuse("cannot use \"S\" and \"MI\" together");
      minus = true;
      return true;
    case 'P':
      if (second == 'L') {
        if (sign != kNone) return refuse("cannot use \"S\" and \"PL\" together");
        plus = true;
        return true;
      }
      if (sign != kNone || plus || minus) {
        return refuse("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
      }
      bracket = true;
      return true;
    case 'R':
      roman = true;
      return true;
    case 'V':
      if (point) return refuse("cannot use \"V\" and decimal point together");
      shifted = true;
      return true;
    case 'E':
      if (scientific) return refuse("cannot use \"EEEE\" twice");
      if (blank || fill || sign != kNone || bracket || minus || plus || roman || shifted) {
        return refuse("\"EEEE\" is incompatible with other formats");
      }
      scientific = true;
      return true;
    default:
      return true;
  }
}

Result<std::shared_ptr<const void>> PrepareNumberPicture(std::span<const ColumnPtr> constants) {
  if (!constants[1] || constants[1]->IsNull(0)) return std::shared_ptr<const void>();
  return std::shared_ptr<const void>(std::make_shared<NumberPicture>(constants[1]->Text(0)));
}

}  // namespace streamrun
