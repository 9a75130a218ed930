// Recursive descent over JSON text: one walk checks, the other prints the canonical form (PostgreSQL
// manual 8.14).
#include "core/data/json_text.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "core/data/text_scan.h"

namespace streamrun {

using namespace text_scan;  // NOLINT: the private half of this file set

namespace {

constexpr int64_t kMaxNumberDigits = 1000;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// -1 unless four hexadecimal digits stand at p.
int Hex4(const char* p, const char* end) {
  if (end - p < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = HexDigit(p[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

void AppendUtf8(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 63));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 63));
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  }
}

// A number in parts: sign, the digits without the point, where the point stands.
struct JsonNumber {
  bool negative = false;
  std::string_view whole, fraction;
  int64_t exponent = 0;

  bool Scan(const char** cursor, const char* end) {
    const char* p = *cursor;
    if (p < end && *p == '-') {
      negative = true;
      ++p;
    }
    const char* start = p;
    while (p < end && IsDigit(*p)) ++p;
    whole = {start, static_cast<size_t>(p - start)};
    if (whole.empty() || (whole.size() > 1 && whole[0] == '0')) return false;
    if (p < end && *p == '.') {
      start = ++p;
      while (p < end && IsDigit(*p)) ++p;
      fraction = {start, static_cast<size_t>(p - start)};
      if (fraction.empty()) return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
      ++p;
      const bool plus = p < end && *p == '+';
      p += plus;
      if (p == end || (plus && !IsDigit(*p))) return false;
      const auto [after, error] = std::from_chars(p, end, exponent);
      if (error == std::errc::invalid_argument) return false;
      if (error != std::errc()) exponent = *p == '-' ? -1'000'000 : 1'000'000;
      exponent = std::clamp<int64_t>(exponent, -1'000'000, 1'000'000);
      p = after;
    }
    *cursor = p;
    return true;
  }

  bool InRange() const {
    return static_cast<int64_t>(whole.size()) + exponent <= kMaxNumberDigits &&
           static_cast<int64_t>(fraction.size()) - exponent <= kMaxNumberDigits;
  }

  void Append(bool strip, std::string& out) const {
    std::string digits(whole);
    digits += fraction;
    const int64_t shift = std::clamp(exponent, -2 * kMaxNumberDigits, 2 * kMaxNumberDigits);
    int64_t point = static_cast<int64_t>(whole.size()) + shift;  // digits before the decimal point
    if (point > static_cast<int64_t>(digits.size()))
      digits.append(static_cast<size_t>(point) - digits.size(), '0');
    if (point < 1) {
      digits.insert(0, static_cast<size_t>(1 - point), '0');
      point = 1;
    }
    std::string_view before = std::string_view(digits).substr(0, static_cast<size_t>(point));
    std::string_view after = std::string_view(digits).substr(static_cast<size_t>(point));
    while (before.size() > 1 && before.front() == '0') before.remove_prefix(1);
    while (strip && !after.empty() && after.back() == '0') after.remove_suffix(1);
    const bool zero = before == "0" && after.find_first_not_of('0') == std::string_view::npos;
    if (negative && !zero) out += '-';
    out += before;
    if (!after.empty()) {
      out += '.';
      out += after;
    }
  }
};

class JsonChecker {
 public:
  explicit JsonChecker(std::string_view text) : begin_(text.data()), p_(begin_), end_(begin_ + text.size()) {}

  Status Check() {
    SR_RETURN_IF_ERROR(Value(0));
    Blank();
    if (p_ != end_) return Wrong("text behind the value");
    return overflows_ ? Status::InvalidArgument("value overflows numeric format") : Status::Ok();
  }

 private:
  Status Wrong(std::string_view what) const {
    return Status::InvalidArgument("invalid input syntax for type json: " + std::string(what) + " at byte " +
                                   std::to_string(p_ - begin_));
  }
  void Blank() {
    while (p_ < end_ && IsBlank(*p_)) ++p_;
  }
  bool Eat(char c) {
    Blank();
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }

