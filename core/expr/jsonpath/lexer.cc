#include "core/expr/jsonpath/lexer.h"

#include "core/expr/utf8.h"

namespace streamrun {

namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// Characters that end a name.
bool IsSpecial(char c) {
  return std::string_view("?%$.[]{}()|&!=<>@#,*:-+/").find(c) != std::string_view::npos;
}
// Characters that may stand in a name without a backslash.
bool IsOther(char c) { return c != '\0' && !IsSpecial(c) && !IsBlank(c) && c != '\\' && c != '"'; }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

bool PathToken::IsKeyword(std::string_view lower) const {
  if (kind != kName || has_escape || text.size() != lower.size()) return false;
  const bool exact = lower == "true" || lower == "false" || lower == "null";
  for (size_t i = 0; i < text.size(); ++i) {
    if ((exact ? text[i] : Lower(text[i])) != lower[i]) return false;
  }
  return true;
}

Status PathLexer::Wrong(std::string_view what, size_t begin, size_t end) const {
  std::string message(what);
  if (begin >= text_.size()) {
    message += " at end of jsonpath input";
  } else {
    message += " at or near \"" + std::string(text_.substr(begin, end - begin)) + "\" of jsonpath input";
  }
  return Status::InvalidArgument(std::move(message));
}

Status PathLexer::SkipBlanks() {
  for (;;) {
    while (pos_ < text_.size() && IsBlank(text_[pos_])) ++pos_;
    if (!text_.substr(pos_).starts_with("/*")) return Status::Ok();
    const size_t close = text_.find("*/", pos_ + 2);
    if (close == std::string_view::npos) return Wrong("unexpected end of comment", text_.size(), 0);
    pos_ = close + 2;
  }
}

Result<PathToken> PathLexer::Next() {
  SR_RETURN_IF_ERROR(SkipBlanks());
  PathToken token;
  if (pos_ >= text_.size()) return token;
  const char c = text_[pos_];
  if (IsDigit(c) || (c == '.' && IsDigit(at(pos_ + 1)))) return Number();
  if (c == '"') {
    token.kind = PathToken::kString;
    token.shown = "\"";
    SR_RETURN_IF_ERROR(Quoted(&token));
    return token;
  }
  if (c == '$' && (at(pos_ + 1) == '"' || IsOther(at(pos_ + 1)))) {
    const size_t begin = pos_++;
    token.shown = "\"";
    if (at(pos_) == '"') {
      SR_RETURN_IF_ERROR(Quoted(&token));
    } else {
      while (IsOther(at(pos_))) ++pos_;
      token.shown = text_.substr(begin, pos_ - begin);
      token.text = token.shown.substr(1);
    }
    token.kind = PathToken::kVariable;
    return token;
  }
  if (!IsSpecial(c)) return Name();
  token.kind = PathToken::kSymbol;
  static constexpr std::string_view kPairs[] = {"&&", "||", "**", "<=", "<>", ">=", "==", "!="};
  token.text = text_.substr(pos_, 1);
  for (const std::string_view pair : kPairs) {
    if (text_.substr(pos_).starts_with(pair)) token.text = pair;
  }
  token.shown = token.text;
  pos_ += token.text.size();
  if (token.text == "<>") token.text = "!=";
  return token;
}

// digits, digits.digits, .digits, with an exponent; a letter behind it is an error unless the whole run of
// letters and digits is longer, which is a name then.
Result<PathToken> PathLexer::Number() {
  const size_t begin = pos_;
  size_t p = pos_;
  bool decimal = false;
  if (at(p) == '0') {
    ++p;
  } else {
    while (IsDigit(at(p))) ++p;
  }
  if (at(p) == '.') {
    decimal = true;
    for (++p; IsDigit(at(p));) ++p;
  }
  if (at(p) == 'e' || at(p) == 'E') {
    const bool sign = at(p + 1) == '+' || at(p + 1) == '-';
    size_t q = p + (sign ? 2 : 1);
    if (IsDigit(at(q))) {
      while (IsDigit(at(q))) ++q;
      p = q;
      decimal = true;
    } else if (sign) {
      return Wrong("invalid numeric literal", begin, q);
    }
  }
  const bool junk = IsOther(at(p));
  size_t run = begin;
  while (IsOther(at(run))) ++run;
  if (junk && run <= p + 1) {
    // PostgreSQL shows the byte behind the number, or nothing of a longer character.
    return Wrong("trailing junk after numeric literal", begin, p + (static_cast<signed char>(at(p)) > 0));
  }
  if (junk) return Name();
  PathToken token;
  token.kind = decimal ? PathToken::kDecimal : PathToken::kInteger;
  token.text = text_.substr(begin, p - begin);
  token.shown = token.text;
  pos_ = p;
  // JSON wants digits on both sides of the point.
  if (token.text[0] == '.') token.text.insert(0, "0");
  if (const size_t point = token.text.find('.'); point != std::string::npos) {
    if (!IsDigit(point + 1 < token.text.size() ? token.text[point + 1] : '\0')) token.text.erase(point, 1);
  }
  return token;
}

Result<PathToken> PathLexer::Name() {
  PathToken token;
  token.kind = PathToken::kName;
  while (pos_ < text_.size() && (IsOther(text_[pos_]) || text_[pos_] == '\\' || text_[pos_] == '\0')) {
    if (text_[pos_] != '\\') {
      token.text += text_[pos_++];
      continue;
    }
    token.has_escape = true;
    SR_RETURN_IF_ERROR(Escape(token.text));
  }
  if (text_.substr(pos_).starts_with("/*") && text_.find("*/", pos_ + 2) == std::string_view::npos) {
    return Wrong("unexpected end of comment", text_.size(), 0);
  }
  // PostgreSQL's message quotes the blanks that ended the name.
  size_t blanks = pos_;
  while (blanks < text_.size() && IsBlank(text_[blanks])) ++blanks;
  token.shown = text_.substr(pos_, blanks - pos_);
  return token;
}

Status PathLexer::Quoted(PathToken* token) {
  ++pos_;
  while (pos_ < text_.size() && text_[pos_] != '"') {
    if (text_[pos_] == '\\') {
      SR_RETURN_IF_ERROR(Escape(token->text));
    } else {
      token->text += text_[pos_++];
    }
  }
  if (pos_ >= text_.size()) return Wrong("unexpected end of quoted string", text_.size(), 0);
  ++pos_;
  return Status::Ok();
}

// What stands behind a backslash: b f n r t v, xHH, uHHHH, u{H...}, or the character itself.
Status PathLexer::Escape(std::string& out) {
  const size_t begin = pos_++;
  if (pos_ >= text_.size()) return Wrong("unexpected end after backslash", begin, begin + 1);
  const char c = text_[pos_++];
  constexpr std::string_view kLetters = "bfnrtv";
  if (const size_t i = kLetters.find(c); i != std::string_view::npos) {
    out += "\b\f\n\r\t\v"[i];
    return Status::Ok();
  }
  if (c == 'u') return Unicode(begin, out);
  if (c != 'x') {
    out += c;
    return Status::Ok();
  }
  const int high = HexDigit(at(pos_));
  const int low = HexDigit(at(pos_ + 1));
  if (high < 0 || low < 0) {
    return Wrong("invalid hex character sequence", begin, high < 0 ? pos_ : pos_ + 1);
  }
  pos_ += 2;
  if (high == 0 && low == 0) return Status::InvalidArgument("unsupported Unicode escape sequence");
  char bytes[4];
  out.append(bytes, EncodeUtf8(static_cast<char32_t>(high * 16 + low), bytes));
  return Status::Ok();
}

// \uHHHH or \u{H to HHHHHH}; two surrogates make one character. `begin` is at the backslash.
Status PathLexer::Unicode(size_t begin, std::string& out) {
  const auto read = [&](char32_t* code) {
    const bool braces = at(pos_) == '{';
    if (braces) ++pos_;
    const size_t wanted = braces ? 6 : 4;
    size_t count = 0;
    *code = 0;
    for (; count < wanted && HexDigit(at(pos_)) >= 0; ++count, ++pos_) {
      *code = *code << 4 | static_cast<char32_t>(HexDigit(at(pos_)));
    }
    if (!braces) return count == 4;
    return count > 0 && at(pos_++) == '}';
  };
  char32_t code = 0;
  if (!read(&code)) return Wrong("invalid unicode sequence", begin, pos_);
  if (code == 0) return Status::InvalidArgument("unsupported Unicode escape sequence");
  if (code > 0x10ffff) return Status::InvalidArgument("invalid Unicode code point");
  if (code >= 0xd800 && code < 0xe000) {
    const Status broken = Status::InvalidArgument("invalid input syntax for type jsonpath");
    if (code >= 0xdc00 || at(pos_) != '\\' || at(pos_ + 1) != 'u') return broken;
    const size_t second = pos_;
    pos_ += 2;
    char32_t low = 0;
    if (!read(&low)) return Wrong("invalid unicode sequence", second, pos_);
    if (low < 0xdc00 || low >= 0xe000) return broken;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  char bytes[4];
  out.append(bytes, EncodeUtf8(code, bytes));
  return Status::Ok();
}

}  // namespace streamrun
