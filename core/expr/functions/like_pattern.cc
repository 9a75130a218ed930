#include "core/expr/functions/like_pattern.h"

#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

LikePattern ParseLike(std::string_view pattern) {
  LikePattern out;
  out.segments.emplace_back();
  const auto part = [&]() -> Segment::Part& {
    Segment& s = out.segments.back();
    if (s.parts.empty()) s.parts.emplace_back();
    return s.parts.back();
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '%') {
      out.segments.emplace_back();
      continue;
    }
    if (c == '_') {
      Segment& s = out.segments.back();
      if (s.parts.empty() || !s.parts.back().literal.empty()) s.parts.emplace_back();
      ++s.parts.back().skip;
      ++s.characters;
      continue;
    }
    if (c == '\\') {
      if (++i == pattern.size()) {
        // PostgreSQL complains when the match gets there with text left: when "what came before _%" matches.
        out.broken = true;
        out.segments.back().parts.push_back({1, ""});
        ++out.segments.back().characters;
        out.segments.emplace_back();
        break;
      }
      c = pattern[i];
    }
    part().literal += c;
    out.segments.back().characters += IsUtf8Start(c);
  }
  return out;
}

namespace {

// End of the segment when it matches at `at`, else npos.
size_t MatchAt(const Segment& segment, std::string_view text, size_t at) {
  for (const Segment::Part& p : segment.parts) {
    for (int i = 0; i < p.skip; ++i) {
      if (at >= text.size()) return std::string_view::npos;
      at += Utf8Length(text[at]);
    }
    if (text.size() < at || text.substr(at, p.literal.size()) != p.literal) return std::string_view::npos;
    at += p.literal.size();
  }
  return at;
}

// Byte offset of the last `characters` characters at or behind `from`, or npos.
size_t FromEnd(std::string_view text, size_t from, int64_t characters) {
  size_t at = text.size();
  while (characters > 0 && at > from) {
    --at;
    if (IsUtf8Start(text[at])) --characters;
  }
  return characters == 0 ? at : std::string_view::npos;
}

}  // namespace

bool MatchLike(const LikePattern& pattern, std::string_view text) {
  constexpr size_t kNone = std::string_view::npos;
  const std::vector<Segment>& segments = pattern.segments;
  size_t at = MatchAt(segments.front(), text, 0);
  if (at == kNone) return false;
  if (segments.size() == 1) return at == text.size();
  for (size_t i = 1; i + 1 < segments.size(); ++i) {
    const Segment& segment = segments[i];
    if (segment.plain()) {
      at = FindBytes(text, segment.literal(), at);
      if (at == kNone) return false;
      at += segment.literal().size();
      continue;
    }
    // At every character; where the segment begins with a literal, only where that stands.
    size_t end = kNone;
    for (; at <= text.size(); at += at < text.size() ? Utf8Length(text[at]) : 1) {
      if (segment.parts[0].skip == 0) at = FindBytes(text, segment.parts[0].literal, at);
      if (at == kNone) return false;
      end = MatchAt(segment, text, at);
      if (end != kNone) break;
    }
    if (end == kNone) return false;
    at = end;
  }
  const size_t start = FromEnd(text, at, segments.back().characters);
  return start != kNone && MatchAt(segments.back(), text, start) == text.size();
}

}  // namespace streamrun
