// A table for a terminal.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace streamrun {

/// Columns as wide as their widest cell; numbers to the right.
class TextTable {
 public:
  struct Cell {
    std::string text;
    bool number = false;
  };
  void Add(std::vector<Cell> row) {
    widths_.resize(std::max(widths_.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].text.size());
    rows_.push_back(std::move(row));
  }
  std::string Print() const {
    std::string out;
    for (const std::vector<Cell>& row : rows_) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) {
        const std::string pad(widths_[i] - row[i].text.size(), ' ');
        line += (i > 0 ? "  " : "") + (row[i].number ? pad + row[i].text : row[i].text + pad);
      }
      out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    return out;
  }

 private:
  std::vector<std::vector<Cell>> rows_;
  std::vector<size_t> widths_;
};

}  // namespace streamrun
