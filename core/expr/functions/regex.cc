// Regular expressions through RE2. PostgreSQL's advanced syntax is nearly RE2's; what RE2 lacks
// (back-references, look-around, word-start and word-end) is refused when the expression is bound.
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <string>

#include "core/expr/function.h"
#include "core/expr/functions/lists.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

// Flags of regexp_* functions (manual, table 9.24).
struct RegexFlags {
  bool fold = false;
  bool global = false;
  bool newline = false;  // n: . and [^x] do not match a newline, ^ and $ match at lines
};

Status ParseFlags(std::string_view text, bool allow_global, RegexFlags* flags) {
  for (const char c : text) {
    if (c == 'i') {
      flags->fold = true;
    } else if (c == 'c') {
      flags->fold = false;
    } else if (c == 'g' && allow_global) {
      flags->global = true;
    } else if (c == 'n' || c == 'm') {
      flags->newline = true;
    } else if (c == 's') {
      flags->newline = false;
    } else {
      return Status::InvalidArgument("invalid regular expression option: \"" + std::string(1, c) + "\"");
    }
  }
  return Status::Ok();
}

// RE2's spelling of PostgreSQL's escapes; an error for what RE2 cannot do.
Result<std::string> Translate(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.substr(i).starts_with("(?") && i + 2 < pattern.size() &&
        (pattern[i + 2] == '=' || pattern[i + 2] == '!' || pattern[i + 2] == '<')) {
      return Status::InvalidArgument(
          "invalid regular expression: look-around (?=, ?!, ?<=, ?<!) is not supported");
    }
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    const char c = pattern[++i];
    if (c >= '1' && c <= '9') {
      return Status::InvalidArgument("invalid regular expression: back-references (\\" + std::string(1, c) +
                                     ") are not supported");
    }
    if (c == 'm' || c == 'M') {
      return Status::InvalidArgument("invalid regular expression: \\m and \\M are not supported, use \\y");
    }
    out += c == 'y' ? "\\b" : c == 'Y' ? "\\B" : c == 'Z' ? "\\z" : "\\" + std::string(1, c);
  }
  return out;
}

// Does it have a non-greedy quantifier? Such a pattern prefers the first match, others the longest
// (manual 9.7.3.5).
bool HasLazyQuantifier(std::string_view pattern) {
  for (size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
      continue;
    }
    const bool quantifier = pattern[i] == '*' || pattern[i] == '+' || pattern[i] == '?' || pattern[i] == '}';
    if (quantifier && pattern[i + 1] == '?') return true;
  }
  return false;
}

Result<std::shared_ptr<const RE2>> Compile(std::string_view pattern, RegexFlags flags) {
  auto translated = Translate(pattern);
  if (!translated.ok()) return translated.status();
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!flags.fold);
  options.set_dot_nl(!flags.newline);
  options.set_longest_match(!HasLazyQuantifier(pattern));
  options.set_max_mem(16 << 20);
  // One-line mode is RE2's default outside POSIX syntax: ^ and $ are the ends of the text.
  std::string text = flags.newline ? "(?m)" + *translated : *translated;
  auto re = std::make_shared<const RE2>(text, options);
  if (!re->ok()) return Status::InvalidArgument("invalid regular expression: " + re->error());
  return re;
}

// A compiled pattern per (pattern, fold) for patterns that come from columns; bounded, one per thread.
Result<std::shared_ptr<const RE2>> Cached(std::string_view pattern, RegexFlags flags) {
  thread_local std::map<std::pair<std::string, int>, std::shared_ptr<const RE2>> cache;
  const std::pair<std::string, int> key(pattern, (flags.fold ? 1 : 0) | (flags.newline ? 2 : 0));
  if (const auto found = cache.find(key); found != cache.end()) return found->second;
  auto compiled = Compile(pattern, flags);
  if (!compiled.ok()) return compiled;
  if (cache.size() >= 64) cache.clear();
  return cache.emplace(key, *compiled).first->second;
}

struct Regex {
  std::shared_ptr<const RE2> re;
  RegexFlags flags;
};

// The pattern (argument `at`) and the flags (argument `flags_at`, when there is one) as one prepared value.
template <size_t kPattern, size_t kFlags, bool kGlobal, bool kFold = false>
Result<std::shared_ptr<const void>> PrepareRegex(std::span<const ColumnPtr> constants) {
  const bool has_flags = constants.size() > kFlags;
  if (!constants[kPattern] || (has_flags && !constants[kFlags])) return std::shared_ptr<const void>();
  if (constants[kPattern]->IsNull(0) || (has_flags && constants[kFlags]->IsNull(0))) {
    return std::shared_ptr<const void>();
  }
  auto regex = std::make_shared<Regex>();
  regex->flags.fold = kFold;
  if (has_flags) SR_RETURN_IF_ERROR(ParseFlags(constants[kFlags]->Text(0), kGlobal, &regex->flags));
  SR_ASSIGN_OR_RETURN(regex->re, Compile(constants[kPattern]->Text(0), regex->flags));
  return std::shared_ptr<const void>(std::move(regex));
}

