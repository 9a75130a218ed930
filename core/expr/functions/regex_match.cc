#include "core/expr/functions/regex_match.h"

#include <re2/re2.h>

#include <algorithm>

#include "core/expr/functions/regex_facts.h"
#include "core/expr/functions/regex_re2.h"
#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

constexpr size_t kNone = std::string_view::npos;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

std::unique_ptr<re2::RE2> MakeRe2(const RegexSyntax& syntax, bool ascii) {
  const auto text = WriteRe2(syntax, ascii);
  if (!text) return nullptr;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_longest_match(true);
  options.set_max_mem(16 << 20);
  if (ascii) options.set_encoding(re2::RE2::Options::EncodingLatin1);
  auto re = std::make_unique<re2::RE2>(*text, options);
  // What RE2 finds too large or too deep is left to the automaton.
  return re->ok() ? std::move(re) : nullptr;
}

// Does the expression treat bytes above 127 one by one as it treats characters? True when no set has any.
bool OnlyAsciiSets(const RegexNode& node) {
  if (node.op == RegexNode::Op::kSet) return node.set.ascii_only();
  if (node.op == RegexNode::Op::kAssert) {
    return node.assertion < RegexNode::Assertion::kWord;
  }
  return std::all_of(node.kids.begin(), node.kids.end(), [](const auto& k) { return OnlyAsciiSets(*k); });
}

bool Search(const re2::RE2& re, std::string_view text, size_t from, size_t to, re2::RE2::Anchor anchor,
            re2::StringPiece* groups, int count) {
  return re.Match(Piece(text), from, to, anchor, groups, count);
}

Status TooComplex() {
  return Status::InvalidArgument("invalid regular expression: regular expression is too complex");
}

}  // namespace

Regex::~Regex() = default;

Result<std::shared_ptr<const Regex>> Regex::Compile(std::string_view pattern, RegexFlags flags) {
  std::shared_ptr<Regex> regex(new Regex());
  SR_ASSIGN_OR_RETURN(regex->syntax_, ParseRegex(pattern, flags));
  const RegexSyntax& syntax = regex->syntax_;
  regex->captures_ = syntax.captures;
  if (!syntax.has_backref && !syntax.has_look) regex->ascii_ = MakeRe2(syntax, true);
  regex->same_for_all_ = regex->ascii_ != nullptr && OnlyAsciiSets(*syntax.root);
  const bool needs_nfa = regex->ascii_ == nullptr || syntax.has_word_edge;
  regex->tree_ = RegexTree::Make(syntax, needs_nfa);
  if (regex->tree_ == nullptr) return TooComplex();
  if (needs_nfa) {
    regex->nfa_ = RegexNfa::Make(syntax.root);
    if (regex->nfa_ == nullptr) return TooComplex();
  }
  if (!syntax.has_backref) {
    regex->required_ = RequiredText(*syntax.root);
    regex->is_literal_ = LiteralText(*syntax.root).has_value();
  }
  return std::shared_ptr<const Regex>(std::move(regex));
}

// The RE2 that answers for a text, or null.
const re2::RE2* Regex::Re2For(std::string_view text) const {
  if (ascii_ == nullptr || same_for_all_ || IsAscii(text)) return ascii_.get();
  if (syntax_.has_word_edge) return nullptr;
  std::call_once(wide_once_, [this] {
    wide_ = MakeRe2(syntax_, false);
    if (wide_ != nullptr) return;
    nfa_ = RegexNfa::Make(syntax_.root);
    dividing_tree_ = RegexTree::Make(syntax_, true);
  });
  return wide_.get();
}

