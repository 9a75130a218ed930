#include "core/expr/functions/regex_syntax.h"

#include <utility>

#include "core/expr/functions/regex_lexer.h"

namespace streamrun {

namespace {

using Kind = RegexToken::Kind;
using Op = RegexNode::Op;

constexpr int kMaxDepth = 500;

RegexNodePtr MakeSet(CharSet set) {
  auto node = std::make_shared<RegexNode>();
  node->op = Op::kSet;
  node->set = std::move(set);
  return node;
}

// A back-reference repeats the characters of its group, wherever they stand.
RegexNodePtr WithoutConstraints(const RegexNodePtr& node) {
  if (node->op == Op::kAssert || node->op == Op::kLook) return std::make_shared<RegexNode>();
  if (node->kids.empty()) return node;
  auto copy = std::make_shared<RegexNode>(*node);
  for (RegexNodePtr& kid : copy->kids) kid = WithoutConstraints(kid);
  return copy;
}

class Parser {
 public:
  Parser(std::string_view pattern, RegexFlags flags) : lexer_(pattern, flags) {}

  Result<RegexSyntax> Parse() {
    if (lexer_.ReadPrefixes()) {
      Advance();
      out_.root = Alternation(0, false, false);
    }
    if (problem_.empty()) problem_ = lexer_.problem();
    if (!problem_.empty()) {
      return Status::InvalidArgument("invalid regular expression: " + std::string(problem_));
    }
    out_.flags = lexer_.flags();
    out_.captures = captures_;
    return std::move(out_);
  }

 private:
  void Advance() { token_ = lexer_.Next(); }
  bool failed() const { return !problem_.empty() || !lexer_.problem().empty(); }
  RegexNodePtr Fail(std::string_view problem) {
    if (!failed()) problem_ = problem;
    return std::make_shared<RegexNode>();
  }

  // `inside`: a ) ends it. In a look-around parentheses do not capture.
  RegexNodePtr Alternation(int depth, bool inside, bool look) {
    if (depth > kMaxDepth) return Fail("regular expression is too complex");
    auto node = std::make_shared<RegexNode>();
    node->op = Op::kAlternate;
    node->kids.push_back(Branch(depth, inside, look));
    while (!failed() && token_.kind == Kind::kAlternate) {
      Advance();
      node->kids.push_back(Branch(depth, inside, look));
    }
    if (!failed() && inside && token_.kind != Kind::kClose) Fail("parentheses () not balanced");
    if (inside && !failed()) Advance();
    return node->kids.size() == 1 ? node->kids[0] : node;
  }

  RegexNodePtr Branch(int depth, bool inside, bool look) {
    std::vector<RegexNodePtr> parts;
    while (!failed() && token_.kind != Kind::kEnd && token_.kind != Kind::kAlternate) {
      if (token_.kind == Kind::kClose) {
        if (inside) break;
        // Extended expressions take an unpaired ) as itself (POSIX 2003).
        if (lexer_.flags().dialect != RegexFlags::Dialect::kExtended)
          return Fail("parentheses () not balanced");
        token_.kind = Kind::kPlain;
        token_.value = ')';
      }
      if (token_.kind == Kind::kAssert || token_.kind == Kind::kLook) {
        parts.push_back(Constraint(depth));
      } else {
        parts.push_back(Quantified(Atom(depth, look)));
      }
    }
    return MakeConcat(std::move(parts));
  }

  RegexNodePtr Constraint(int depth) {
    auto node = std::make_shared<RegexNode>();
    if (token_.kind == Kind::kAssert) {
      using enum RegexNode::Assertion;
      node->op = Op::kAssert;
      node->assertion = token_.assertion;
      const bool side = node->assertion == kWordStart || node->assertion == kWordEnd;
      out_.has_word_side |= side;
      out_.has_word_edge |= side || node->assertion == kWord || node->assertion == kNoWord;
      Advance();
      return node;
    }
    node->op = Op::kLook;
    node->behind = (token_.value & 1) != 0;
    node->negated = (token_.value & 2) != 0;
    out_.has_look = true;
    Advance();
    node->kids.push_back(Alternation(depth + 1, true, true));
    return node;
  }

