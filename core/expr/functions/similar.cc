// SIMILAR TO (manual 9.7.2): SQL's regular expressions, rewritten as POSIX ones.
#include <string>

#include "core/expr/function.h"
#include "core/expr/functions/regex_row.h"

namespace streamrun {

namespace {

struct SimilarProblem {
  std::string_view code;
  std::string_view message;
};

// Rewrites one pattern. SQL's brackets, repetitions and | are POSIX's; % and _ are .* and . ; parentheses do
// not capture. Escaped double quotes cut the pattern in three, of which the middle is the group wanted:
// the first part takes as little as it can.
class SimilarWriter {
 public:
  /// An empty escape is none.
  SimilarWriter(std::string_view pattern, std::string_view escape, std::string* out)
      : pattern_(pattern), escape_(escape), out_(*out) {}

  std::optional<SimilarProblem> Write() {
    if (CountUtf8(escape_) > 1) return SimilarProblem{"22025", "invalid escape string"};
    out_ = "^(?:";
    for (size_t i = 0; i < pattern_.size();) {
      const std::string_view c = pattern_.substr(i, Utf8Length(pattern_[i]));
      i += c.size();
      if (escaped_) {
        escaped_ = false;
        if (!WriteEscaped(c)) {
          return SimilarProblem{
              "2200C", "SQL regular expression may not contain more than two escape-double-quote separators"};
        }
      } else if (!escape_.empty() && c == escape_) {
        escaped_ = true;
      } else if (in_bracket_) {
        if (c == "\\") out_ += '\\';
        out_ += c;
        if (c == "]") in_bracket_ = false;
      } else {
        WritePlain(c);
      }
    }
    out_ += ")$";
    return std::nullopt;
  }

 private:
  bool WriteEscaped(std::string_view c) {
    if (c == "\"" && !in_bracket_) {
      if (quotes_ == 2) return false;
      out_ += quotes_ == 0 ? "){1,1}?(" : "){1,1}(?:";
      ++quotes_;
      return true;
    }
    out_ += '\\';
    out_ += c;
    return true;
  }

  void WritePlain(std::string_view c) {
    if (c == "[") {
      in_bracket_ = true;
      out_ += c;
    } else if (c == "%") {
      out_ += ".*";
    } else if (c == "_") {
      out_ += '.';
    } else if (c == "(") {
      out_ += "(?:";
    } else {
      if (c == "\\" || c == "." || c == "^" || c == "$") out_ += '\\';
      out_ += c;
    }
  }

  std::string_view pattern_;
  std::string_view escape_;
  std::string& out_;
  bool escaped_ = false;
  bool in_bracket_ = false;
  int quotes_ = 0;
};

void SimilarEscape(Row& row, TextSink& out, std::string_view pattern, std::string_view escape) {
  thread_local std::string rewritten;
  if (const auto problem = SimilarWriter(pattern, escape, &rewritten).Write()) {
    return row.Fail(problem->code, std::string(problem->message));
  }
  if (row.Room(out, rewritten.size())) out.Append(rewritten);
}
void SimilarToEscape(Row& row, TextSink& out, std::string_view pattern) {
  SimilarEscape(row, out, pattern, "\\");
}

// substring(text similar pattern escape e): what the middle of the pattern matches. In PostgreSQL it is
// substring(text, similar_to_escape(pattern, e)): a pattern that is wrong is so for a null text too.
Result<std::shared_ptr<const void>> PrepareSimilar(std::span<const ColumnPtr> constants) {
  const auto known = [&](size_t i) { return constants[i] && !constants[i]->IsNull(0); };
  if (!known(1) || !known(2)) return std::shared_ptr<const void>();
  std::string rewritten;
  if (const auto problem = SimilarWriter(constants[1]->Text(0), constants[2]->Text(0), &rewritten).Write()) {
    return Status::InvalidArgument(std::string(problem->message));
  }
  auto regex = Regex::Compile(rewritten, {});
  if (!regex.ok()) return regex.status();
  return std::shared_ptr<const void>(std::move(regex).value());
}

std::optional<ArgumentProblem> CheckEscape(std::span<const ColumnPtr> constants) {
  if (!constants[2] || constants[2]->IsNull(0) || CountUtf8(constants[2]->Text(0)) <= 1) return std::nullopt;
  return ArgumentProblem{2, "invalid escape string"};
}

ColumnPtr SubstringSimilar(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  const Reader<std::string_view> patterns(call.arg(1));
  const Reader<std::string_view> escapes(call.arg(2));
  const auto* regex = call.prepared<Regex>();
  std::shared_ptr<const Regex> own;
  std::string last;
  std::string rewritten;
  std::vector<RegexSpan> groups;
  return WriteText(call, [&](Row& row, TextSink& out) {
    const int64_t r = row.number();
    if (call.arg(1).IsNull(r) || call.arg(2).IsNull(r)) return row.Null();
    if (call.prepared<Regex>() == nullptr) {
      if (const auto problem = SimilarWriter(patterns[r], escapes[r], &rewritten).Write()) {
        return row.Fail(problem->code, std::string(problem->message));
      }
      if (call.arg(0).IsNull(r)) return row.Null();
      if (own == nullptr || rewritten != last) {
        auto compiled = Regex::Compile(rewritten, {});
        if (!compiled.ok()) return row.Fail("2201B", compiled.status().message());
        own = std::move(compiled).value();
        last = rewritten;
      }
      regex = own.get();
    }
    if (call.arg(0).IsNull(r)) return row.Null();
    const std::string_view text = texts[r];
    groups.resize(static_cast<size_t>(regex->captures()) + 1);
    const Regex::Outcome outcome = regex->Find(text, 0, &groups);
    if (!Settled(row, outcome)) return;
    const RegexSpan& part = groups[groups.size() > 1 ? 1 : 0];
    if (outcome == Regex::Outcome::kNoMatch || !part.found()) return row.Null();
    out.Append(part.In(text));
  });
}

}  // namespace

void AddSimilar(FunctionTable& t) {
  using enum Arg;
  t.push_back({"similar_to_escape",
               {kText},
               kText,
               Rows<SimilarToEscape>,
               "a SIMILAR TO pattern as a regular expression, \\ being the escape",
               "'abc' SIMILAR TO '%(b|d)%' -> t"});
  t.push_back({"similar_to_escape",
               {kText, kText},
               kText,
               Rows<SimilarEscape>,
               "a SIMILAR TO pattern as a regular expression, with an escape",
               "'10%' SIMILAR TO '10#%' ESCAPE '#' -> t"});
  t.push_back({"substring",
               {kText, kText, kText},
               kText,
               SubstringSimilar,
               "the part of the text between escaped double quotes of an SQL regular expression",
               "substring('Thomas' similar '%#\"o_a#\"_' escape '#') -> oma",
               kSeesNulls,
               PrepareSimilar,
               CheckEscape});
}

}  // namespace streamrun
