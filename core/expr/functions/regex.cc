// Regular expressions: matching, finding and splitting (manual 9.7.3).
#include "core/expr/function.h"
#include "core/expr/functions/lists.h"
#include "core/expr/functions/regex_row.h"

namespace streamrun {

namespace {

constexpr char kAnyFlags[] = "";
constexpr char kLike[] = "regexp_like";
constexpr char kMatchName[] = "regexp_match";
constexpr char kSplit[] = "regexp_split_to_array";

template <bool kFold, bool kNegated, size_t kFlags, const char* kName>
ColumnPtr Matches(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  RowRegex regexes(call, kFlags, kFold, kName);
  Writer<bool> out(call);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    const Regex* regex = regexes.For(row);
    if (regex == nullptr) return;
    const Regex::Outcome outcome = regex->Matches(texts[r]);
    if (Settled(row, outcome)) out.Put(r, (outcome == Regex::Outcome::kMatch) != kNegated);
  });
  return out.Finish(call);
}

// The groups of the first match, or the whole match when the pattern has none; null without a match.
ColumnPtr FirstMatch(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  RowRegex regexes(call, 2, false, kMatchName);
  std::vector<RegexSpan> groups;
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const Regex* regex = regexes.For(row);
    if (regex == nullptr) return;
    const std::string_view text = texts[row.number()];
    groups.resize(static_cast<size_t>(regex->captures()) + 1);
    const Regex::Outcome outcome = regex->Find(text, 0, &groups);
    if (!Settled(row, outcome)) return;
    if (outcome == Regex::Outcome::kNoMatch) return row.Null();
    for (size_t i = groups.size() > 1 ? 1 : 0; i < groups.size(); ++i) {
      groups[i].found() ? child.AppendText(groups[i].In(text)) : child.AppendNull();
    }
  });
}

// substring(text from pattern): the first group, or the whole match when the pattern has no group.
ColumnPtr Substring(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  RowRegex regexes(call, kNoFlags, false, "");
  std::vector<RegexSpan> groups;
  return WriteText(call, [&](Row& row, TextSink& out) {
    const Regex* regex = regexes.For(row);
    if (regex == nullptr) return;
    const std::string_view text = texts[row.number()];
    groups.resize(static_cast<size_t>(regex->captures()) + 1);
    const Regex::Outcome outcome = regex->Find(text, 0, &groups);
    if (!Settled(row, outcome)) return;
    const RegexSpan& part = groups[groups.size() > 1 ? 1 : 0];
    if (outcome == Regex::Outcome::kNoMatch || !part.found()) return row.Null();
    out.Append(part.In(text));
  });
}

// Empty matches at the ends, and one directly behind another match, do not split.
ColumnPtr Split(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  RowRegex regexes(call, 2, false, kSplit);
  std::vector<RegexSpan> groups(1);
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const Regex* regex = regexes.For(row);
    if (regex == nullptr) return;
    const std::string_view text = texts[row.number()];
    size_t copied = 0;
    size_t last_end = 0;
    ForEachMatch(row, *regex, text, 0, &groups, [&](const std::vector<RegexSpan>& found) {
      const bool splits = found[0].begin < text.size() && found[0].end > last_end;
      last_end = found[0].end;
      if (!splits) return true;
      child.AppendText(text.substr(copied, found[0].begin - copied));
      copied = found[0].end;
      return true;
    });
    if (!row.dropped()) child.AppendText(text.substr(copied));
  });
}

}  // namespace

void AddRegex(FunctionTable& t) {
  using enum Arg;
  t.push_back({"~",
               {kText, kText},
               kBoolean,
               Matches<false, false, kNoFlags, kAnyFlags>,
               "matches the regular expression",
               "'thomas' ~ 't.*ma' -> t",
               kPartial,
               PrepareRegex<kNoFlags, false, kAnyFlags>});
  t.push_back({"~*",
               {kText, kText},
               kBoolean,
               Matches<true, false, kNoFlags, kAnyFlags>,
               "matches the regular expression in any case",
               "'thomas' ~* 'T.*ma' -> t",
               kPartial,
               PrepareRegex<kNoFlags, true, kAnyFlags>});
  t.push_back({"!~",
               {kText, kText},
               kBoolean,
               Matches<false, true, kNoFlags, kAnyFlags>,
               "does not match the regular expression",
               "'thomas' !~ 't.*max' -> t",
               kPartial,
               PrepareRegex<kNoFlags, false, kAnyFlags>});
  t.push_back({"!~*",
               {kText, kText},
               kBoolean,
               Matches<true, true, kNoFlags, kAnyFlags>,
               "does not match the regular expression in any case",
               "'thomas' !~* 'T.*ma' -> f",
               kPartial,
               PrepareRegex<kNoFlags, true, kAnyFlags>});
  t.push_back({"regexp_like",
               {kText, kText},
               kBoolean,
               Matches<false, false, 2, kLike>,
               "matches the regular expression",
               "regexp_like('Hello World', 'o W') -> t",
               kPartial,
               PrepareRegex<2, false, kLike>,
               CheckRegexFlags<2, kLike>});
  t.push_back({"regexp_like",
               {kText, kText, kText},
               kBoolean,
               Matches<false, false, 2, kLike>,
               "the same with flags: i any case, n newline-sensitive, x expanded and others",
               "regexp_like('Hello World', 'world$', 'i') -> t",
               kPartial,
               PrepareRegex<2, false, kLike>,
               CheckRegexFlags<2, kLike>});
  t.push_back({"regexp_match",
               {kText, kText},
               kTextList,
               FirstMatch,
               "the groups of the first match, or the match when there are none; null without one",
               "regexp_match('foobarbequebaz', '(bar)(beque)') -> {bar,beque}",
               kPartial,
               PrepareRegex<2, false, kMatchName>,
               CheckRegexFlags<2, kMatchName>});
  t.push_back({"regexp_match",
               {kText, kText, kText},
               kTextList,
               FirstMatch,
               "the same with flags",
               "regexp_match('ABC', '(b)', 'i') -> {B}",
               kPartial,
               PrepareRegex<2, false, kMatchName>,
               CheckRegexFlags<2, kMatchName>});
  t.push_back({"substring",
               {kText, kText},
               kText,
               Substring,
               "the first group of the first match, or the whole match",
               "substring('Thomas' from '...$') -> mas",
               kPartial,
               PrepareRegex<kNoFlags, false, kAnyFlags>});
  t.push_back({"regexp_split_to_array",
               {kText, kText},
               kTextList,
               Split,
               "the text cut at every match",
               "regexp_split_to_array('hello world', '\\s+') -> {hello,world}",
               kPartial,
               PrepareRegex<2, false, kSplit>,
               CheckRegexFlags<2, kSplit>});
  t.push_back({"regexp_split_to_array",
               {kText, kText, kText},
               kTextList,
               Split,
               "the same with flags",
               "regexp_split_to_array('aXbxc', 'x', 'i') -> {a,b,c}",
               kPartial,
               PrepareRegex<2, false, kSplit>,
               CheckRegexFlags<2, kSplit>});
}

}  // namespace streamrun
