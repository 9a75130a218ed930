#include "core/expr/functions/regex_tree.h"

#include <algorithm>
#include <functional>

#include "core/expr/functions/regex_facts.h"

namespace streamrun {

using Op = RegexNode::Op;
using Prefers = RegexNode::Prefers;

namespace {

constexpr int kMaxGroups = 1000;
constexpr size_t kMaxTreeSteps = 1000000;

// What is known of an expression's preferences. `mixed`: its parts do not agree.
struct Shape {
  Prefers prefers = Prefers::kNone;
  bool mixed = false;
  bool captures = false;
  bool refers = false;
  bool needs_division() const { return mixed || captures || refers; }
};

// Of two expressions one behind the other, or of a quantifier and its atom: the first one's preference
// counts.
Shape Join(const Shape& a, const Shape& b) {
  const bool clash = a.prefers != Prefers::kNone && b.prefers != Prefers::kNone && a.prefers != b.prefers;
  return {a.prefers != Prefers::kNone ? a.prefers : b.prefers, a.mixed || b.mixed || clash,
          a.captures || b.captures, a.refers || b.refers};
}

}  // namespace

struct RegexTree::Part {
  enum class Kind : uint8_t { kLeaf, kConcat, kAlternate, kRepeat, kCapture, kBackref };
  Kind kind = Kind::kLeaf;
  Shape shape;
  RegexNodePtr language;  // all that it matches, preferences left out
  std::unique_ptr<const RegexNfa> nfa;
  std::vector<PartPtr> parts;
  Shape outer() const { return Join({quantifier}, shape); }
  int min = 1;
  int max = 1;
  int group = 0;
  // Of {1,1} and the like, which change nothing within: seen by what stands around only.
  Prefers quantifier = Prefers::kNone;
  bool split_repeat = false;  // kConcat made of x{m,n} as x{m-1,n-1} and x
};

struct RegexTree::Builder {
  using Kind = Part::Kind;

  static PartPtr Leaf(RegexNodePtr language, Shape shape) {
    auto part = std::make_unique<Part>();
    part->language = std::move(language);
    part->shape = shape;
    return part;
  }

  static PartPtr Pair(PartPtr first, PartPtr second, Shape shape) {
    auto part = std::make_unique<Part>();
    part->kind = Kind::kConcat;
    part->shape = shape;
    part->language = MakeConcat({first->language, second->language});
    part->parts.push_back(std::move(first));
    part->parts.push_back(std::move(second));
    return part;
  }

  static PartPtr Wrap(Kind kind, PartPtr inner, RegexNodePtr language, Shape shape) {
    auto part = std::make_unique<Part>();
    part->kind = kind;
    part->shape = shape;
    part->language = std::move(language);
    part->parts.push_back(std::move(inner));
    return part;
  }

  static PartPtr Build(const RegexNodePtr& node) {
    if (node->op == Op::kConcat) return Branch(node, 0);
    if (node->op == Op::kAlternate) return Alternation(node);
    if (node->op == Op::kCapture) {
      PartPtr inner = Build(node->kids[0]);
      Shape shape = inner->outer();
      shape.captures = true;
      PartPtr part = Wrap(Kind::kCapture, std::move(inner), node, shape);
      part->group = node->capture;
      return part;
    }
    if (node->op == Op::kBackref) return Backref(node, 1, 1, {});
    if (node->op == Op::kRepeat) return Repeat(node);
    return Leaf(node, {});
  }

  static PartPtr Alternation(const RegexNodePtr& node) {
    auto part = std::make_unique<Part>();
    part->kind = Kind::kAlternate;
    part->shape.prefers = Prefers::kLonger;
    part->language = node;
    for (const auto& kid : node->kids) {
      part->parts.push_back(Build(kid));
      part->shape = Join(part->shape, part->parts.back()->outer());
    }
    if (part->shape.needs_division()) return part;
    return Leaf(node, part->shape);
  }

