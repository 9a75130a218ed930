#include "core/expr/functions/regex_nfa.h"

#include <algorithm>

#include "core/expr/utf8.h"

namespace streamrun {

namespace {

using Assertion = RegexNode::Assertion;

constexpr size_t kMaxSteps = 200000;

bool IsWord(char32_t c) { return NamedClass("word")->Has(c); }

bool WordBefore(std::string_view text, size_t at) {
  if (at == 0) return false;
  size_t start = at - 1;
  while (start > 0 && !IsUtf8Start(text[start])) --start;
  size_t length;
  return IsWord(DecodeUtf8(text, start, &length));
}
bool WordBehind(std::string_view text, size_t at) {
  size_t length;
  return at < text.size() && IsWord(DecodeUtf8(text, at, &length));
}

bool AssertionHolds(Assertion assertion, std::string_view text, size_t at) {
  switch (assertion) {
    case Assertion::kTextStart:
      return at == 0;
    case Assertion::kTextEnd:
      return at == text.size();
    case Assertion::kLineStart:
      return at == 0 || text[at - 1] == '\n';
    case Assertion::kLineEnd:
      return at == text.size() || text[at] == '\n';
    case Assertion::kWord:
      return WordBefore(text, at) != WordBehind(text, at);
    case Assertion::kNoWord:
      return WordBefore(text, at) == WordBehind(text, at);
    case Assertion::kWordStart:
      return !WordBefore(text, at) && WordBehind(text, at);
    case Assertion::kWordEnd:
      return WordBefore(text, at) && !WordBehind(text, at);
  }
  return false;
}

}  // namespace

// The states that wait for a character, those of earlier starts first.
struct RegexNfa::Threads {
  std::vector<std::pair<int, size_t>> list;  // state, start
  std::vector<uint32_t> seen;                // by state: the round in which it was reached
  uint32_t round = 0;
  size_t matched = kNone;  // start of the first thread that matched in this round
  std::vector<int> stack;

