// Regular expressions: counting and placing matches.
#include "core/expr/function.h"
#include "core/expr/functions/regex_row.h"

namespace streamrun {

namespace {

constexpr char kCount[] = "regexp_count";
constexpr char kInstr[] = "regexp_instr";
constexpr char kSubstr[] = "regexp_substr";

// The optional start, N, endoption and subexpr arguments, at their places.
struct Places {
  size_t start = kNoFlags;
  size_t nth = kNoFlags;
  size_t end_option = kNoFlags;
  size_t flags = kNoFlags;
  size_t group = kNoFlags;
};
inline constexpr Places kSubstrPlaces{2, 3, kNoFlags, 4, 5};
inline constexpr Places kInstrPlaces{2, 3, 4, 5, 6};

class IntArgument {
 public:
  IntArgument(KernelCall& call, size_t at, int32_t otherwise) : value_(otherwise) {
    if (at < call.arg_count()) reader_.emplace(call.arg(at));
  }
  int32_t at(int64_t row) const { return reader_ ? (*reader_)[row] : value_; }

 private:
  std::optional<Reader<int32_t>> reader_;
  int32_t value_;
};

// Finds the N-th match of a row and the group in it that is asked for.
class NthMatch {
 public:
  NthMatch(KernelCall& call, const Places& places, std::string_view name)
      : texts_(call.arg(0)),
        regexes_(call, places.flags, false, name),
        start_(call, places.start, 1),
        nth_(call, places.nth, 1),
        end_option_(call, places.end_option, 0),
        group_(call, places.group, 0) {}

  /// Not found, or the row dropped: a span that is not found.
  RegexSpan Find(Row& row) {
    constexpr int32_t kMost = 2147483647;
    const int64_t r = row.number();
    const int32_t group = group_.at(r);
    if (!CheckParameter(row, "start", start_.at(r), 1, kMost) ||
        !CheckParameter(row, "n", nth_.at(r), 1, kMost) ||
        !CheckParameter(row, "endoption", end_option_.at(r), 0, 1) ||
        !CheckParameter(row, "subexpr", group, 0, kMost)) {
      return {};
    }
    const Regex* regex = regexes_.For(row);
    if (regex == nullptr) return {};
    // Without groups the first group is the match.
    const bool whole = group == 0 || (group == 1 && regex->captures() == 0);
    if (!whole && group > regex->captures()) return {};
    groups_.resize(whole ? 1 : static_cast<size_t>(regex->captures()) + 1);
    RegexSpan found;
    int32_t left = nth_.at(r);
    const std::string_view text = texts_[r];
    if (start_.at(r) - 1 > CountUtf8(text)) return {};
    ForEachMatch(row, *regex, text, Utf8Offset(text, start_.at(r) - 1), &groups_,
                 [&](const std::vector<RegexSpan>& groups) {
                   if (--left > 0) return true;
                   found = groups[whole ? 0 : static_cast<size_t>(group)];
                   return false;
                 });
    return found;
  }
  std::string_view text(const Row& row) const { return texts_[row.number()]; }
  bool wants_end(const Row& row) const { return end_option_.at(row.number()) == 1; }

 private:
  Reader<std::string_view> texts_;
  RowRegex regexes_;
  IntArgument start_;
  IntArgument nth_;
  IntArgument end_option_;
  IntArgument group_;
  std::vector<RegexSpan> groups_;
};

ColumnPtr Substr(KernelCall& call) {
  NthMatch matches(call, kSubstrPlaces, kSubstr);
  return WriteText(call, [&](Row& row, TextSink& out) {
    const RegexSpan found = matches.Find(row);
    if (row.dropped()) return;
    if (!found.found()) return row.Null();
    out.Append(found.In(matches.text(row)));
  });
}

ColumnPtr Instr(KernelCall& call) {
  NthMatch matches(call, kInstrPlaces, kInstr);
  Writer<int32_t> out(call);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    const RegexSpan found = matches.Find(row);
    if (!found.found()) return;
    const size_t place = matches.wants_end(row) ? found.end : found.begin;
    out.Put(r, static_cast<int32_t>(CountUtf8(matches.text(row).substr(0, place))) + 1);
  });
  return out.Finish(call);
}

