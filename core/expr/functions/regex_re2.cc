#include "core/expr/functions/regex_re2.h"

#include <algorithm>
#include <cstdio>

#include "core/expr/functions/regex_facts.h"

namespace streamrun {

namespace {

using Assertion = RegexNode::Assertion;
using Op = RegexNode::Op;

class Writer {
 public:
  explicit Writer(bool ascii) : ascii_(ascii) {}

  bool Write(const RegexNode& node) {
    switch (node.op) {
      case Op::kEmpty:
        return true;
      case Op::kSet:
        WriteSet(node.set);
        return true;
      case Op::kAssert:
        return WriteAssertion(node.assertion, false);
      case Op::kLook:
      case Op::kBackref:
        return false;
      case Op::kConcat:
        return WriteConcat(node);
      case Op::kAlternate:
        out_ += "(?:";
        for (size_t i = 0; i < node.kids.size(); ++i) {
          if (i > 0) out_ += '|';
          if (!Write(*node.kids[i])) return false;
        }
        out_ += ')';
        return true;
      case Op::kCapture:
        out_ += '(';
        if (!Write(*node.kids[0])) return false;
        out_ += ')';
        return true;
      case Op::kRepeat:
        return WriteRepeat(node);
    }
    return false;
  }

  std::string Take() { return std::move(out_); }

 private:
  void WriteCode(char32_t c) {
    char text[16];
    std::snprintf(text, sizeof(text), "\\x{%x}", static_cast<unsigned>(c));
    out_ += text;
  }

  void WriteSet(const CharSet& set) {
    const char32_t last = ascii_ ? 0x7f : kMaxCharacter;
    if (set.single() && set.ranges()[0].first <= last) return WriteCode(set.ranges()[0].first);
    const size_t start = out_.size();
    out_ += '[';
    for (const auto& [first, end] : set.ranges()) {
      if (first > last) break;
      WriteCode(first);
      out_ += '-';
      WriteCode(std::min(end, last));
    }
    // RE2 has no empty set; the complement of all characters is one.
    if (out_.size() == start + 1) out_ += ascii_ ? "^\\x{0}-\\x{ff}" : "^\\x{0}-\\x{10ffff}";
    out_ += ']';
  }

  // `edge_known`: what stands around makes any word edge the wanted one.
  bool WriteAssertion(Assertion assertion, bool edge_known) {
    switch (assertion) {
      case Assertion::kTextStart:
        out_ += "\\A";
        return true;
      case Assertion::kTextEnd:
        out_ += "\\z";
        return true;
      case Assertion::kLineStart:
        out_ += "(?m:^)";
        return true;
      case Assertion::kLineEnd:
        out_ += "(?m:$)";
        return true;
      case Assertion::kWord:
        out_ += "\\b";
        return ascii_;
      case Assertion::kNoWord:
        out_ += "\\B";
        return ascii_;
      case Assertion::kWordStart:
      case Assertion::kWordEnd:
        out_ += "\\b";
        return ascii_ && edge_known;
    }
    return false;
  }

  // \m before a word character and \M behind one are word edges of any kind.
  static bool EdgeKnown(const RegexNode& concat, size_t at) {
    const bool start = concat.kids[at]->assertion == Assertion::kWordStart;
    bool empty;
    const CharSet side = start ? EdgeSet(concat, at + 1, concat.kids.size(), false, &empty)
                               : EdgeSet(concat, 0, at, true, &empty);
    return !empty && IsSubset(side, *NamedClass("word"));
  }

  bool WriteConcat(const RegexNode& node) {
    out_ += "(?:";
    for (size_t i = 0; i < node.kids.size(); ++i) {
      const RegexNode& kid = *node.kids[i];
      if (kid.op == Op::kAssert) {
        const bool side = kid.assertion == Assertion::kWordStart || kid.assertion == Assertion::kWordEnd;
        if (!WriteAssertion(kid.assertion, side && EdgeKnown(node, i))) return false;
      } else if (!Write(kid)) {
        return false;
      }
    }
    out_ += ')';
    return true;
  }

  bool WriteRepeat(const RegexNode& node) {
    out_ += "(?:";
    if (!Write(*node.kids[0])) return false;
    out_ += ')';
    const bool open = node.max == RegexNode::kUnbounded;
    if (open && node.min < 2) {
      out_ += node.min == 0 ? '*' : '+';
    } else {
      out_ += '{' + std::to_string(node.min) + ',' + (open ? "" : std::to_string(node.max)) + '}';
    }
    if (node.prefers == RegexNode::Prefers::kShorter) out_ += '?';
    return true;
  }

  bool ascii_;
  std::string out_;
};

}  // namespace

std::optional<std::string> WriteRe2(const RegexSyntax& syntax, bool ascii) {
  Writer writer(ascii);
  if (!writer.Write(*syntax.root)) return std::nullopt;
  return writer.Take();
}

}  // namespace streamrun
