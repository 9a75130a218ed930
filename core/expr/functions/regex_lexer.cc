#include "core/expr/functions/regex_lexer.h"

#include <string>

#include "core/expr/utf8.h"

namespace streamrun {

namespace {

using Assertion = RegexNode::Assertion;
using Dialect = RegexFlags::Dialect;
using Prefers = RegexNode::Prefers;

// PostgreSQL's names of problems.
constexpr std::string_view kBadEscape = "invalid escape \\ sequence";
constexpr std::string_view kBadBrace = "braces {} not balanced";
constexpr std::string_view kBadCount = "invalid repetition count(s)";
constexpr std::string_view kBadOperand = "quantifier operand invalid";
constexpr std::string_view kBadOption = "invalid embedded option";

constexpr int kMaxBound = 255;

bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
bool IsAsciiLetter(char32_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsBlank(char32_t c) { return c == ' ' || (c >= 9 && c <= 13); }

int HexValue(char32_t c) {
  if (IsDigit(c)) return static_cast<int>(c - '0');
  const char32_t lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? static_cast<int>(lower - 'a') + 10 : 16;
}

// One letter of a flags argument or of embedded options.
bool AddFlag(char32_t letter, RegexFlags* flags) {
  switch (letter) {
    case 'b':
      flags->dialect = Dialect::kBasic;
      break;
    case 'e':
      flags->dialect = Dialect::kExtended;
      break;
    case 'q':
      flags->dialect = Dialect::kLiteral;
      break;
    case 'c':
      flags->fold = false;
      break;
    case 'i':
      flags->fold = true;
      break;
    case 'm':
    case 'n':
      flags->dot_stops = flags->line_anchors = true;
      break;
    case 'p':
      flags->dot_stops = true;
      flags->line_anchors = false;
      break;
    case 's':
      flags->dot_stops = flags->line_anchors = false;
      break;
    case 't':
      flags->expanded = false;
      break;
    case 'w':
      flags->dot_stops = false;
      flags->line_anchors = true;
      break;
    case 'x':
      flags->expanded = true;
      break;
    default:
      return false;
  }
  return true;
}

std::u32string Decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0, length = 0; i < text.size(); i += length) out += DecodeUtf8(text, i, &length);
  return out;
}

}  // namespace

Status ParseRegexFlags(std::string_view letters, RegexFlags* flags) {
  for (size_t i = 0, length = 0; i < letters.size(); i += length) {
    const char32_t letter = DecodeUtf8(letters, i, &length);
    if (letter == 'g') {
      flags->global = true;
    } else if (letter == 'e') {
      // PostgreSQL 15 clears one bit more than it says here, which leaves the basic syntax; (?e) is extended.
      flags->dialect = Dialect::kBasic;
    } else if (!AddFlag(letter, flags)) {
      return Status::InvalidArgument("invalid regular expression option: \"" +
                                     std::string(letters.substr(i, length)) + "\"");
    }
  }
  return Status::Ok();
}

RegexLexer::RegexLexer(std::string_view pattern, RegexFlags flags) : text_(Decode(pattern)), flags_(flags) {}

RegexToken RegexLexer::Fail(std::string_view problem) {
  if (problem_.empty()) problem_ = problem;
  return {};
}

RegexToken RegexLexer::Plain(char32_t c) const {
  RegexToken token;
  token.kind = Kind::kPlain;
  token.value = c;
  return token;
}

RegexToken RegexLexer::Assert(Assertion assertion) const {
  RegexToken token;
  token.kind = Kind::kAssert;
  token.assertion = assertion;
  return token;
}

bool RegexLexer::ReadPrefixes() {
  if (flags_.dialect == Dialect::kLiteral) return true;
  if (Sees(U"***")) {
    if (Sees(U"***=")) {
      flags_.dialect = Dialect::kLiteral;
      at_ = 4;
      return true;
    }
    if (!Sees(U"***:")) {
      Fail(Sees(U"***?") ? "invalid regexp (reg version 0.8)" : kBadOperand);
      return false;
    }
    flags_.dialect = Dialect::kAdvanced;
    at_ = 4;
  }
  return !advanced() || EmbeddedOptions();
}

bool RegexLexer::EmbeddedOptions() {
  if (!Sees(U"(?") || at_ + 2 >= text_.size() || !IsAsciiLetter(text_[at_ + 2])) return true;
  at_ += 2;
  for (; !AtEnd() && IsAsciiLetter(text_[at_]); ++at_) {
    if (!AddFlag(text_[at_], &flags_)) {
      Fail(kBadOption);
      return false;
    }
  }
  if (AtEnd() || text_[at_] != ')') {
    Fail(kBadOption);
    return false;
  }
  ++at_;
  return true;
}

