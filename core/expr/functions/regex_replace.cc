// regexp_replace with all its arguments.
#include "core/expr/function.h"
#include "core/expr/functions/regex_row.h"

namespace streamrun {

namespace {

constexpr char kAnyFlags[] = "";

// Does a replacement mention a group?
bool NamesGroup(std::string_view replacement) {
  for (size_t i = 0; i + 1 < replacement.size(); ++i) {
    if (replacement[i] != '\\') continue;
    ++i;
    if (replacement[i] >= '1' && replacement[i] <= '9') return true;
  }
  return false;
}

// \1 to \9 are groups, \& the match, \\ a backslash; anything else stands for itself.
bool AppendReplacement(Row& row, TextSink& out, std::string_view replacement, std::string_view text,
                       const std::vector<RegexSpan>& groups) {
  for (size_t i = 0; i < replacement.size();) {
    const size_t mark = replacement.find('\\', i);
    out.Append(replacement.substr(i, mark == std::string_view::npos ? mark : mark - i));
    if (mark == std::string_view::npos) return true;
    const char c = mark + 1 < replacement.size() ? replacement[mark + 1] : '\0';
    i = mark + 2;
    if (c == '&' || (c >= '1' && c <= '9')) {
      const size_t group = c == '&' ? 0 : static_cast<size_t>(c - '0');
      if (group >= groups.size() || !groups[group].found()) continue;
      const std::string_view part = groups[group].In(text);
      if (!row.Room(out, part.size() + replacement.size())) return false;
      out.Append(part);
    } else {
      out.Push('\\');
      if (c != '\\') i = mark + 1;
    }
  }
  return true;
}

// Replaces match number `nth`, or all of them when it is 0.
void ReplaceMatches(Row& row, TextSink& out, const Regex& regex, std::string_view text,
                    std::string_view replacement, size_t from, int32_t nth, std::vector<RegexSpan>* groups) {
  groups->resize(NamesGroup(replacement) ? static_cast<size_t>(regex.captures()) + 1 : 1);
  size_t copied = 0;
  int32_t number = 0;
  ForEachMatch(row, regex, text, from, groups, [&](const std::vector<RegexSpan>& found) {
    if (nth > 0 && ++number != nth) return true;
    if (!row.Room(out, text.size() + replacement.size())) return false;
    out.Append(text.substr(copied, found[0].begin - copied));
    if (!AppendReplacement(row, out, replacement, text, found)) return false;
    copied = found[0].end;
    return nth == 0;
  });
  if (!row.dropped() && row.Room(out, text.size())) out.Append(text.substr(copied));
}

// regexp_replace(text, pattern, replacement [, flags])
ColumnPtr Replace(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  const Reader<std::string_view> replacements(call.arg(2));
  RowRegex regexes(call, 3, false, "");
  std::vector<RegexSpan> groups;
  return WriteText(call, [&](Row& row, TextSink& out) {
    const Regex* regex = regexes.For(row);
    if (regex == nullptr) return;
    const int64_t r = row.number();
    ReplaceMatches(row, out, *regex, texts[r], replacements[r], 0, regexes.flags().global ? 0 : 1, &groups);
  });
}

// regexp_replace(text, pattern, replacement, start [, N [, flags]])
ColumnPtr ReplaceFrom(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  const Reader<std::string_view> replacements(call.arg(2));
  const Reader<int32_t> starts(call.arg(3));
  RowRegex regexes(call, 5, false, "");
  std::optional<Reader<int32_t>> numbers;
  if (call.arg_count() > 4) numbers.emplace(call.arg(4));
  std::vector<RegexSpan> groups;
  return WriteText(call, [&](Row& row, TextSink& out) {
    const int64_t r = row.number();
    const int32_t nth = numbers ? (*numbers)[r] : 1;
    if (!CheckParameter(row, "start", starts[r], 1, 2147483647)) return;
    if (!CheckParameter(row, "n", nth, 0, 2147483647)) return;
    const Regex* regex = regexes.For(row);
    if (regex == nullptr) return;
    const std::string_view text = texts[r];
    if (starts[r] - 1 > CountUtf8(text)) return out.Append(text);
    ReplaceMatches(row, out, *regex, text, replacements[r], Utf8Offset(text, starts[r] - 1), nth, &groups);
  });
}

}  // namespace

void AddRegexReplace(FunctionTable& t) {
  using enum Arg;
  t.push_back({"regexp_replace",
               {kText, kText, kText},
               kText,
               Replace,
               "the first match replaced; \\1 is a group, \\& the match",
               "regexp_replace('Thomas', '.[mN]a.', 'M') -> ThM",
               kPartial,
               PrepareRegex<3, false, kAnyFlags>,
               CheckRegexFlags<3, kAnyFlags>});
  t.push_back({"regexp_replace",
               {kText, kText, kText, kText},
               kText,
               Replace,
               "the same with flags; g replaces all matches",
               "regexp_replace('Thomas', '[ao]', '*', 'g') -> Th*m*s",
               kPartial,
               PrepareRegex<3, false, kAnyFlags>,
               CheckRegexFlags<3, kAnyFlags>});
  t.push_back({"regexp_replace",
               {kText, kText, kText, kInteger},
               kText,
               ReplaceFrom,
               "the first match from a character on replaced",
               "regexp_replace('Thomas', '.', 'X', 3) -> ThXmas",
               kPartial,
               PrepareRegex<5, false, kAnyFlags>,
               CheckRegexFlags<5, kAnyFlags>});
  t.push_back({"regexp_replace",
               {kText, kText, kText, kInteger, kInteger},
               kText,
               ReplaceFrom,
               "the N-th match replaced, all of them when N is 0",
               "regexp_replace('Thomas', '.', 'X', 3, 2) -> ThoXas",
               kPartial,
               PrepareRegex<5, false, kAnyFlags>,
               CheckRegexFlags<5, kAnyFlags>});
  t.push_back({"regexp_replace",
               {kText, kText, kText, kInteger, kInteger, kText},
               kText,
               ReplaceFrom,
               "the same with flags",
               "regexp_replace('Thomas', 'O', 'X', 1, 1, 'i') -> ThXmas",
               kPartial,
               PrepareRegex<5, false, kAnyFlags>,
               CheckRegexFlags<5, kAnyFlags>});
}

}  // namespace streamrun
