// The pattern of like_regex with its flags (manual 9.16.2.3).
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "core/base/status.h"

namespace streamrun {

class Regex;

/// A compiled pattern; copies share it. Thread-safe.
class LikeRegex {
 public:
  LikeRegex() = default;
  /// Flags: i ignores case, s lets . match a newline, m makes ^ and $ match at lines, q takes the pattern
  /// literally.
  static Result<LikeRegex> Compile(std::string_view pattern, std::string_view flags);
  /// Does the pattern match somewhere in the text? Nothing when the search was given up.
  std::optional<bool> Matches(std::string_view text) const;

 private:
  std::shared_ptr<const Regex> regex_;
};

}  // namespace streamrun
