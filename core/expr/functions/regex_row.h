// The regular expression of each row: prepared once, or from columns through a small cache.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/expr/function.h"
#include "core/expr/functions/regex_match.h"
#include "core/expr/kernel.h"
#include "core/expr/utf8.h"

namespace streamrun {

struct PreparedRegex {
  std::shared_ptr<const Regex> regex;
  RegexFlags flags;
};

inline constexpr size_t kNoFlags = 99;

/// `name`: the function, for its message about flag g; empty when it takes g.
Result<std::shared_ptr<const void>> PrepareRegexAt(std::span<const ColumnPtr> constants, size_t flags_at,
                                                   bool fold, std::string_view name);

/// Function::check of flags that are none, or that the function `name` has not.
std::optional<ArgumentProblem> CheckRegexFlagsAt(std::span<const ColumnPtr> constants, size_t flags_at,
                                                 std::string_view name);

template <size_t kFlags, const char* kName>
std::optional<ArgumentProblem> CheckRegexFlags(std::span<const ColumnPtr> constants) {
  return CheckRegexFlagsAt(constants, kFlags, kName);
}
template <size_t kFlags, bool kFold, const char* kName>
Result<std::shared_ptr<const void>> PrepareRegex(std::span<const ColumnPtr> constants) {
  return PrepareRegexAt(constants, kFlags, kFold, kName);
}

/// Compiled patterns are shared by all rows of a thread; the last one is at hand.
class RowRegex {
 public:
  /// The pattern is argument 1, the flags argument `flags_at` if there is one.
  RowRegex(KernelCall& call, size_t flags_at, bool fold, std::string_view name);

  /// The row's expression, or null after failing the row.
  const Regex* For(Row& row);
  const RegexFlags& flags() const { return current_.flags; }

 private:
  bool ReadFlags(Row& row);

  Reader<std::string_view> patterns_;
  std::optional<Reader<std::string_view>> letters_;
  bool prepared_ = false;
  bool fold_;
  std::string_view name_;
  PreparedRegex current_;
  std::string pattern_;  // of current_
};

/// False after failing the row when the search was given up.
inline bool Settled(Row& row, Regex::Outcome outcome) {
  if (outcome != Regex::Outcome::kTooComplex) return true;
  row.Fail("2201B", "regular expression failed: regular expression is too complex");
  return false;
}

/// Calls f(groups) for the matches from left to right, each behind the one before; an empty match moves on by
/// one character. f returns false to stop. False after failing the row.
template <typename F>
bool ForEachMatch(Row& row, const Regex& regex, std::string_view text, size_t from,
                  std::vector<RegexSpan>* groups, F&& f) {
  while (from <= text.size()) {
    const Regex::Outcome outcome = regex.Find(text, from, groups);
    if (!Settled(row, outcome)) return false;
    if (outcome == Regex::Outcome::kNoMatch) return true;
    const RegexSpan whole = (*groups)[0];
    if (!f(*groups)) return true;
    from = whole.end;
    if (whole.end > whole.begin) continue;
    from += from < text.size() ? Utf8Length(text[from]) : 1;
  }
  return true;
}

/// A parameter counted from `least`. False after failing the row with PostgreSQL's message.
inline bool CheckParameter(Row& row, std::string_view name, int32_t value, int32_t least, int32_t most) {
  if (value >= least && value <= most) return true;
  row.Fail("22023", "invalid value for parameter \"" + std::string(name) + "\": " + std::to_string(value));
  return false;
}

}  // namespace streamrun