// White space and comments of the expanded syntax, and (?#...) of advanced expressions.
void RegexLexer::SkipBlanks() {
  for (size_t before = text_.size() + 1; before != at_;) {
    before = at_;
    if (flags_.expanded) {
      while (!AtEnd() && IsBlank(text_[at_])) ++at_;
      if (!AtEnd() && text_[at_] == '#') {
        while (!AtEnd() && text_[at_] != '\n') ++at_;
      }
    }
    if (advanced() && Sees(U"(?#")) {
      while (!AtEnd() && text_[at_] != ')') ++at_;
      if (!AtEnd()) ++at_;
    }
  }
}

RegexToken RegexLexer::Next() {
  if (!problem_.empty()) return {};
  if (flags_.dialect == Dialect::kLiteral) return AtEnd() ? RegexToken{} : Plain(text_[at_++]);
  SkipBlanks();
  if (AtEnd()) return {};
  if (flags_.dialect != Dialect::kBasic) return NextExtended();
  const RegexToken token = NextBasic();
  fresh_ = token.kind == Kind::kOpen;
  return token;
}

RegexToken RegexLexer::NextExtended() {
  const char32_t c = text_[at_++];
  RegexToken token;
  switch (c) {
    case '|':
      token.kind = Kind::kAlternate;
      return token;
    case '*':
      return Quantifier(0, RegexNode::kUnbounded);
    case '+':
      return Quantifier(1, RegexNode::kUnbounded);
    case '?':
      return Quantifier(0, 1);
    case '{':
      if (flags_.expanded) SkipBlanks();
      if (AtEnd() || !IsDigit(text_[at_])) return Plain(c);
      return Bound();
    case '(':
      return Parenthesis();
    case ')':
      token.kind = Kind::kClose;
      return token;
    case '[':
      return Bracket();
    case '.':
      token.kind = Kind::kDot;
      return token;
    case '^':
      return Assert(flags_.line_anchors ? Assertion::kLineStart : Assertion::kTextStart);
    case '$':
      return Assert(flags_.line_anchors ? Assertion::kLineEnd : Assertion::kTextEnd);
    case '\\':
      if (AtEnd()) return Fail(kBadEscape);
      return advanced() ? Escape(false) : Plain(text_[at_++]);
    default:
      return Plain(c);
  }
}

// Basic expressions (flag b) have their operators behind a backslash.
RegexToken RegexLexer::NextBasic() {
  const char32_t c = text_[at_++];
  RegexToken token;
  switch (c) {
    case '*':
      return fresh_ ? Plain(c) : Quantifier(0, RegexNode::kUnbounded);
    case '[':
      return Bracket();
    case '.':
      token.kind = Kind::kDot;
      return token;
    case '^':
      if (!fresh_) return Plain(c);
      return Assert(flags_.line_anchors ? Assertion::kLineStart : Assertion::kTextStart);
    case '$':
      if (flags_.expanded) SkipBlanks();
      if (!AtEnd() && !Sees(U"\\)")) return Plain(c);
      return Assert(flags_.line_anchors ? Assertion::kLineEnd : Assertion::kTextEnd);
    case '\\':
      break;
    default:
      return Plain(c);
  }
  if (AtEnd()) return Fail(kBadEscape);
  const char32_t escaped = text_[at_++];
  switch (escaped) {
    case '{':
      return Bound();
    case '(':
      token.kind = Kind::kOpen;
      token.value = 1;
      ++captures_;
      return token;
    case ')':
      token.kind = Kind::kClose;
      return token;
    case '<':
      return Assert(Assertion::kWordStart);
    case '>':
      return Assert(Assertion::kWordEnd);
    default:
      break;
  }
  if (!IsDigit(escaped) || escaped == '0') return Plain(escaped);
  token.kind = Kind::kBackref;
  token.value = escaped - '0';
  return token;
}

RegexToken RegexLexer::Parenthesis() {
  RegexToken token;
  token.kind = Kind::kOpen;
  if (!advanced() || AtEnd() || text_[at_] != '?') {
    token.value = 1;
    ++captures_;
    return token;
  }
  ++at_;
  if (Sees(U":")) {
    ++at_;
    return token;
  }
  token.kind = Kind::kLook;
  const bool behind = Sees(U"<");
  if (behind) ++at_;
  if (!Sees(U"=") && !Sees(U"!")) return Fail(kBadOperand);
  token.value = (behind ? 1 : 0) | (text_[at_] == '!' ? 2 : 0);
  ++at_;
  return token;
}

// The rest of a quantifier: a ? makes it non-greedy in advanced expressions.
RegexToken RegexLexer::Quantifier(int min, int max) {
  RegexToken token;
  token.kind = Kind::kQuantifier;
  token.min = min;
  token.max = max;
  token.prefers = Prefers::kLonger;
  if (advanced() && Sees(U"?")) {
    ++at_;
    token.prefers = Prefers::kShorter;
  }
  return token;
}

