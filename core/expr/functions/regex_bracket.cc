// Bracket expressions (manual 9.7.3.2).
#include <string>

#include "core/expr/functions/regex_lexer.h"

namespace streamrun {

namespace {

using Assertion = RegexNode::Assertion;

// PostgreSQL's names of problems.
constexpr std::string_view kBadEscape = "invalid escape \\ sequence";
constexpr std::string_view kBadBracket = "brackets [] not balanced";
constexpr std::string_view kBadRange = "invalid character range";
constexpr std::string_view kBadElement = "invalid collating element";
constexpr std::string_view kBadClass = "invalid character class";

}  // namespace

// A bracket expression, behind its [.
RegexToken RegexLexer::Bracket() {
  if (Sees(U"[:<:]]") || Sees(U"[:>:]]")) {
    const bool start = text_[at_ + 2] == '<';
    at_ += 6;
    return Assert(start ? Assertion::kWordStart : Assertion::kWordEnd);
  }
  const bool negated = Sees(U"^");
  if (negated) ++at_;
  RegexToken token;
  token.kind = Kind::kSet;
  bool first = true;
  for (;; first = false) {
    if (AtEnd()) return Fail(kBadBracket);
    if (text_[at_] == ']' && !first) break;
    if (!BracketItem(&token.set, first)) return {};
  }
  ++at_;
  if (flags_.fold) token.set.AddCases();
  token.set.Normalize();
  if (negated) {
    token.set.Complement();
    if (flags_.dot_stops) token.set.Remove('\n');
  }
  return token;
}

// One character, range or class.
bool RegexLexer::BracketItem(CharSet* set, bool first) {
  char32_t element = text_[at_++];
  if (element == '-' && !first && !Sees(U"]")) {
    Fail(kBadRange);
    return false;
  }
  if (element == '[' && (Sees(U".") || Sees(U"=") || Sees(U":"))) {
    const char32_t kind = text_[at_++];
    if (!BracketNamed(set, kind, &element)) return false;
    if (kind != '.') return true;
  } else if (element == '\\' && advanced()) {
    if (AtEnd()) {
      Fail(kBadEscape);
      return false;
    }
    const RegexToken token = Escape(true);
    if (!problem_.empty()) return false;
    if (token.kind == Kind::kSet) {
      set->Add(token.set);
      return true;
    }
    if (token.kind != Kind::kPlain) {
      Fail(kBadEscape);
      return false;
    }
    element = token.value;
  }
  char32_t last = element;
  if (Sees(U"-") && !Sees(U"-]")) {
    ++at_;
    if (!RangeEnd(&last)) return false;
    if (AtEnd() || last < element) {
      Fail(AtEnd() ? kBadBracket : kBadRange);
      return false;
    }
  }
  set->Add(element, last);
  return true;
}

bool RegexLexer::RangeEnd(char32_t* last) {
  if (AtEnd()) {
    Fail(kBadBracket);
    return false;
  }
  *last = text_[at_++];
  if (*last == '[' && Sees(U".")) {
    ++at_;
    CharSet none;
    return BracketNamed(&none, '.', last);
  }
  if (*last == '[' && (Sees(U"=") || Sees(U":"))) {
    Fail(kBadRange);
    return false;
  }
  if (*last != '\\' || !advanced() || AtEnd()) return true;
  const RegexToken token = Escape(true);
  if (problem_.empty() && token.kind != Kind::kPlain) Fail(kBadRange);
  *last = token.value;
  return problem_.empty();
}

// [:class:], [=equivalents=] or [.element.], behind the second character.
bool RegexLexer::BracketNamed(CharSet* set, char32_t kind, char32_t* element) {
  const size_t start = at_;
  while (at_ + 1 < text_.size() && !(text_[at_] == kind && text_[at_ + 1] == ']')) ++at_;
  if (at_ + 1 >= text_.size()) {
    Fail(kBadBracket);
    return false;
  }
  const std::u32string_view wide = std::u32string_view(text_).substr(start, at_ - start);
  at_ += 2;
  std::string name;
  for (const char32_t c : wide) name += c < 128 ? static_cast<char>(c) : '?';
  if (kind == ':') {
    // In any case, both cases' classes are the letters.
    const bool letters = flags_.fold && (name == "lower" || name == "upper");
    const CharSet* named = NamedClass(letters ? "alpha" : name);
    if (named == nullptr) {
      Fail(kBadClass);
      return false;
    }
    set->Add(*named);
    return true;
  }
  *element = wide.size() == 1 ? wide[0] : NamedCharacter(name);
  if (*element > 0x7fffffff) {
    Fail(kBadElement);
    return false;
  }
  if (kind == '=') set->Add(*element);
  return true;
}

}  // namespace streamrun