  // Parts from `from` on: what needs no division is one leaf, then the first that needs it, then the rest.
  static PartPtr Branch(const RegexNodePtr& node, size_t from) {
    Shape prefix;
    size_t at = from;
    PartPtr divided;
    for (; at < node->kids.size(); ++at) {
      PartPtr part = Build(node->kids[at]);
      const Shape joined = Join(prefix, part->outer());
      if (joined.needs_division()) {
        divided = std::move(part);
        break;
      }
      prefix = joined;
    }
    const auto slice = [&](size_t first, size_t last) {
      return MakeConcat({node->kids.begin() + static_cast<std::ptrdiff_t>(first),
                         node->kids.begin() + static_cast<std::ptrdiff_t>(last)});
    };
    if (divided == nullptr) return Leaf(slice(from, at), prefix);
    if (at + 1 < node->kids.size()) {
      PartPtr rest = Branch(node, at + 1);
      const Shape shape = Join(divided->outer(), rest->outer());
      divided = Pair(std::move(divided), std::move(rest), shape);
    }
    if (at == from) return divided;
    const Shape shape = Join(prefix, divided->outer());
    return Pair(Leaf(slice(from, at), prefix), std::move(divided), shape);
  }

  static PartPtr Backref(const RegexNodePtr& node, int min, int max, Shape quantifier) {
    auto part = std::make_unique<Part>();
    part->kind = Kind::kBackref;
    part->shape = quantifier;
    part->shape.refers = true;
    part->min = min;
    part->max = max;
    part->group = node->capture;
    part->language = MakeRepeat(node->kids[0], min, max, Prefers::kLonger);
    return part;
  }

  static PartPtr Repeat(const RegexNodePtr& node) {
    const RegexNodePtr& kid = node->kids[0];
    if (node->max == 0) return Leaf(std::make_shared<RegexNode>(), {});
    const Shape quantifier{node->prefers};
    if (kid->op == Op::kBackref) return Backref(kid, node->min, node->max, quantifier);
    PartPtr atom = Build(kid);
    const Shape shape = Join(quantifier, atom->outer());
    const bool vacuous = node->prefers == Prefers::kNone ||
                         (atom->shape.prefers == Prefers::kNone && !atom->shape.mixed) ||
                         (node->prefers == atom->shape.prefers && !atom->shape.mixed);
    if (node->min == 1 && node->max == 1 && vacuous) {
      if (!shape.needs_division()) return Leaf(node, shape);
      atom->quantifier = node->prefers;
      return atom;
    }
    if (!atom->shape.captures && !atom->shape.refers) {
      // {1,1} keeps the inner preferences and only sets the one of the whole.
      if (node->min != 1 || node->max != 1) return Leaf(node, shape);
      PartPtr part = Pair(Leaf(std::make_shared<RegexNode>(), {}), std::move(atom), shape);
      return part;
    }
    if (node->min > 0 && !atom->shape.refers) {
      // Groups show their last round only, so all rounds before are one leaf.
      const int max = node->max == RegexNode::kUnbounded ? node->max : node->max - 1;
      Shape plain;
      plain.prefers = shape.prefers;
      PartPtr part =
          Pair(Leaf(MakeRepeat(kid, node->min - 1, max, node->prefers), plain), std::move(atom), shape);
      part->split_repeat = true;
      return part;
    }
    PartPtr part = Wrap(Kind::kRepeat, std::move(atom), node, shape);
    part->min = node->min;
    part->max = node->max;
    return part;
  }
};

RegexTree::~RegexTree() = default;

std::unique_ptr<const RegexTree> RegexTree::Make(const RegexSyntax& syntax, bool if_plain) {
  std::unique_ptr<RegexTree> tree(new RegexTree());
  // The parts of a branch with n groups hold n * n / 2 pieces.
  if (syntax.captures > kMaxGroups) return nullptr;
  tree->root_ = Builder::Build(syntax.root);
  tree->plain_ = IsPlain(*tree->root_);
  size_t room = kMaxTreeSteps;
  if ((!tree->plain_ || if_plain) && !Prepare(tree->root_.get(), &room)) return nullptr;
  return tree;
}

bool RegexTree::shortest() const { return root_->outer().prefers == Prefers::kShorter; }

bool RegexTree::Prepare(Part* part, size_t* room) {
  part->nfa = RegexNfa::Make(part->language);
  if (part->nfa == nullptr || part->nfa->size() > *room) return false;
  *room -= part->nfa->size();
  return std::all_of(part->parts.begin(), part->parts.end(),
                     [room](const PartPtr& p) { return Prepare(p.get(), room); });
}

// A repeated part may be left to a backtracking matcher when all rounds have one length and set all groups:
// groups that a round leaves out are unset in PostgreSQL but keep their place there.
bool RegexTree::EveryRoundPlain(const Part& part) {
  const auto length = FixedLength(*part.language);
  if (!length || *length == 0) return false;
  const std::function<bool(const Part&)> sets_all = [&](const Part& p) {
    if (!p.shape.captures) return true;
    if (p.kind == Part::Kind::kAlternate || p.kind == Part::Kind::kRepeat) return false;
    return std::all_of(p.parts.begin(), p.parts.end(), [&](const PartPtr& q) { return sets_all(*q); });
  };
  return sets_all(part);
}

bool RegexTree::IsPlain(const Part& part) {
  const auto inner_plain = [&part] {
    return std::all_of(part.parts.begin(), part.parts.end(), [](const PartPtr& p) { return IsPlain(*p); });
  };
  switch (part.kind) {
    case Part::Kind::kLeaf:
      return true;
    case Part::Kind::kBackref:
      return false;
    case Part::Kind::kCapture:
    case Part::Kind::kAlternate:
      return inner_plain();
    case Part::Kind::kConcat: {
      const Part& first = *part.parts[0];
      if (part.split_repeat) return EveryRoundPlain(*part.parts[1]) && inner_plain();
      return OrderedByLength(*first.language, first.shape.prefers != Prefers::kShorter) && inner_plain();
    }
    case Part::Kind::kRepeat: {
      const bool once = part.max == 1 && !MatchesEmpty(*part.parts[0]->language);
      return (once || EveryRoundPlain(*part.parts[0])) && inner_plain();
    }
  }
  return false;
}

// Divides one match. All members work on [begin, end), which the part's automaton is known to match.
struct RegexTree::Divider {
  using Kind = Part::Kind;
  static constexpr size_t kNone = std::string_view::npos;

