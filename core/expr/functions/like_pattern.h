// A LIKE pattern, cut into segments at its % signs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace streamrun {

// A run without %: literals, each behind a number of any characters (_).
struct Segment {
  struct Part {
    int skip = 0;
    std::string literal;
  };
  std::vector<Part> parts;
  int64_t characters = 0;
  bool plain() const { return parts.empty() || (parts.size() == 1 && parts[0].skip == 0); }
  std::string_view literal() const { return parts.empty() ? std::string_view() : parts[0].literal; }
};

struct LikePattern {
  std::vector<Segment> segments;  // between them stands a %; at least one
  bool broken = false;            // ends with the escape character
};

/// Backslash is the escape; like_escape() has rewritten any other.
LikePattern ParseLike(std::string_view pattern);
/// Does it match the whole text? A broken pattern must then fail the row.
bool MatchLike(const LikePattern& pattern, std::string_view text);

}  // namespace streamrun
