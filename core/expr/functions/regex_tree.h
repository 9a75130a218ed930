// Which part of a match belongs to which group.
//
// PostgreSQL first fixes the ends of the whole match, then divides it from left to right, each part taking
// as much or as little as its own preference says (manual 9.7.3.5). The tree has one node per such decision;
// what needs no decision is a leaf.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "core/expr/functions/regex_nfa.h"
#include "core/expr/functions/regex_syntax.h"

namespace streamrun {

/// Begin and end of a group in bytes; kNone = the group took no part.
struct RegexSpan {
  size_t begin = std::string_view::npos;
  size_t end = std::string_view::npos;
  bool found() const { return begin != std::string_view::npos; }
  std::string_view In(std::string_view text) const { return text.substr(begin, end - begin); }
};

class RegexTree {
 public:
  /// Null when the expression is too large. `if_plain`: make a plain tree able to divide, too.
  static std::unique_ptr<const RegexTree> Make(const RegexSyntax& syntax, bool if_plain);

  /// The whole match is as short as possible, not as long.
  bool shortest() const;
  /// Would a backtracking matcher that finds the same whole match put the groups at the same places?
  bool plain() const { return plain_; }
  /// Finds the groups within a match; groups[0] is the match. False when back-references do not fit it.
  bool Divide(std::string_view text, std::vector<RegexSpan>* groups, RegexNfa::Budget* budget) const;

  ~RegexTree();

 private:
  struct Part;
  struct Builder;
  struct Divider;
  using PartPtr = std::unique_ptr<Part>;

  RegexTree() = default;
  static bool IsPlain(const Part& part);
  static bool EveryRoundPlain(const Part& part);
  static bool Prepare(Part* part, size_t* room);

  PartPtr root_;
  bool plain_ = false;
};

}  // namespace streamrun
