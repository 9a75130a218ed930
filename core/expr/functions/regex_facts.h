// What can be said of a part of a regular expression without matching it.
#pragma once

#include <optional>

#include "core/expr/functions/regex_syntax.h"

namespace streamrun {

/// Can it match no characters at all? Back-references count as their group.
bool MatchesEmpty(const RegexNode& node);
/// The number of characters it matches when that is always the same.
std::optional<int64_t> FixedLength(const RegexNode& node);
/// The characters it may begin (or, with `last`, end) with.
CharSet EdgeSet(const RegexNode& node, bool last);
/// Those of kids [from, to) of a concatenation; `empty` tells whether they can match nothing.
CharSet EdgeSet(const RegexNode& concat, size_t from, size_t to, bool last, bool* empty);

bool IsSubset(const CharSet& part, const CharSet& whole);
bool Overlaps(const CharSet& a, const CharSet& b);

/// Do alternatives of a backtracking matcher come in order of length, longest (or shortest) first?
bool OrderedByLength(const RegexNode& node, bool longest_first);

/// The bytes it matches when it matches one text only; nothing otherwise.
std::optional<std::string> LiteralText(const RegexNode& node);
/// A text that every match contains; the longest that is easy to see, maybe empty.
std::string RequiredText(const RegexNode& node);

}  // namespace streamrun