  std::string_view text;
  std::vector<RegexSpan>& groups;
  RegexNfa::Budget* budget;

  // Groups that a try had set are open again.
  void Forget(const Part& part) {
    if (part.kind == Kind::kCapture) groups[static_cast<size_t>(part.group)] = {};
    for (const PartPtr& p : part.parts) {
      if (p->shape.captures) Forget(*p);
    }
  }

  bool Divide(const Part& part, size_t begin, size_t end) {
    if (budget->spent()) return false;
    switch (part.kind) {
      case Kind::kLeaf:
        return true;
      case Kind::kCapture:
        if (!Divide(*part.parts[0], begin, end)) return false;
        groups[static_cast<size_t>(part.group)] = {begin, end};
        return true;
      case Kind::kAlternate:
        return std::any_of(part.parts.begin(), part.parts.end(), [&](const PartPtr& p) {
          if (!p->nfa->Exactly(text, begin, end, budget)) return false;
          if (Divide(*p, begin, end)) return true;
          Forget(*p);
          return false;
        });
      case Kind::kConcat:
        return Pair(part, begin, end);
      case Kind::kRepeat:
        return Repeat(part, begin, end);
      case Kind::kBackref:
        return Backref(part, begin, end);
    }
    return false;
  }

  bool Pair(const Part& part, size_t begin, size_t end) {
    const Part& first = *part.parts[0];
    const Part& second = *part.parts[1];
    const bool shortest = first.shape.prefers == Prefers::kShorter;
    size_t middle = shortest ? first.nfa->Shortest(text, begin, begin, end, budget)
                             : first.nfa->Longest(text, begin, end, budget);
    while (middle != kNone && !budget->spent()) {
      if (second.nfa->Exactly(text, middle, end, budget)) {
        if (Divide(first, begin, middle) && Divide(second, middle, end)) return true;
        Forget(part);
      }
      if (middle == (shortest ? end : begin)) return false;
      middle = shortest ? first.nfa->Shortest(text, begin, middle + 1, end, budget)
                        : first.nfa->Longest(text, begin, middle - 1, budget);
    }
    return false;
  }