  Status Value(int depth) {
    Blank();
    if (p_ == end_) return Wrong("a value is missing");
    switch (*p_) {
      case '{':
        return Object(depth + 1);
      case '[':
        return Array(depth + 1);
      case '"':
        return String();
      case 't':
        return Literal("true");
      case 'f':
        return Literal("false");
      case 'n':
        return Literal("null");
      default:
        break;
    }
    JsonNumber number;
    if (!number.Scan(&p_, end_)) return Wrong("no value");
    overflows_ |= !number.InRange();
    return Status::Ok();
  }

  Status Literal(std::string_view word) {
    if (std::string_view(p_, static_cast<size_t>(end_ - p_)).substr(0, word.size()) != word)
      return Wrong("no value");
    p_ += word.size();
    return Status::Ok();
  }

  Status Object(int depth) {
    if (depth > kMaxJsonDepth)
      return Status::InvalidArgument("jsonb is nested too deep (more than 512 levels)");
    ++p_;
    if (Eat('}')) return Status::Ok();
    do {
      Blank();
      if (p_ == end_ || *p_ != '"') return Wrong("a key is missing");
      SR_RETURN_IF_ERROR(String());
      if (!Eat(':')) return Wrong("':' is missing");
      SR_RETURN_IF_ERROR(Value(depth));
    } while (Eat(','));
    return Eat('}') ? Status::Ok() : Wrong("',' or '}' is missing");
  }

  Status Array(int depth) {
    if (depth > kMaxJsonDepth)
      return Status::InvalidArgument("jsonb is nested too deep (more than 512 levels)");
    ++p_;
    if (Eat(']')) return Status::Ok();
    do {
      SR_RETURN_IF_ERROR(Value(depth));
    } while (Eat(','));
    return Eat(']') ? Status::Ok() : Wrong("',' or ']' is missing");
  }

  Status String() {
    ++p_;
    while (p_ < end_) {
      const char c = *p_;
      if (c == '"') {
        ++p_;
        return Status::Ok();
      }
      if (static_cast<unsigned char>(c) < 0x20) return Wrong("a control character in a string");
      ++p_;
      if (c == '\\') SR_RETURN_IF_ERROR(Escape());
    }
    return Wrong("a string does not end");
  }

  Status Escape() {
    if (p_ == end_) return Wrong("a string does not end");
    const char c = *p_;
    if (c != 'u') {
      if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return Wrong("an unknown escape");
      ++p_;
      return Status::Ok();
    }
    const int unit = Hex4(p_ + 1, end_);
    if (unit < 0) return Wrong("\\u needs four hexadecimal digits");
    if (unit == 0) return Status::InvalidArgument("unsupported Unicode escape sequence");
    if (unit >= 0xdc00 && unit < 0xe000) return Wrong("a low surrogate without its high one");
    p_ += 5;
    if (unit < 0xd800 || unit >= 0xe000) return Status::Ok();
    const int low = end_ - p_ >= 6 && p_[0] == '\\' && p_[1] == 'u' ? Hex4(p_ + 2, end_) : -1;
    if (low < 0xdc00 || low >= 0xe000) return Wrong("a high surrogate without its low one");
    p_ += 6;
    return Status::Ok();
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  bool overflows_ = false;  // some number does; reported where the text is JSON at all
};

class JsonPrinter {
 public:
  JsonPrinter(std::string_view text, JsonForm form) : p_(text.data()), end_(p_ + text.size()), form_(form) {}

  void Value(int depth, std::string& out) {
    Blank();
    if (p_ == end_) return;
    if (*p_ == '{' && depth < kPrintDepth) return Object(depth + 1, out);
    if (*p_ == '[' && depth < kPrintDepth) return Array(depth + 1, out);
    if (*p_ == '"') return Quote(Unescaped(), out);
    JsonNumber number;
    if ((IsDigit(*p_) || *p_ == '-') && number.Scan(&p_, end_))
      return number.Append(form_ == JsonForm::kKey, out);
    const char* start = p_++;
    while (p_ < end_ && IsAlpha(*p_)) ++p_;
    out.append(start, p_);
  }

