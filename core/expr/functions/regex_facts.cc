#include "core/expr/functions/regex_facts.h"

#include <algorithm>

#include "core/expr/utf8.h"

namespace streamrun {

namespace {

using Op = RegexNode::Op;

void AppendCharacter(char32_t c, std::string* out) {
  char bytes[4];
  out->append(bytes, EncodeUtf8(c, bytes));
}

// Surrogates cannot be written as UTF-8.
bool IsOneCharacter(const RegexNode& node) {
  if (node.op != Op::kSet || !node.set.single()) return false;
  const char32_t c = node.set.ranges()[0].first;
  return c < 0xd800 || c > 0xdfff;
}

// A repeated set whose follower begins with other characters ends at one place only.
bool IsDetermined(const RegexNode& concat, size_t at) {
  const RegexNode& kid = *concat.kids[at];
  if (FixedLength(kid)) return true;
  if (kid.op != Op::kRepeat || kid.kids[0]->op != Op::kSet) return false;
  bool empty = true;
  const CharSet next = EdgeSet(concat, at + 1, concat.kids.size(), false, &empty);
  return !empty && kid.max == RegexNode::kUnbounded && !Overlaps(kid.kids[0]->set, next);
}

}  // namespace

bool MatchesEmpty(const RegexNode& node) {
  switch (node.op) {
    case Op::kSet:
      return false;
    case Op::kEmpty:
    case Op::kAssert:
    case Op::kLook:
      return true;
    case Op::kRepeat:
      return node.min == 0 || MatchesEmpty(*node.kids[0]);
    case Op::kAlternate:
      return std::any_of(node.kids.begin(), node.kids.end(), [](const auto& k) { return MatchesEmpty(*k); });
    case Op::kConcat:
    case Op::kCapture:
    case Op::kBackref:
      return std::all_of(node.kids.begin(), node.kids.end(), [](const auto& k) { return MatchesEmpty(*k); });
  }
  return true;
}

std::optional<int64_t> FixedLength(const RegexNode& node) {
  switch (node.op) {
    case Op::kSet:
      return 1;
    case Op::kEmpty:
    case Op::kAssert:
    case Op::kLook:
      return 0;
    case Op::kCapture:
      return FixedLength(*node.kids[0]);
    case Op::kBackref:
      return std::nullopt;
    case Op::kRepeat: {
      const auto kid = FixedLength(*node.kids[0]);
      if (!kid || (node.min != node.max && *kid != 0)) return std::nullopt;
      return std::min<int64_t>(*kid * node.min, 1 << 30);
    }
    case Op::kAlternate: {
      const auto first = FixedLength(*node.kids[0]);
      for (const auto& kid : node.kids) {
        if (!first || FixedLength(*kid) != first) return std::nullopt;
      }
      return first;
    }
    case Op::kConcat: {
      int64_t sum = 0;
      for (const auto& kid : node.kids) {
        const auto length = FixedLength(*kid);
        if (!length) return std::nullopt;
        sum = std::min<int64_t>(sum + *length, 1 << 30);
      }
      return sum;
    }
  }
  return std::nullopt;
}

CharSet EdgeSet(const RegexNode& concat, size_t from, size_t to, bool last, bool* empty) {
  CharSet out;
  *empty = true;
  for (size_t i = from; i < to && *empty; ++i) {
    const RegexNode& kid = *concat.kids[last ? to - 1 - (i - from) : i];
    out.Add(EdgeSet(kid, last));
    *empty = MatchesEmpty(kid);
  }
  out.Normalize();
  return out;
}

CharSet EdgeSet(const RegexNode& node, bool last) {
  CharSet out;
  switch (node.op) {
    case Op::kSet:
      return node.set;
    case Op::kEmpty:
    case Op::kAssert:
    case Op::kLook:
      return out;
    case Op::kConcat: {
      bool empty;
      return EdgeSet(node, 0, node.kids.size(), last, &empty);
    }
    case Op::kAlternate:
    case Op::kRepeat:
    case Op::kCapture:
    case Op::kBackref:
      for (const auto& kid : node.kids) out.Add(EdgeSet(*kid, last));
      out.Normalize();
      return out;
  }
  return out;
}

bool Overlaps(const CharSet& a, const CharSet& b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.ranges().size() && j < b.ranges().size()) {
    const auto& x = a.ranges()[i];
    const auto& y = b.ranges()[j];
    if (x.first <= y.second && y.first <= x.second) return true;
    x.second < y.second ? ++i : ++j;
  }
  return false;
}

bool IsSubset(const CharSet& part, const CharSet& whole) {
  CharSet others = whole;
  others.Complement();
  return !Overlaps(part, others);
}

bool OrderedByLength(const RegexNode& node, bool longest_first) {
  if (FixedLength(node)) return true;
  switch (node.op) {
    case Op::kCapture:
      return OrderedByLength(*node.kids[0], longest_first);
    case Op::kAlternate: {
      // They are tried as they are written.
      auto before = FixedLength(*node.kids[0]);
      for (const auto& kid : node.kids) {
        const auto length = FixedLength(*kid);
        if (!length || (longest_first ? *length > *before : *length < *before)) return false;
        before = length;
      }
      return true;
    }
    case Op::kRepeat: {
      const auto length = FixedLength(*node.kids[0]);
      return length && *length > 0 && (node.prefers == RegexNode::Prefers::kLonger) == longest_first;
    }
    case Op::kConcat: {
      int varying = 0;
      for (size_t i = 0; i < node.kids.size(); ++i) {
        if (IsDetermined(node, i)) continue;
        if (++varying > 1 || !OrderedByLength(*node.kids[i], longest_first)) return false;
      }
      return true;
    }
    default:
      return false;
  }
}

std::optional<std::string> LiteralText(const RegexNode& node) {
  std::string out;
  if (IsOneCharacter(node)) {
    AppendCharacter(node.set.ranges()[0].first, &out);
    return out;
  }
  if (node.op == Op::kEmpty) return out;
  if (node.op != Op::kConcat) return std::nullopt;
  for (const auto& kid : node.kids) {
    const auto text = LiteralText(*kid);
    if (!text) return std::nullopt;
    out += *text;
  }
  return out;
}

std::string RequiredText(const RegexNode& node) {
  std::string best;
  const auto offer = [&best](std::string text) {
    if (text.size() > best.size()) best = std::move(text);
  };
  if (const auto text = LiteralText(node)) return *text;
  if (node.op == Op::kCapture || (node.op == Op::kRepeat && node.min > 0)) return RequiredText(*node.kids[0]);
  if (node.op != Op::kConcat) return best;
  std::string run;
  for (const auto& kid : node.kids) {
    if (const auto text = LiteralText(*kid)) {
      run += *text;
      continue;
    }
    offer(std::move(run));
    run.clear();
    offer(RequiredText(*kid));
  }
  offer(std::move(run));
  return best;
}

}  // namespace streamrun