  RegexNodePtr Atom(int depth, bool look) {
    RegexToken token = std::move(token_);
    switch (token.kind) {
      case Kind::kPlain: {
        Advance();
        CharSet set;
        set.Add(token.value);
        if (lexer_.flags().fold) set.AddCases();
        set.Normalize();
        return MakeSet(std::move(set));
      }
      case Kind::kSet:
        Advance();
        return MakeSet(std::move(token.set));
      case Kind::kDot: {
        Advance();
        CharSet set;
        set.Add(0, kMaxCharacter);
        set.Normalize();
        if (lexer_.flags().dot_stops) set.Remove('\n');
        return MakeSet(std::move(set));
      }
      case Kind::kOpen:
        return Group(token.value == 1 && !look, depth, look);
      case Kind::kBackref:
        return Backref(static_cast<int>(token.value), look);
      case Kind::kQuantifier:
        return Fail("quantifier operand invalid");
      default:
        return Fail("parentheses () not balanced");
    }
  }

  RegexNodePtr Group(bool captures, int depth, bool look) {
    const int number = captures ? ++captures_ : 0;
    Advance();
    RegexNodePtr inner = Alternation(depth + 1, true, look);
    if (!captures) return inner;
    auto node = std::make_shared<RegexNode>();
    node->op = Op::kCapture;
    node->capture = number;
    node->kids.push_back(std::move(inner));
    if (groups_.size() < static_cast<size_t>(number)) groups_.resize(static_cast<size_t>(number));
    groups_[static_cast<size_t>(number - 1)] = node->kids[0];
    return node;
  }

  RegexNodePtr Backref(int number, bool look) {
    const auto index = static_cast<size_t>(number) - 1;
    // Of a group that is complete, and not inside a look-around.
    if (look || number < 1 || index >= groups_.size() || groups_[index] == nullptr) {
      return Fail("invalid backreference number");
    }
    Advance();
    auto node = std::make_shared<RegexNode>();
    node->op = Op::kBackref;
    node->capture = number;
    node->kids.push_back(WithoutConstraints(groups_[index]));
    out_.has_backref = true;
    return node;
  }

  RegexNodePtr Quantified(RegexNodePtr atom) {
    if (failed() || token_.kind != Kind::kQuantifier) return atom;
    if (!token_.problem.empty()) return Fail(token_.problem);
    auto node = MakeRepeat(std::move(atom), token_.min, token_.max, token_.prefers);
    Advance();
    // The next token may not be a quantifier again: Branch finds it as an atom.
    return node;
  }

  RegexLexer lexer_;
  RegexToken token_;
  RegexSyntax out_;
  std::string_view problem_;
  int captures_ = 0;
  std::vector<RegexNodePtr> groups_;
};

}  // namespace

RegexNodePtr MakeRepeat(RegexNodePtr kid, int min, int max, RegexNode::Prefers prefers) {
  auto node = std::make_shared<RegexNode>();
  node->op = Op::kRepeat;
  node->min = min;
  node->max = max;
  node->prefers = prefers;
  node->kids.push_back(std::move(kid));
  return node;
}

RegexNodePtr MakeConcat(std::vector<RegexNodePtr> kids) {
  if (kids.size() == 1) return std::move(kids[0]);
  auto node = std::make_shared<RegexNode>();
  node->op = kids.empty() ? Op::kEmpty : Op::kConcat;
  node->kids = std::move(kids);
  return node;
}

Result<RegexSyntax> ParseRegex(std::string_view pattern, RegexFlags flags) {
  return Parser(pattern, flags).Parse();
}

}  // namespace streamrun