 private:
  // Deeper than what the checkers let in, so that a foreign parser's limit does not change the form.
  static constexpr int kPrintDepth = 1100;

  struct Member {
    std::string key;
    std::string value;
  };

  void Blank() {
    while (p_ < end_ && IsBlank(*p_)) ++p_;
  }
  bool Eat(char c) {
    Blank();
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }

  void Array(int depth, std::string& out) {
    ++p_;
    out += '[';
    if (!Eat(']')) {
      Value(depth, out);
      while (Eat(',')) {
        out += form_ == JsonForm::kKey ? "," : ", ";
        Value(depth, out);
      }
      Eat(']');
    }
    out += ']';
  }

  void Object(int depth, std::string& out) {
    ++p_;
    std::vector<Member> members;
    if (!Eat('}')) {
      do {
        Member& member = members.emplace_back();
        Blank();
        if (p_ < end_ && *p_ == '"') member.key = Unescaped();
        Eat(':');
        Value(depth, member.value);
      } while (Eat(','));
      Eat('}');
    }
    std::stable_sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
      return a.key.size() != b.key.size() ? a.key.size() < b.key.size() : a.key < b.key;
    });
    out += '{';
    bool first = true;
    for (size_t i = 0; i < members.size(); ++i) {
      if (i + 1 < members.size() && members[i].key == members[i + 1].key) continue;
      if (!first) out += form_ == JsonForm::kKey ? "," : ", ";
      first = false;
      Quote(members[i].key, out);
      out += form_ == JsonForm::kKey ? ":" : ": ";
      out += members[i].value;
    }
    out += '}';
  }

  std::string Unescaped() {
    std::string out;
    ++p_;
    while (p_ < end_ && *p_ != '"') {
      if (*p_ != '\\' || p_ + 1 == end_) {
        out += *p_++;
        continue;
      }
      ++p_;
      constexpr std::string_view kFrom = "bfnrt";
      if (const size_t at = kFrom.find(*p_); at != std::string_view::npos) {
        out += "\b\f\n\r\t"[at];
        ++p_;
      } else if (*p_ == 'u') {
        Unicode(out);
      } else {
        out += *p_++;
      }
    }
    if (p_ < end_) ++p_;
    return out;
  }

  void Unicode(std::string& out) {
    const int unit = Hex4(p_ + 1, end_);
    if (unit < 0) {
      ++p_;
      return;
    }
    p_ += 5;
    auto c = static_cast<uint32_t>(unit);
    if (unit >= 0xd800 && unit < 0xdc00 && end_ - p_ >= 6 && p_[0] == '\\' && p_[1] == 'u') {
      const int low = Hex4(p_ + 2, end_);
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (static_cast<uint32_t>(low) - 0xdc00);
        p_ += 6;
      }
    }
    // A lone surrogate has no UTF-8 form; the replacement character keeps the text valid.
    AppendUtf8(c >= 0xd800 && c < 0xe000 ? 0xfffd : c, out);
  }

  static void Quote(std::string_view text, std::string& out) {
    constexpr char kHex[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
      constexpr std::string_view kSpecial = "\"\\\b\f\n\r\t";
      if (const size_t at = kSpecial.find(c); at != std::string_view::npos) {
        out += '\\';
        out += "\"\\bfnrt"[at];
      } else if (static_cast<unsigned char>(c) < 0x20) {
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
      } else {
        out += c;
      }
    }
    out += '"';
  }

  const char* p_;
  const char* end_;
  JsonForm form_;
};

}  // namespace

Status ValidateJson(std::string_view text) { return JsonChecker(text).Check(); }

void AppendCanonicalJson(std::string_view text, JsonForm form, std::string& out) {
  JsonPrinter(text, form).Value(0, out);
}

}  // namespace streamrun