// The regex of a row: the prepared one, or compiled from the row's values. False after failing the row.
bool RegexFor(Row& row, size_t pattern_at, size_t flags_at, bool fold, bool allow_global, Regex* out) {
  if (const auto* prepared = row.prepared<Regex>()) {
    *out = *prepared;
    return true;
  }
  KernelCall& call = row.call();
  out->flags = {};
  out->flags.fold = fold;
  if (call.arg_count() > flags_at) {
    const Reader<std::string_view> flags(call.arg(flags_at));
    if (const Status s = ParseFlags(flags[row.number()], allow_global, &out->flags); !s.ok()) {
      row.Fail("22023", s.message());
      return false;
    }
  }
  auto compiled = Cached(Reader<std::string_view>(call.arg(pattern_at))[row.number()], out->flags);
  if (!compiled.ok()) {
    row.Fail("2201B", compiled.status().message());
    return false;
  }
  out->re = std::move(compiled).value();
  return true;
}

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }
std::string_view View(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

template <bool kFold, bool kNegated>
ColumnPtr Matches(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  Writer<bool> out(call);
  if (const auto* prepared = call.prepared<Regex>()) {
    const RE2& re = *prepared->re;
    ForEachRow(call.live(), call.rows(), [&](int64_t row) {
      const std::string_view text = texts[row];
      out.Put(row, re.Match(Piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0) != kNegated);
    });
    return out.Finish(call);
  }
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    Regex regex;
    if (!RegexFor(row, 1, 2, kFold, false, &regex)) return;
    const std::string_view text = texts[r];
    out.Put(r, regex.re->Match(Piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0) != kNegated);
  });
  return out.Finish(call);
}

// Groups 0..n of a match; up to 16 groups are kept.
constexpr int kMaxGroups = 17;

bool FindMatch(const RE2& re, std::string_view text, size_t from, re2::StringPiece* groups, int count) {
  return re.Match(Piece(text), from, text.size(), RE2::UNANCHORED, groups, count);
}

int GroupCount(const RE2& re) { return std::min(kMaxGroups, re.NumberOfCapturingGroups() + 1); }

// The captured groups of the first match, or the whole match when the pattern has none; null without a match.
ColumnPtr FirstMatch(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    Regex regex;
    if (!RegexFor(row, 1, 2, false, false, &regex)) return;
    re2::StringPiece groups[kMaxGroups];
    const int count = GroupCount(*regex.re);
    if (!FindMatch(*regex.re, texts[row.number()], 0, groups, count)) return row.Null();
    for (int i = count > 1 ? 1 : 0; i < count; ++i) {
      groups[i].data() == nullptr ? child.AppendNull() : child.AppendText(View(groups[i]));
    }
  });
}

// The first group, or the whole match when the pattern has no group.
ColumnPtr Substring(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  return WriteText(call, [&](Row& row, TextSink& out) {
    Regex regex;
    if (!RegexFor(row, 1, 2, false, false, &regex)) return;
    re2::StringPiece groups[2];
    const int count = std::min(2, GroupCount(*regex.re));
    if (!FindMatch(*regex.re, texts[row.number()], 0, groups, count)) return row.Null();
    const re2::StringPiece& found = groups[count - 1];
    if (found.data() == nullptr) return row.Null();
    out.Append(View(found));
  });
}

ColumnPtr WholeSubstring(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  return WriteText(call, [&](Row& row, TextSink& out) {
    Regex regex;
    if (!RegexFor(row, 1, 2, false, false, &regex)) return;
    re2::StringPiece found;
    if (!FindMatch(*regex.re, texts[row.number()], 0, &found, 1)) return row.Null();
    out.Append(View(found));
  });
}

// Calls f(groups) for the matches from left to right, each behind the one before; an empty match moves on by
// one character. f returns false to stop.
template <typename F>
void ForEachMatch(const RE2& re, std::string_view text, int count, F&& f) {
  re2::StringPiece groups[kMaxGroups];
  size_t from = 0;
  while (from <= text.size() && FindMatch(re, text, from, groups, count)) {
    const size_t begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t end = begin + groups[0].size();
    if (!f(groups, begin, end)) return;
    from = end > begin ? end : end + (end < text.size() ? Utf8Length(text[end]) : 1);
  }
}

// \1..\9 and \& in a replacement; \\ is a backslash.
void AppendReplacement(TextSink& out, std::string_view replacement, const re2::StringPiece* groups,
                       int count) {
  for (size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '\\' || i + 1 == replacement.size()) {
      out.Push(replacement[i]);
      continue;
    }
    const char c = replacement[++i];
    if (c == '&') {
      out.Append(View(groups[0]));
    } else if (c >= '1' && c <= '9') {
      const int group = c - '0';
      if (group < count && groups[group].data() != nullptr) out.Append(View(groups[group]));
    } else {
      if (c != '\\') out.Push('\\');
      out.Push(c);
    }
  }
}

