// LIKE and ILIKE. A constant pattern is cut into segments once; plain ones run over the whole column's bytes.
#include <string>
#include <vector>

#include "core/expr/function.h"
#include "core/expr/kernel.h"
#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

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

bool Match(const LikePattern& pattern, std::string_view text) {
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

std::string Lowered(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      const char c = text[i++];
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      continue;
    }
    size_t length;
    char bytes[4];
    const char32_t c = LowerOf(DecodeUtf8(text, i, &length));
    out.append(bytes, EncodeUtf8(c, bytes));
    i += length;
  }
  return out;
}

template <bool kFold>
Result<std::shared_ptr<const void>> PrepareLike(std::span<const ColumnPtr> constants) {
  if (!constants[1] || constants[1]->IsNull(0)) return std::shared_ptr<const void>();
  const std::string_view text = constants[1]->Text(0);
  auto pattern = std::make_shared<LikePattern>(ParseLike(kFold ? Lowered(text) : std::string(text)));
  return std::shared_ptr<const void>(std::move(pattern));
}

// %literal%: one search over the bytes of all rows; a hit names its row by the offsets.
ColumnPtr ContainsColumn(KernelCall& call, std::string_view needle, bool negated) {
  const Column& column = *call.arg(0).column;
  const auto* offsets = column.values<int32_t>();
  const int64_t rows = call.rows();
  RowSet found(static_cast<size_t>(WordsFor(rows)), 0);
  const std::string_view all(column.text_data(), static_cast<size_t>(offsets[rows]));
  int64_t row = 0;
  size_t at = 0;
  while ((at = FindBytes(all, needle, at)) != std::string_view::npos) {
    while (static_cast<size_t>(offsets[row + 1]) <= at) ++row;
    if (at + needle.size() <= static_cast<size_t>(offsets[row + 1])) {
      found[static_cast<size_t>(row >> 6)] |= uint64_t{1} << (row & 63);
      at = static_cast<size_t>(offsets[row + 1]);
    } else {
      ++at;  // the hit straddles two rows
    }
  }
  if (negated) {
    for (int64_t w = 0; w < WordsFor(rows); ++w) {
      found[static_cast<size_t>(w)] = ~found[static_cast<size_t>(w)] & WordMask(w, rows);
    }
  }
  return call.Finish(BitmapOf(found.data(), rows));
}

template <typename F>
ColumnPtr Test(KernelCall& call, bool negated, F&& matches) {
  const Reader<std::string_view> texts(call.arg(0));
  Writer<bool> out(call);
  ForEachRow(call.live(), call.rows(),
             [&](int64_t row) { out.Put(row, matches(row, texts[row]) != negated); });
  return out.Finish(call);
}

template <bool kFold, bool kNegated>
ColumnPtr Like(KernelCall& call) {
  const auto match = [&](const LikePattern& p, int64_t row, std::string_view text) {
    const bool matches = kFold ? Match(p, Lowered(text)) : Match(p, text);
    if (!matches || !p.broken) return matches;
    call.Fail(row, "22025", "LIKE pattern must not end with escape character");
    return false;
  };
  const auto* pattern = call.prepared<LikePattern>();
  if (pattern == nullptr) {
    const Reader<std::string_view> patterns(call.arg(1));
    return Test(call, kNegated, [&](int64_t row, std::string_view text) {
      const LikePattern own = ParseLike(kFold ? Lowered(patterns[row]) : std::string(patterns[row]));
      return match(own, row, text);
    });
  }
  if (pattern->broken || kFold) {
    return Test(call, kNegated,
                [&](int64_t row, std::string_view text) { return match(*pattern, row, text); });
  }
  const std::vector<Segment>& s = pattern->segments;
  const bool plain = s.front().plain() && s.back().plain();
  if (s.size() == 1 && plain) {
    return Test(call, kNegated, [&](int64_t, std::string_view text) { return text == s[0].literal(); });
  }
  if (s.size() == 2 && plain) {
    const std::string_view head = s[0].literal();
    const std::string_view tail = s[1].literal();
    return Test(call, kNegated, [&](int64_t, std::string_view text) {
      return text.size() >= head.size() + tail.size() && text.starts_with(head) && text.ends_with(tail);
    });
  }
  const bool contains = s.size() == 3 && s[0].parts.empty() && s[2].parts.empty() && s[1].plain();
  if (contains && !s[1].parts.empty() && !call.arg(0).constant) {
    return ContainsColumn(call, s[1].literal(), kNegated);
  }
  return Test(call, kNegated, [&](int64_t, std::string_view text) { return Match(*pattern, text); });
}

// like_escape(pattern, escape): rewrites a pattern to the default escape character.
void LikeEscape(Row& row, TextSink& out, std::string_view pattern, std::string_view escape) {
  if (CountUtf8(escape) > 1) {
    return row.Fail("22019", "invalid escape string");
  }
  if (!row.Room(out, pattern.size() * 2)) return;
  for (size_t i = 0; i < pattern.size();) {
    if (!escape.empty() && pattern.substr(i, escape.size()) == escape) {
      i += escape.size();
      out.Push('\\');
      if (i >= pattern.size()) return;
      const size_t length = Utf8Length(pattern[i]);
      out.Append(pattern.substr(i, length));
      i += length;
      continue;
    }
    if (pattern[i] == '\\') out.Push('\\');
    out.Push(pattern[i++]);
  }
}

}  // namespace

void AddPattern(FunctionTable& t) {
  using enum Arg;
  t.push_back({"~~",
               {kText, kText},
               kBoolean,
               Like<false, false>,
               "matches the pattern (LIKE): % any text, _ any one character",
               "'abc' LIKE 'a%' -> t",
               kPartial,
               PrepareLike<false>});
  t.push_back({"!~~",
               {kText, kText},
               kBoolean,
               Like<false, true>,
               "does not match the pattern (NOT LIKE)",
               "'abc' NOT LIKE '_b%' -> f",
               kPartial,
               PrepareLike<false>});
  t.push_back({"~~*",
               {kText, kText},
               kBoolean,
               Like<true, false>,
               "matches the pattern in any case (ILIKE)",
               "'ABC' ILIKE '%bc' -> t",
               kPartial,
               PrepareLike<true>});
  t.push_back({"!~~*",
               {kText, kText},
               kBoolean,
               Like<true, true>,
               "does not match the pattern in any case",
               "'ABC' NOT ILIKE 'abc' -> f",
               kPartial,
               PrepareLike<true>});
  t.push_back({"like_escape",
               {kText, kText},
               kText,
               Rows<LikeEscape>,
               "a LIKE pattern with the default escape",
               "'10%' LIKE '10#%' ESCAPE '#' -> t"});
}

}  // namespace streamrun