  void Clear(size_t states) {
    list.clear();
    if (seen.size() < states) seen.resize(states, 0);
    ++round;
    matched = kNone;
  }
};

std::unique_ptr<const RegexNfa> RegexNfa::Make(RegexNodePtr node) {
  auto nfa = std::make_unique<RegexNfa>();
  nfa->root_ = std::move(node);
  if (!nfa->Compile(*nfa->root_)) return nullptr;
  nfa->Emit({Step::Op::kMatch});
  return nfa;
}

int RegexNfa::Emit(Step step) {
  const int at = static_cast<int>(steps_.size());
  if (step.next == 0) step.next = at + 1;
  steps_.push_back(step);
  return at;
}

// Appends the steps of a node; they end by going to the step behind them.
bool RegexNfa::Compile(const RegexNode& node) {
  using Op = RegexNode::Op;
  if (steps_.size() > kMaxSteps) return false;
  switch (node.op) {
    case Op::kEmpty:
      return true;
    case Op::kSet:
      Emit({Step::Op::kSet, &node});
      return true;
    case Op::kAssert:
      Emit({Step::Op::kAssert, &node});
      return true;
    case Op::kLook: {
      auto look = Make(node.kids[0]);
      if (look == nullptr) return false;
      Emit({Step::Op::kLook, &node, 0, 0, static_cast<int>(looks_.size())});
      looks_.push_back(std::move(look));
      return true;
    }
    case Op::kConcat:
    case Op::kCapture:
    case Op::kBackref:
      return std::all_of(node.kids.begin(), node.kids.end(), [this](const auto& k) { return Compile(*k); });
    case Op::kRepeat:
      return CompileRepeat(node);
    case Op::kAlternate: {
      std::vector<int> ends;
      for (size_t i = 0; i < node.kids.size(); ++i) {
        const bool more = i + 1 < node.kids.size();
        const int split = more ? Emit({Step::Op::kSplit}) : 0;
        if (!Compile(*node.kids[i])) return false;
        if (!more) break;
        ends.push_back(Emit({Step::Op::kSplit}));
        steps_[static_cast<size_t>(split)].other = static_cast<int>(steps_.size());
      }
      for (const int end : ends) steps_[static_cast<size_t>(end)].next = static_cast<int>(steps_.size());
      return true;
    }
  }
  return false;
}

bool RegexNfa::CompileRepeat(const RegexNode& node) {
  const RegexNode& kid = *node.kids[0];
  for (int i = 0; i < node.min; ++i) {
    if (!Compile(kid)) return false;
  }
  if (node.max == RegexNode::kUnbounded) {
    const int loop = Emit({Step::Op::kSplit});
    if (!Compile(kid)) return false;
    const int back = Emit({Step::Op::kSplit});
    // A step to itself would be an empty loop; `seen` ends it anyway.
    steps_[static_cast<size_t>(back)].next = loop;
    steps_[static_cast<size_t>(back)].other = loop;
    steps_[static_cast<size_t>(loop)].other = static_cast<int>(steps_.size());
    return true;
  }
  std::vector<int> exits;
  for (int i = node.min; i < node.max; ++i) {
    exits.push_back(Emit({Step::Op::kSplit}));
    if (!Compile(kid)) return false;
  }
  for (const int exit : exits) steps_[static_cast<size_t>(exit)].other = static_cast<int>(steps_.size());
  return true;
}

bool RegexNfa::Holds(const Step& step, std::string_view text, size_t at, Budget* budget) const {
  if (step.op == Step::Op::kAssert) return AssertionHolds(step.node->assertion, text, at);
  const RegexNfa& look = *looks_[static_cast<size_t>(step.look)];
  const bool found = step.node->behind ? look.EndsAt(text, at, budget)
                                       : look.Shortest(text, at, at, text.size(), budget) != kNone;
  return found != step.node->negated;
}

// Adds a state and all that it reaches without a character.
void RegexNfa::Follow(Threads* threads, int state, size_t start, std::string_view text, size_t at,
                      Budget* budget) const {
  std::vector<int>& stack = threads->stack;
  stack.push_back(state);
  while (!stack.empty()) {
    const int now = stack.back();
    stack.pop_back();
    uint32_t& seen = threads->seen[static_cast<size_t>(now)];
    if (seen == threads->round) continue;
    seen = threads->round;
    --budget->steps;
    const Step& step = steps_[static_cast<size_t>(now)];
    switch (step.op) {
      case Step::Op::kSet:
        threads->list.emplace_back(now, start);
        break;
      case Step::Op::kMatch:
        if (threads->matched == kNone) threads->matched = start;
        break;
      case Step::Op::kSplit:
        if (step.other != 0) stack.push_back(step.other);
        stack.push_back(step.next);
        break;
      case Step::Op::kAssert:
      case Step::Op::kLook:
        if (Holds(step, text, at, budget)) stack.push_back(step.next);
        break;
    }
  }
}

size_t RegexNfa::Run(std::string_view text, size_t begin, size_t least, size_t limit, bool shortest,
                     Budget* budget) const {
  Threads now;
  Threads next;
  now.Clear(steps_.size());
  Follow(&now, 0, begin, text, begin, budget);
  size_t found = kNone;
  for (size_t at = begin;;) {
    if (at > limit) return found;  // the limit stood inside a character
    if (now.matched != kNone && at >= least) {
      found = at;
      if (shortest) return found;
    }
    if (at == limit || now.list.empty() || budget->spent()) return found;
    size_t length;
    const char32_t c = DecodeUtf8(text, at, &length);
    next.Clear(steps_.size());
    for (const auto& [state, start] : now.list) {
      const Step& step = steps_[static_cast<size_t>(state)];
      if (step.node->set.Has(c)) Follow(&next, step.next, start, text, at + length, budget);
    }
    at += length;
    std::swap(now, next);
  }
}

size_t RegexNfa::FindStart(std::string_view text, size_t from, Budget* budget) const {
  Threads now;
  Threads next;
  now.Clear(steps_.size());
  size_t best = kNone;
  for (size_t at = from;;) {
    if (best == kNone) Follow(&now, 0, at, text, at, budget);
    best = std::min(best, now.matched);
    if (at >= text.size() || budget->spent()) return best;
    if (best != kNone && (now.list.empty() || now.list[0].second >= best)) return best;
    size_t length;
    const char32_t c = DecodeUtf8(text, at, &length);
    next.Clear(steps_.size());
    for (const auto& [state, start] : now.list) {
      if (start >= best) break;
      const Step& step = steps_[static_cast<size_t>(state)];
      if (step.node->set.Has(c)) Follow(&next, step.next, start, text, at + length, budget);
    }
    at += length;
    std::swap(now, next);
  }
}

bool RegexNfa::EndsAt(std::string_view text, size_t end, Budget* budget) const {
  Threads now;
  Threads next;
  now.Clear(steps_.size());
  for (size_t at = 0;;) {
    Follow(&now, 0, at, text, at, budget);
    if (at >= end) return now.matched != kNone;
    if (budget->spent()) return false;
    size_t length;
    const char32_t c = DecodeUtf8(text, at, &length);
    next.Clear(steps_.size());
    for (const auto& [state, start] : now.list) {
      const Step& step = steps_[static_cast<size_t>(state)];
      if (step.node->set.Has(c)) Follow(&next, step.next, start, text, at + length, budget);
    }
    at += length;
    std::swap(now, next);
  }
}

}  // namespace streamrun
