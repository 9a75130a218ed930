// Letters as people and programs read them.
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>

#include "runner/cli/letter_box.h"
#include "runner/cli/text_table.h"

namespace streamrun {

/// How many letters of each node and code are in which state.
class LetterTally {
 public:
  void Add(const Letter& letter);
  std::string Print() const;
  int64_t letters() const { return letters_; }

 private:
  std::map<std::pair<std::string, std::string>, std::array<int64_t, 5>> counts_;
  int64_t letters_ = 0;
};

/// A line of JSON; `row` stands in it digit by digit.
std::string JsonOfLetter(const Letter& letter);
/// The head of a table of letters, and a line of it.
std::vector<TextTable::Cell> LetterHead();
std::vector<TextTable::Cell> LetterCells(const Letter& letter);
/// Everything about a letter, over several lines.
Result<std::string> DescriptionOf(const Letter& letter);

}  // namespace streamrun
