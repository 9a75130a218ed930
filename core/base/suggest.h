// "Did you mean": the nearest of some names by edit distance.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace streamrun {

/// The candidate closest to `word` (optimal string alignment distance, case-insensitive), or nothing when
/// none is within a third of the word's length (at least 1, at most 3 edits). Ties go to the earlier
/// candidate.
std::optional<std::string_view> Nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

}  // namespace streamrun