ColumnPtr Count(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  RowRegex regexes(call, 3, false, kCount);
  const IntArgument start(call, 2, 1);
  Writer<int32_t> out(call);
  Row row(call);
  std::vector<RegexSpan> groups(1);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    if (!CheckParameter(row, "start", start.at(r), 1, 2147483647)) return;
    const Regex* regex = regexes.For(row);
    const std::string_view text = texts[r];
    if (regex == nullptr || (start.at(r) > 1 && start.at(r) - 1 > CountUtf8(text))) return;
    int32_t matches = 0;
    ForEachMatch(row, *regex, text, Utf8Offset(text, start.at(r) - 1), &groups, [&](const auto&) {
      ++matches;
      return true;
    });
    if (!row.dropped()) out.Put(r, matches);
  });
  return out.Finish(call);
}

}  // namespace

void AddRegexPosition(FunctionTable& t) {
  using enum Arg;
  t.push_back({"regexp_count",
               {kText, kText},
               kInteger,
               Count,
               "number of matches",
               "regexp_count('123456789012', '\\d\\d\\d') -> 4",
               kPartial,
               PrepareRegex<3, false, kCount>,
               CheckRegexFlags<3, kCount>});
  t.push_back({"regexp_count",
               {kText, kText, kInteger},
               kInteger,
               Count,
               "number of matches from a character on",
               "regexp_count('123456789012', '\\d\\d\\d', 2) -> 3",
               kPartial,
               PrepareRegex<3, false, kCount>,
               CheckRegexFlags<3, kCount>});
  t.push_back({"regexp_count",
               {kText, kText, kInteger, kText},
               kInteger,
               Count,
               "the same with flags",
               "regexp_count('ABCabc', 'b', 1, 'i') -> 2",
               kPartial,
               PrepareRegex<3, false, kCount>,
               CheckRegexFlags<3, kCount>});
  const std::vector<Arg> instr{kText, kText, kInteger, kInteger, kInteger, kText, kInteger};
  constexpr std::string_view kInstrHelp[] = {"place of the first match, 0 without one",
                                             "place of the first match from a character on",
                                             "place of the N-th match",
                                             "1 as endoption: the place behind the match",
                                             "the same with flags",
                                             "place of a group of the match"};
  constexpr std::string_view kInstrExamples[] = {"regexp_instr('ABCDEF', 'C.') -> 3",
                                                 "regexp_instr('abcabc', 'b', 3) -> 5",
                                                 "regexp_instr('abcabc', 'b', 1, 2) -> 5",
                                                 "regexp_instr('ABCDEF', 'C.', 1, 1, 1) -> 5",
                                                 "regexp_instr('ABCDEF', 'c(.)(..)', 1, 1, 0, 'i') -> 3",
                                                 "regexp_instr('ABCDEF', 'c(.)(..)', 1, 1, 0, 'i', 2) -> 5"};
  for (size_t n = 2; n <= instr.size(); ++n) {
    t.push_back({"regexp_instr",
                 {instr.begin(), instr.begin() + static_cast<std::ptrdiff_t>(n)},
                 kInteger,
                 Instr,
                 kInstrHelp[n - 2],
                 kInstrExamples[n - 2],
                 kPartial,
                 PrepareRegex<5, false, kInstr>,
                 CheckRegexFlags<5, kInstr>});
  }
  const std::vector<Arg> substr{kText, kText, kInteger, kInteger, kText, kInteger};
  constexpr std::string_view kSubstrHelp[] = {
      "the text of the first match, null without one", "the text of the first match from a character on",
      "the text of the N-th match", "the same with flags", "the text of a group of the match"};
  constexpr std::string_view kSubstrExamples[] = {
      "regexp_substr('ABCDEF', 'C(.)') -> CD", "regexp_substr('abcabd', 'ab.', 2) -> abd",
      "regexp_substr('abcabd', 'ab.', 1, 2) -> abd", "regexp_substr('ABCDEF', 'c(.)(..)', 1, 1, 'i') -> CDEF",
      "regexp_substr('ABCDEF', 'c(.)(..)', 1, 1, 'i', 2) -> EF"};
  for (size_t n = 2; n <= substr.size(); ++n) {
    t.push_back({"regexp_substr",
                 {substr.begin(), substr.begin() + static_cast<std::ptrdiff_t>(n)},
                 kText,
                 Substr,
                 kSubstrHelp[n - 2],
                 kSubstrExamples[n - 2],
                 kPartial,
                 PrepareRegex<4, false, kSubstr>,
                 CheckRegexFlags<4, kSubstr>});
  }
}

}  // namespace streamrun