Regex::Outcome Regex::Matches(std::string_view text) const {
  if (!required_.empty() && FindBytes(text, required_) == kNone) return Outcome::kNoMatch;
  if (is_literal_) return Outcome::kMatch;
  if (const re2::RE2* re = Re2For(text)) {
    const bool found = Search(*re, text, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
    return found ? Outcome::kMatch : Outcome::kNoMatch;
  }
  std::vector<RegexSpan> groups(1);
  return Find(text, 0, &groups);
}

// The first end at or behind `begin` where a match may stop. RE2 says for any limit whether one does, so the
// limit is doubled and then halved.
size_t Regex::ShortestEnd(const re2::RE2& re, std::string_view text, size_t begin, size_t longest) const {
  const auto ends_by = [&](size_t limit) {
    return Search(re, text, begin, limit, re2::RE2::ANCHOR_START, nullptr, 0);
  };
  size_t least = begin;
  size_t step = 1;
  size_t limit = begin;
  while (limit < longest && !ends_by(limit)) {
    least = limit + 1;
    limit = std::min(longest, limit + step);
    step *= 2;
  }
  while (least < limit) {
    const size_t middle = least + (limit - least) / 2;
    if (ends_by(middle)) {
      limit = middle;
    } else {
      least = middle + 1;
    }
  }
  return limit;
}

Regex::Outcome Regex::FindWhole(std::string_view text, size_t from, RegexSpan* whole,
                                RegexNfa::Budget* budget) const {
  const re2::RE2* re = Re2For(text);
  if (re != nullptr) {
    re2::StringPiece found;
    if (!Search(*re, text, from, text.size(), re2::RE2::UNANCHORED, &found, 1)) return Outcome::kNoMatch;
    const auto begin = static_cast<size_t>(found.data() - text.data());
    *whole = {begin, begin + found.size()};
    if (tree_->shortest()) whole->end = ShortestEnd(*re, text, begin, whole->end);
    return Outcome::kMatch;
  }
  if (nfa_ == nullptr || (ascii_ != nullptr && !syntax_.has_word_edge && dividing_tree_ == nullptr)) {
    return Outcome::kTooComplex;
  }
  whole->begin = nfa_->FindStart(text, from, budget);
  if (budget->spent()) return Outcome::kTooComplex;
  if (whole->begin == kNone) return Outcome::kNoMatch;
  whole->end = tree_->shortest() ? nfa_->Shortest(text, whole->begin, whole->begin, text.size(), budget)
                                 : nfa_->Longest(text, whole->begin, text.size(), budget);
  return budget->spent() ? Outcome::kTooComplex : Outcome::kMatch;
}

// With back-references a match of the automaton may still fail, so the other ends are tried, then the next
// start.
Regex::Outcome Regex::FindReferring(std::string_view text, size_t from,
                                    std::vector<RegexSpan>* groups) const {
  RegexNfa::Budget budget;
  const size_t size = text.size();
  std::vector<RegexSpan> own(static_cast<size_t>(captures_) + 1);
  for (size_t begin = from; begin <= size && !budget.spent(); ++begin) {
    begin = nfa_->FindStart(text, begin, &budget);
    if (begin == kNone) break;
    size_t end = tree_->shortest() ? nfa_->Shortest(text, begin, begin, size, &budget)
                                   : nfa_->Longest(text, begin, size, &budget);
    while (end != kNone && !budget.spent()) {
      own[0] = {begin, end};
      if (tree_->Divide(text, &own, &budget)) {
        std::copy_n(own.begin(), std::min(own.size(), groups->size()), groups->begin());
        return Outcome::kMatch;
      }
      if (end == (tree_->shortest() ? size : begin)) break;
      end = tree_->shortest() ? nfa_->Shortest(text, begin, end + 1, size, &budget)
                              : nfa_->Longest(text, begin, end - 1, &budget);
    }
    while (begin + 1 < size && !IsUtf8Start(text[begin + 1])) ++begin;
  }
  return budget.spent() ? Outcome::kTooComplex : Outcome::kNoMatch;
}

Regex::Outcome Regex::Find(std::string_view text, size_t from, std::vector<RegexSpan>* groups) const {
  if (from > text.size()) return Outcome::kNoMatch;
  if (!required_.empty() && FindBytes(text, required_, from) == kNone) return Outcome::kNoMatch;
  if (syntax_.has_backref) return FindReferring(text, from, groups);
  const bool divides = groups->size() > 1;
  const re2::RE2* re = Re2For(text);
  const bool plain = divides && re != nullptr && tree_->plain();
  RegexNfa::Budget budget;
  RegexSpan& whole = (*groups)[0];
  if (!plain || tree_->shortest()) {
    const Outcome outcome = FindWhole(text, from, &whole, &budget);
    if (outcome != Outcome::kMatch || !divides) return outcome;
  }
  if (!plain) {
    const bool replaced = re == nullptr && dividing_tree_ != nullptr;
    const bool divided = (replaced ? dividing_tree_ : tree_)->Divide(text, groups, &budget);
    return divided ? Outcome::kMatch : Outcome::kTooComplex;
  }
  thread_local std::vector<re2::StringPiece> pieces;
  pieces.assign(groups->size(), {});
  const bool found = tree_->shortest() ? Search(*re, text, whole.begin, whole.end, re2::RE2::ANCHOR_BOTH,
                                                pieces.data(), static_cast<int>(pieces.size()))
                                       : Search(*re, text, from, text.size(), re2::RE2::UNANCHORED,
                                                pieces.data(), static_cast<int>(pieces.size()));
  if (!found) return Outcome::kNoMatch;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].data() == nullptr) {
      (*groups)[i] = {};
      continue;
    }
    const auto begin = static_cast<size_t>(pieces[i].data() - text.data());
    (*groups)[i] = {begin, begin + pieces[i].size()};
  }
  return Outcome::kMatch;
}

}  // namespace streamrun