ColumnPtr Replace(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  const Reader<std::string_view> replacements(call.arg(2));
  return WriteText(call, [&](Row& row, TextSink& out) {
    Regex regex;
    if (!RegexFor(row, 1, 3, false, true, &regex)) return;
    const std::string_view text = texts[row.number()];
    const std::string_view replacement = replacements[row.number()];
    const int count = GroupCount(*regex.re);
    size_t copied = 0;
    ForEachMatch(*regex.re, text, count, [&](const re2::StringPiece* groups, size_t begin, size_t end) {
      if (!row.Room(out, text.size() + replacement.size())) return false;
      out.Append(text.substr(copied, begin - copied));
      AppendReplacement(out, replacement, groups, count);
      copied = end;
      return regex.flags.global;
    });
    out.Append(text.substr(copied));
  });
}

ColumnPtr Count(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  Writer<int32_t> out(call);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    Regex regex;
    if (!RegexFor(row, 1, 2, false, false, &regex)) return;
    int32_t matches = 0;
    ForEachMatch(*regex.re, texts[r], 1, [&](const re2::StringPiece*, size_t, size_t) {
      ++matches;
      return true;
    });
    out.Put(r, matches);
  });
  return out.Finish(call);
}

// Empty matches at the ends, and one directly behind another match, do not split.
ColumnPtr Split(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    Regex regex;
    if (!RegexFor(row, 1, 2, false, false, &regex)) return;
    const std::string_view text = texts[row.number()];
    size_t copied = 0;
    ForEachMatch(*regex.re, text, 1, [&](const re2::StringPiece*, size_t begin, size_t end) {
      if (end == begin && (begin == copied || begin == text.size())) return true;
      child.AppendText(text.substr(copied, begin - copied));
      copied = end;
      return true;
    });
    child.AppendText(text.substr(copied));
  });
}

}  // namespace

void AddRegex(FunctionTable& t) {
  using enum Arg;
  t.push_back({"~",
               {kText, kText},
               kBoolean,
               Matches<false, false>,
               "matches the regular expression",
               "'thomas' ~ 't.*ma' -> t",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"~*",
               {kText, kText},
               kBoolean,
               Matches<true, false>,
               "matches in any case",
               "'thomas' ~* 'T.*ma' -> t",
               kPartial,
               PrepareRegex<1, 2, false, true>});
  t.push_back({"!~",
               {kText, kText},
               kBoolean,
               Matches<false, true>,
               "does not match",
               "'thomas' !~ 't.*max' -> t",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"!~*",
               {kText, kText},
               kBoolean,
               Matches<true, true>,
               "does not match in any case",
               "'thomas' !~* 'T.*ma' -> f",
               kPartial,
               PrepareRegex<1, 2, false, true>});
  t.push_back({"regexp_like",
               {kText, kText},
               kBoolean,
               Matches<false, false>,
               "matches the regular expression",
               "regexp_like('Hello World', 'world$', 'i') -> t",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"regexp_like",
               {kText, kText, kText},
               kBoolean,
               Matches<false, false>,
               "the same with flags: i any case, n newline-sensitive",
               "",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"regexp_match",
               {kText, kText},
               kTextList,
               FirstMatch,
               "the groups of the first match, null without one",
               "regexp_match('foobarbequebaz', '(bar)(beque)') -> {bar,beque}",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"regexp_match",
               {kText, kText, kText},
               kTextList,
               FirstMatch,
               "the same with flags",
               "",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"substring",
               {kText, kText},
               kText,
               Substring,
               "the first group of the first match, or the whole match",
               "substring('Thomas' from '...$') -> mas",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"regexp_substr",
               {kText, kText},
               kText,
               WholeSubstring,
               "the text of the first match",
               "regexp_substr('ABCDEF', 'C(.)') -> CD",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"regexp_replace",
               {kText, kText, kText},
               kText,
               Replace,
               "the first match replaced; \\1 is a group, \\& the match",
               "regexp_replace('Thomas', '.[mN]a.', 'M') -> ThM",
               kPartial,
               PrepareRegex<1, 3, true>});
  t.push_back({"regexp_replace",
               {kText, kText, kText, kText},
               kText,
               Replace,
               "the same with flags; g replaces all matches",
               "regexp_replace('Thomas', '[ao]', '*', 'g') -> Th*m*s",
               kPartial,
               PrepareRegex<1, 3, true>});
  t.push_back({"regexp_count",
               {kText, kText},
               kInteger,
               Count,
               "number of matches",
               "regexp_count('a1b2c3', '\\d') -> 3",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"regexp_split_to_array",
               {kText, kText},
               kTextList,
               Split,
               "the text cut at the matches",
               "regexp_split_to_array('hello world', '\\s+') -> {hello,world}",
               kPartial,
               PrepareRegex<1, 2, false>});
  t.push_back({"regexp_split_to_array",
               {kText, kText, kText},
               kTextList,
               Split,
               "the same with flags",
               "",
               kPartial,
               PrepareRegex<1, 2, false>});
}

}  // namespace streamrun