  // The rounds' ends are chosen from left to right, each as long (or short) as its kind wants; a dead end
  // goes back to the round before. A round may be empty only where `min` asks for it.
  bool Repeat(const Part& part, size_t begin, size_t end) {
    const Part& kid = *part.parts[0];
    const bool shortest = kid.shape.prefers == Prefers::kShorter;
    if (shortest && part.min == 0 && begin == end) return true;
    const auto least_rounds = static_cast<size_t>(std::max(part.min, 1));
    const size_t most_rounds = std::max(
        least_rounds, part.max == RegexNode::kUnbounded ? end - begin : static_cast<size_t>(part.max));
    std::vector<size_t> ends{begin};
    size_t bound = shortest ? begin : end;  // of the next round's end: at least, or at most
    while (!budget->spent()) {
      const size_t from = ends.back();
      const size_t round = ends.size();
      const bool may_be_empty = round < least_rounds && least_rounds - round >= end - from;
      if (shortest && round >= most_rounds) bound = end;
      if (shortest && bound == from && from != end && !may_be_empty) ++bound;
      size_t next = shortest ? kid.nfa->Shortest(text, from, bound, end, budget)
                             : kid.nfa->Longest(text, from, bound, budget);
      if (next == from && from != end && !may_be_empty) next = kNone;
      if (next != kNone) {
        ends.push_back(next);
        if (next != end && round < most_rounds) {
          bound = shortest ? next : end;
          continue;
        }
        if (next == end && round >= least_rounds && Rounds(kid, ends)) return true;
      }
      if (!StepBack(shortest, end, &ends, &bound)) break;
    }
    Forget(kid);
    return part.min == 0 && begin == end && !budget->spent();
  }

  // Gives up the end of the last round that has another one to try.
  static bool StepBack(bool shortest, size_t end, std::vector<size_t>* ends, size_t* bound) {
    while (ends->size() > 1) {
      const size_t tried = ends->back();
      ends->pop_back();
      if (shortest ? tried < end : tried > ends->back()) {
        *bound = shortest ? tried + 1 : tried - 1;
        return true;
      }
    }
    return false;
  }

  bool Rounds(const Part& kid, const std::vector<size_t>& ends) {
    // Without back-references every round divides, and only the last one shows.
    for (size_t i = kid.shape.refers ? 1 : ends.size() - 1; i < ends.size(); ++i) {
      Forget(kid);
      if (!Divide(kid, ends[i - 1], ends[i])) return false;
    }
    return true;
  }

  bool Backref(const Part& part, size_t begin, size_t end) const {
    const RegexSpan group = groups[static_cast<size_t>(part.group)];
    if (!group.found()) return false;
    const std::string_view unit = group.In(text);
    const std::string_view part_text = text.substr(begin, end - begin);
    if (unit.empty()) return part_text.empty();
    if (part_text.size() % unit.size() != 0) return false;
    const size_t times = part_text.size() / unit.size();
    const bool enough = times >= static_cast<size_t>(part.min);
    if (!enough || (part.max != RegexNode::kUnbounded && times > static_cast<size_t>(part.max))) return false;
    for (size_t i = 0; i < times; ++i) {
      if (part_text.substr(i * unit.size(), unit.size()) != unit) return false;
    }
    return true;
  }
};

bool RegexTree::Divide(std::string_view text, std::vector<RegexSpan>* groups,
                       RegexNfa::Budget* budget) const {
  const RegexSpan whole = (*groups)[0];
  std::fill(groups->begin() + 1, groups->end(), RegexSpan{});
  return Divider{text, *groups, budget}.Divide(*root_, whole.begin, whole.end);
}

}  // namespace streamrun
