// A small automaton for what RE2 cannot answer: parts of an expression in their context, word edges in any
// script, look-around. Linear in the text for each question (K. Thompson, "Regular expression search
// algorithm"), apart from look-around, which asks again at every place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/expr/functions/regex_syntax.h"

namespace streamrun {

class RegexNfa {
 public:
  /// Null when it would be too large ("regular expression is too complex").
  static std::unique_ptr<const RegexNfa> Make(RegexNodePtr node);

  size_t size() const { return steps_.size(); }

  /// Work left; a search that uses it up answers as if nothing matched, and its caller must look here.
  struct Budget {
    int64_t steps = int64_t{1} << 28;
    bool spent() const { return steps < 0; }
  };

  static constexpr size_t kNone = std::string_view::npos;
  /// The largest (smallest) end in [least, limit] of a match that begins at `begin`, or kNone. Offsets are
  /// bytes; what stands around is seen by assertions.
  size_t Longest(std::string_view text, size_t begin, size_t limit, Budget* budget) const {
    return Run(text, begin, begin, limit, false, budget);
  }
  size_t Shortest(std::string_view text, size_t begin, size_t least, size_t limit, Budget* budget) const {
    return Run(text, begin, least, limit, true, budget);
  }
  bool Exactly(std::string_view text, size_t begin, size_t end, Budget* budget) const {
    return Run(text, begin, end, end, true, budget) != kNone;
  }
  /// Where the leftmost match at or behind `from` begins, or kNone.
  size_t FindStart(std::string_view text, size_t from, Budget* budget) const;
  /// Does a match end at `end`?
  bool EndsAt(std::string_view text, size_t end, Budget* budget) const;

 private:
  struct Step {
    enum class Op : uint8_t { kSet, kAssert, kLook, kSplit, kMatch };
    Op op;
    const RegexNode* node = nullptr;
    int next = 0;
    int other = 0;
    int look = 0;
  };
  struct Threads;

  bool Compile(const RegexNode& node);
  bool CompileRepeat(const RegexNode& node);
  int Emit(Step step);
  bool Holds(const Step& step, std::string_view text, size_t at, Budget* budget) const;
  void Follow(Threads* threads, int state, size_t start, std::string_view text, size_t at,
              Budget* budget) const;
  size_t Run(std::string_view text, size_t begin, size_t least, size_t limit, bool shortest,
             Budget* budget) const;

  RegexNodePtr root_;  // steps point into it
  std::vector<Step> steps_;
  std::vector<std::unique_ptr<const RegexNfa>> looks_;
};

}  // namespace streamrun
