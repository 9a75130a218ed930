// LIKE over bytes: _ stands for one byte, % for any, \ takes the next one literally (PostgreSQL manual 9.5).
#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

constexpr size_t kNone = std::string_view::npos;

// Walks both; after a mismatch the last % takes one byte more. False with `*broken` set when the match gets
// to an escape character that ends the pattern while bytes are left, as PostgreSQL then complains.
bool Match(std::string_view bytes, std::string_view pattern, bool* broken) {
  size_t at = 0;
  size_t p = 0;
  size_t retry_at = kNone;
  size_t retry_p = 0;
  const auto ends_in_escape = [&](size_t i) { return pattern[i] == '\\' && i + 1 == pattern.size(); };
  while (at < bytes.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      while (p < pattern.size() && (pattern[p] == '%' || (pattern[p] == '_' && at < bytes.size()))) {
        at += pattern[p] == '_';
        ++p;
      }
      if (p == pattern.size()) return true;
      if (pattern[p] == '_') return false;
      if (ends_in_escape(p)) {
        *broken = true;
        return false;
      }
      retry_at = at;
      retry_p = p;
      continue;
    }
    if (p < pattern.size() && ends_in_escape(p)) {
      *broken = true;
      return false;
    }
    const bool escaped = p < pattern.size() && pattern[p] == '\\';
    const size_t literal = p + (escaped ? 1 : 0);
    const bool any = p < pattern.size() && pattern[p] == '_';
    if (any || (literal < pattern.size() && pattern[literal] == bytes[at])) {
      p = literal + 1;
      ++at;
      continue;
    }
    if (retry_at == kNone) return false;
    at = ++retry_at;
    p = retry_p;
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

template <bool kNegated>
bool Like(Row& row, std::string_view bytes, std::string_view pattern) {
  bool broken = false;
  const bool matches = Match(bytes, pattern, &broken);
  if (broken) row.Fail("22025", "LIKE pattern must not end with escape character");
  return matches != kNegated;
}

// like_escape(pattern, escape): rewrites a pattern to the default escape character.
void LikeEscape(Row& row, TextSink& out, std::string_view pattern, std::string_view escape) {
  if (escape.size() > 1) return row.Fail("22025", "invalid escape string");
  if (!row.Room(out, pattern.size() * 2)) return;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (!escape.empty() && pattern[i] == escape[0]) {
      out.Push('\\');
      if (++i < pattern.size()) out.Push(pattern[i]);
      continue;
    }
    if (pattern[i] == '\\') out.Push('\\');
    out.Push(pattern[i]);
  }
}

}  // namespace

void AddByteaLike(FunctionTable& t) {
  using enum Arg;
  t.push_back({"~~",
               {kBytea, kBytea},
               kBoolean,
               Rows<Like<false>>,
               "matches the pattern (LIKE): % any bytes, _ any one byte",
               "'\\x616263'::bytea LIKE 'a%'::bytea -> t"});
  t.push_back({"!~~",
               {kBytea, kBytea},
               kBoolean,
               Rows<Like<true>>,
               "does not match the pattern (NOT LIKE)",
               "'\\x616263'::bytea NOT LIKE '_b_'::bytea -> f"});
  t.push_back({"like_escape",
               {kBytea, kBytea},
               kBytea,
               Rows<LikeEscape>,
               "a LIKE pattern with the default escape",
               "'10%'::bytea LIKE '10#%'::bytea ESCAPE '#'::bytea -> t"});
}

}  // namespace streamrun
