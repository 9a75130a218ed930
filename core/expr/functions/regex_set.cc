#include "core/expr/functions/regex_set.h"

#include <locale.h>

#include <algorithm>
#include <array>
#include <cwctype>
#include <mutex>

#include "core/expr/utf8.h"

namespace streamrun {

namespace {

struct ClassName {
  std::string_view name;
  const char* type;  // wctype's name; null for a class with fixed members
};

// PostgreSQL asks the locale for most classes and fixes the others (manual 9.7.3.2).
constexpr std::array<ClassName, 14> kClasses = {{{"alnum", "alnum"},
                                                 {"alpha", "alpha"},
                                                 {"digit", "digit"},
                                                 {"graph", "graph"},
                                                 {"lower", "lower"},
                                                 {"print", "print"},
                                                 {"punct", "punct"},
                                                 {"space", "space"},
                                                 {"upper", "upper"},
                                                 {"word", "alnum"},
                                                 {"ascii", nullptr},
                                                 {"blank", nullptr},
                                                 {"cntrl", nullptr},
                                                 {"xdigit", nullptr}}};

CharSet FixedClass(std::string_view name) {
  CharSet set;
  if (name == "ascii") {
    set.Add(0, 0x7f);
  } else if (name == "blank") {
    set.Add(' ');
    set.Add('\t');
  } else if (name == "cntrl") {
    set.Add(0, 0x1f);
    set.Add(0x7f, 0x9f);
  } else {
    set.Add('0', '9');
    set.Add('a', 'f');
    set.Add('A', 'F');
  }
  return set;
}

CharSet LocaleClass(const char* type) {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const wctype_t kind = wctype_l(type, locale);
  CharSet set;
  char32_t first = 0;
  bool inside = false;
  for (char32_t c = 0; c <= kMaxCharacter + 1; ++c) {
    const bool member = c <= kMaxCharacter && iswctype_l(static_cast<wint_t>(c), kind, locale) != 0;
    if (member && !inside) first = c;
    if (!member && inside) set.Add(first, c - 1);
    inside = member;
  }
  return set;
}

CharSet MakeClass(const ClassName& entry) {
  CharSet set = entry.type == nullptr ? FixedClass(entry.name) : LocaleClass(entry.type);
  if (entry.name == "word") set.Add('_');
  set.Normalize();
  return set;
}

}  // namespace

void CharSet::AddCases() {
  std::vector<Range> more;
  for (Range& r : ranges_) {
    const Range all{r.first, std::min(r.second, kMaxCharacter)};
    for (char32_t c = all.first; c <= all.second; ++c) {
      const char32_t lower = LowerOf(c);
      const char32_t upper = UpperOf(c);
      if (lower != c) more.emplace_back(lower, lower);
      if (upper != c) more.emplace_back(upper, upper);
      // PostgreSQL takes the two cases for a single character: a title-case letter like U+01C5 is neither.
      if (lower != c && upper != c && all.first == all.second) r = {lower, lower};
    }
  }
  ranges_.insert(ranges_.end(), more.begin(), more.end());
}

void CharSet::Normalize() {
  std::sort(ranges_.begin(), ranges_.end());
  std::vector<Range> out;
  for (Range r : ranges_) {
    if (r.first > kMaxCharacter) break;
    r.second = std::min(r.second, kMaxCharacter);
    if (!out.empty() && r.first <= out.back().second + 1) {
      out.back().second = std::max(out.back().second, r.second);
    } else {
      out.push_back(r);
    }
  }
  ranges_ = std::move(out);
  ascii_[0] = ascii_[1] = 0;
  for (const Range& r : ranges_) {
    for (char32_t c = r.first; c <= r.second && c < 128; ++c) ascii_[c >> 6] |= uint64_t{1} << (c & 63);
  }
}

void CharSet::Complement() {
  Normalize();
  std::vector<Range> out;
  char32_t next = 0;
  for (const Range& r : ranges_) {
    if (r.first > next) out.emplace_back(next, r.first - 1);
    next = r.second + 1;
  }
  if (next <= kMaxCharacter) out.emplace_back(next, kMaxCharacter);
  ranges_ = std::move(out);
  Normalize();
}

void CharSet::Remove(char32_t c) {
  Complement();
  Add(c);
  Complement();
}

bool CharSet::HasWide(char32_t c) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), c,
                                      [](char32_t value, const Range& r) { return value < r.first; });
  return after != ranges_.begin() && c <= std::prev(after)->second;
}

