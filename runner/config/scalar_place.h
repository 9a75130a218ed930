// Where the text of a YAML scalar stands in the file, letter by letter.
//
// yaml-cpp marks a block scalar at its `|` and says nothing about folded lines and escapes, but a caret has
// to stand under the token of an SQL expression. So the source is read a second time at the mark, by the
// rules of YAML 1.2 (chapters 7 and 8), and the outcome is kept only when it equals what the parser gave: a
// place is right or absent.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace streamrun {

struct ScalarPlace {
  /// From byte `offset` of the scalar on, text stands at byte `at` of the source, until the next run begins;
  /// not `exact`: every byte of the run comes from the one place `at` (an escape).
  struct Run {
    size_t offset;
    size_t at;
    bool exact;
  };
  size_t begin = 0;       // first byte of the scalar itself, after its tag and anchor
  size_t end = 0;         // one past its last byte; 0 = unknown (block scalars)
  bool unclosed = false;  // a quoted scalar without its closing quote: yaml-cpp lets it end with the file
  std::vector<Run> runs;  // empty: not known
};

/// `mark`: the byte where yaml-cpp saw the node (its tag or anchor included). `value`: its text.
ScalarPlace PlaceScalar(std::string_view source, size_t mark, std::string_view value);

}  // namespace streamrun
