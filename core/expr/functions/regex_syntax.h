// The syntax tree of a PostgreSQL regular expression (manual 9.7.3): advanced, extended, basic or literal.
#pragma once

#include <compare>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/expr/functions/regex_set.h"

namespace streamrun {

/// Options of the flags argument (manual, table 9.25), of embedded options too.
struct RegexFlags {
  enum class Dialect : uint8_t { kAdvanced, kExtended, kBasic, kLiteral };
  Dialect dialect = Dialect::kAdvanced;
  bool fold = false;          // i
  bool global = false;        // g
  bool expanded = false;      // x
  bool dot_stops = false;     // p, n: . and [^x] do not match a newline
  bool line_anchors = false;  // w, n: ^ and $ match at lines

  auto operator<=>(const RegexFlags&) const = default;
};

/// Adds the letters of a flags argument. The error is PostgreSQL's message.
Status ParseRegexFlags(std::string_view letters, RegexFlags* flags);

struct RegexNode;
using RegexNodePtr = std::shared_ptr<const RegexNode>;

/// Immutable once parsed; subtrees may be shared.
struct RegexNode {
  enum class Op : uint8_t {
    kEmpty,
    kSet,        // one character
    kAssert,     // matches no character
    kLook,       // (?=re) (?!re) (?<=re) (?<!re)
    kConcat,     // two or more kids
    kAlternate,  // two or more kids
    kRepeat,     // one kid, min to max times
    kCapture,    // one kid
    kBackref,    // \capture; the kid is what the group matches
  };
  enum class Assertion : uint8_t {
    kTextStart,
    kTextEnd,
    kLineStart,
    kLineEnd,
    kWord,
    kNoWord,
    kWordStart,
    kWordEnd
  };
  /// What a quantifier prefers; kNone is what {m} does: as its atom.
  enum class Prefers : uint8_t { kNone, kLonger, kShorter };

  Op op = Op::kEmpty;
  Assertion assertion = Assertion::kTextStart;
  bool behind = false;   // kLook
  bool negated = false;  // kLook
  Prefers prefers = Prefers::kNone;
  int min = 1;
  int max = 1;  // kUnbounded
  int capture = 0;
  CharSet set;
  std::vector<RegexNodePtr> kids;

  static constexpr int kUnbounded = 256;  // bounds end at 255
};

RegexNodePtr MakeRepeat(RegexNodePtr kid, int min, int max, RegexNode::Prefers prefers);
RegexNodePtr MakeConcat(std::vector<RegexNodePtr> kids);

struct RegexSyntax {
  RegexNodePtr root;
  RegexFlags flags;  // with embedded options
  int captures = 0;
  bool has_backref = false;
  bool has_look = false;
  bool has_word_edge = false;  // \y \Y \m \M
  bool has_word_side = false;  // \m \M
};

/// Parses a pattern. The error's message is PostgreSQL's ("invalid regular expression: ...").
Result<RegexSyntax> ParseRegex(std::string_view pattern, RegexFlags flags);

}  // namespace streamrun
