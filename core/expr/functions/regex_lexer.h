// Tokens of regular expressions.
#pragma once

#include <optional>
#include <string_view>

#include "core/expr/functions/regex_syntax.h"

namespace streamrun {

struct RegexToken {
  enum class Kind : uint8_t {
    kEnd,
    kPlain,  // value: the character
    kSet,    // set: a bracket expression or class escape
    kDot,
    kAlternate,
    kOpen,  // value 1: captures
    kLook,  // value: bit 0 behind, bit 1 negated
    kClose,
    kQuantifier,  // min, max, prefers
    kAssert,
    kBackref,  // value: the group
  };
  Kind kind = Kind::kEnd;
  char32_t value = 0;
  RegexNode::Assertion assertion = RegexNode::Assertion::kTextStart;
  int min = 1;
  int max = 1;
  RegexNode::Prefers prefers = RegexNode::Prefers::kNone;
  CharSet set;
  std::string_view problem;  // of a bound; it counts where a quantifier may stand
};

/// Reads tokens from left to right; the first problem ends it (then problem() is not empty).
class RegexLexer {
 public:
  RegexLexer(std::string_view pattern, RegexFlags flags);
  /// Director prefixes and embedded options; false with a problem.
  bool ReadPrefixes();
  RegexToken Next();

  const RegexFlags& flags() const { return flags_; }
  std::string_view problem() const { return problem_; }
  /// Capturing parentheses opened so far.
  int captures() const { return captures_; }

 private:
  using Kind = RegexToken::Kind;

  bool AtEnd() const { return at_ >= text_.size(); }
  bool Sees(std::u32string_view s) const { return std::u32string_view(text_).substr(at_).starts_with(s); }
  bool advanced() const { return flags_.dialect == RegexFlags::Dialect::kAdvanced; }
  RegexToken Fail(std::string_view problem);
  RegexToken Plain(char32_t c) const;
  RegexToken Assert(RegexNode::Assertion assertion) const;
  bool EmbeddedOptions();
  void SkipBlanks();
  RegexToken NextExtended();
  RegexToken NextBasic();
  RegexToken Parenthesis();
  RegexToken Quantifier(int min, int max);
  RegexToken Bound();
  static RegexToken BrokenBound(std::string_view problem);
  std::optional<int> Number();
  RegexToken Escape(bool in_bracket);
  RegexToken CodeEscape(char32_t c);
  RegexToken DigitEscape(char32_t c);
  RegexToken ClassEscape(char32_t c);
  bool Digits(int base, size_t least, size_t most, char32_t* value);
  RegexToken Bracket();
  bool BracketItem(CharSet* set, bool first);
  bool BracketNamed(CharSet* set, char32_t kind, char32_t* element);
  bool RangeEnd(char32_t* last);

  std::u32string text_;
  RegexFlags flags_;
  size_t at_ = 0;
  bool fresh_ = true;  // BRE: at the start of a (sub)expression
  int captures_ = 0;
  std::string problem_;
};

}  // namespace streamrun