std::optional<int> RegexLexer::Number() {
  int value = 0;
  bool any = false;
  for (; !AtEnd() && IsDigit(text_[at_]) && value <= kMaxBound; ++at_) {
    value = value * 10 + static_cast<int>(text_[at_] - '0');
    any = true;
  }
  if (!any || value > kMaxBound) return std::nullopt;
  return value;
}

RegexToken RegexLexer::BrokenBound(std::string_view problem) {
  RegexToken token;
  token.kind = Kind::kQuantifier;
  token.problem = problem;
  return token;
}

// {m}, {m,} and {m,n}, behind the brace.
RegexToken RegexLexer::Bound() {
  const bool basic = flags_.dialect == Dialect::kBasic;
  const auto min = Number();
  if (!min) return BrokenBound(AtEnd() ? kBadBrace : kBadCount);
  SkipBlanks();
  std::optional<int> max = min;
  const bool range = Sees(U",");
  if (range) {
    ++at_;
    SkipBlanks();
    max = RegexNode::kUnbounded;
    if (!AtEnd() && IsDigit(text_[at_])) {
      max = Number();
      if (!max || *max < *min) return BrokenBound(kBadCount);
    }
    SkipBlanks();
  }
  if (AtEnd()) return BrokenBound(kBadBrace);
  if (!Sees(basic ? U"\\}" : U"}")) return BrokenBound(kBadCount);
  at_ += basic ? 2 : 1;
  RegexToken token = Quantifier(*min, *max);
  if (!range) token.prefers = Prefers::kNone;
  return token;
}

bool RegexLexer::Digits(int base, size_t least, size_t most, char32_t* value) {
  uint64_t sum = 0;
  size_t count = 0;
  for (; count < most && !AtEnd() && HexValue(text_[at_]) < base; ++count, ++at_) {
    sum = sum * static_cast<uint64_t>(base) + static_cast<uint64_t>(HexValue(text_[at_]));
    if (sum > 0x7fffffff) return false;
  }
  *value = static_cast<char32_t>(sum);
  return count >= least;
}

// What stands behind a backslash in an advanced expression (manual, tables 9.20 to 9.23).
RegexToken RegexLexer::Escape(bool in_bracket) {
  const char32_t c = text_[at_++];
  if (IsDigit(c)) return DigitEscape(c);
  if (!IsAsciiLetter(c)) return Plain(c);
  if (std::u32string_view(U"dswDSW").find(c) != std::u32string_view::npos) return ClassEscape(c);
  if (in_bracket) return CodeEscape(c);
  switch (c) {
    case 'A':
      return Assert(Assertion::kTextStart);
    case 'Z':
      return Assert(Assertion::kTextEnd);
    case 'm':
      return Assert(Assertion::kWordStart);
    case 'M':
      return Assert(Assertion::kWordEnd);
    case 'y':
      return Assert(Assertion::kWord);
    case 'Y':
      return Assert(Assertion::kNoWord);
    default:
      return CodeEscape(c);
  }
}

RegexToken RegexLexer::CodeEscape(char32_t c) {
  static constexpr std::u32string_view kLetters = U"abBefnrtv";
  static constexpr char32_t kCodes[] = {7, 8, '\\', 27, 12, 10, 13, 9, 11};
  if (const size_t i = kLetters.find(c); i != std::u32string_view::npos) return Plain(kCodes[i]);
  char32_t value = 0;
  if (c == 'c') {
    if (AtEnd()) return Fail(kBadEscape);
    return Plain(text_[at_++] & 0x1f);
  }
  if (c == 'u' && Digits(16, 4, 4, &value)) return Plain(value);
  if (c == 'U' && Digits(16, 8, 8, &value)) return Plain(value);
  if (c == 'x' && Digits(16, 1, 255, &value)) return Plain(value);
  return Fail(kBadEscape);
}

// A back-reference, or an octal code where that many groups have not been opened.
RegexToken RegexLexer::DigitEscape(char32_t c) {
  const size_t start = --at_;
  char32_t value = 0;
  if (c != '0' && Digits(10, 1, 255, &value)) {
    if (at_ == start + 1 || (value > 0 && static_cast<int>(value) <= captures_)) {
      RegexToken token;
      token.kind = Kind::kBackref;
      token.value = value;
      return token;
    }
  }
  at_ = start;
  if (!Digits(8, 1, 3, &value)) return Fail(kBadEscape);
  if (value > 0xff) {
    --at_;
    value >>= 3;
  }
  return Plain(value);
}

RegexToken RegexLexer::ClassEscape(char32_t c) {
  const char32_t lower = c | 0x20;
  RegexToken token;
  token.kind = Kind::kSet;
  token.set = *NamedClass(lower == 'd' ? "digit" : lower == 's' ? "space" : "word");
  if (c != lower) token.set.Complement();
  return token;
}

}  // namespace streamrun
