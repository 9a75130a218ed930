// A compiled regular expression with PostgreSQL's meaning.
//
// RE2 finds the matches; where it has no answer (back-references, look-around, word edges in non-ASCII text,
// groups that PostgreSQL divides in its own way) the automata of regex_nfa.h and regex_tree.h do.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/expr/functions/regex_syntax.h"
#include "core/expr/functions/regex_tree.h"

namespace re2 {
class RE2;
}

namespace streamrun {

/// Immutable and safe to share between threads.
class Regex {
 public:
  enum class Outcome : uint8_t { kNoMatch, kMatch, kTooComplex };

  /// The error's message is PostgreSQL's.
  static Result<std::shared_ptr<const Regex>> Compile(std::string_view pattern, RegexFlags flags);

  /// Does it match anywhere?
  Outcome Matches(std::string_view text) const;
  /// The first match that begins at `from` or behind; what is before is seen by assertions. groups->size()
  /// says how many groups are wanted: 1 for the match alone, else all, captures() + 1.
  Outcome Find(std::string_view text, size_t from, std::vector<RegexSpan>* groups) const;

  int captures() const { return captures_; }
  ~Regex();

 private:
  Regex() = default;

  const re2::RE2* Re2For(std::string_view text) const;
  Outcome FindWhole(std::string_view text, size_t from, RegexSpan* whole, RegexNfa::Budget* budget) const;
  Outcome FindReferring(std::string_view text, size_t from, std::vector<RegexSpan>* groups) const;
  size_t ShortestEnd(const re2::RE2& re, std::string_view text, size_t begin, size_t longest) const;

  RegexSyntax syntax_;
  int captures_ = 0;
  std::unique_ptr<const RegexTree> tree_;
  mutable std::unique_ptr<const RegexTree>
      dividing_tree_;                            // where tree_ leaves it to RE2, but wide_ is missing
  mutable std::unique_ptr<const RegexNfa> nfa_;  // of the whole; null where RE2 answers
  std::unique_ptr<re2::RE2> ascii_;              // for ASCII texts; null = RE2 cannot
  mutable std::unique_ptr<re2::RE2> wide_;       // for others, made when the first comes
  mutable std::once_flag wide_once_;             // guards wide_ and what replaces it
  bool same_for_all_ = false;                    // ascii_ reads every text right
  bool is_literal_ = false;
  std::string required_;  // every match contains it
};

}  // namespace streamrun