const CharSet* NamedClass(std::string_view name) {
  for (size_t i = 0; i < kClasses.size(); ++i) {
    if (kClasses[i].name != name) continue;
    // A scan of all code points, so each class is made when it is first asked for.
    static std::array<std::once_flag, kClasses.size()> once;
    static std::array<CharSet, kClasses.size()> sets;
    std::call_once(once[i], [i] { sets[i] = MakeClass(kClasses[i]); });
    return &sets[i];
  }
  return nullptr;
}

char32_t NamedCharacter(std::string_view name) {
  struct Entry {
    std::string_view name;
    char32_t c;
  };
  // POSIX locale names (XBD 6.1) as PostgreSQL knows them.
  static constexpr Entry kNames[] = {
      {"NUL", 0},
      {"SOH", 1},
      {"STX", 2},
      {"ETX", 3},
      {"EOT", 4},
      {"ENQ", 5},
      {"ACK", 6},
      {"BEL", 7},
      {"alert", 7},
      {"BS", 8},
      {"backspace", 8},
      {"HT", 9},
      {"tab", 9},
      {"LF", 10},
      {"newline", 10},
      {"VT", 11},
      {"vertical-tab", 11},
      {"FF", 12},
      {"form-feed", 12},
      {"CR", 13},
      {"carriage-return", 13},
      {"SO", 14},
      {"SI", 15},
      {"DLE", 16},
      {"DC1", 17},
      {"DC2", 18},
      {"DC3", 19},
      {"DC4", 20},
      {"NAK", 21},
      {"SYN", 22},
      {"ETB", 23},
      {"CAN", 24},
      {"EM", 25},
      {"SUB", 26},
      {"ESC", 27},
      {"IS4", 28},
      {"FS", 28},
      {"IS3", 29},
      {"GS", 29},
      {"IS2", 30},
      {"RS", 30},
      {"IS1", 31},
      {"US", 31},
      {"space", ' '},
      {"exclamation-mark", '!'},
      {"quotation-mark", '"'},
      {"number-sign", '#'},
      {"dollar-sign", '$'},
      {"percent-sign", '%'},
      {"ampersand", '&'},
      {"apostrophe", '\''},
      {"left-parenthesis", '('},
      {"right-parenthesis", ')'},
      {"asterisk", '*'},
      {"plus-sign", '+'},
      {"comma", ','},
      {"hyphen", '-'},
      {"hyphen-minus", '-'},
      {"period", '.'},
      {"full-stop", '.'},
      {"slash", '/'},
      {"solidus", '/'},
      {"zero", '0'},
      {"one", '1'},
      {"two", '2'},
      {"three", '3'},
      {"four", '4'},
      {"five", '5'},
      {"six", '6'},
      {"seven", '7'},
      {"eight", '8'},
      {"nine", '9'},
      {"colon", ':'},
      {"semicolon", ';'},
      {"less-than-sign", '<'},
      {"equals-sign", '='},
      {"greater-than-sign", '>'},
      {"question-mark", '?'},
      {"commercial-at", '@'},
      {"left-square-bracket", '['},
      {"backslash", '\\'},
      {"reverse-solidus", '\\'},
      {"right-square-bracket", ']'},
      {"circumflex", '^'},
      {"circumflex-accent", '^'},
      {"underscore", '_'},
      {"low-line", '_'},
      {"grave-accent", '`'},
      {"left-brace", '{'},
      {"left-curly-bracket", '{'},
      {"vertical-line", '|'},
      {"right-brace", '}'},
      {"right-curly-bracket", '}'},
      {"tilde", '~'},
      {"DEL", 127},
  };
  for (const Entry& e : kNames) {
    if (e.name == name) return e.c;
  }
  return 0xffffffff;
}

}  // namespace streamrun
