// Tab-separated case tables of this folder.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

namespace streamrun {

/// The fields of every line; "<tab>" stands for a tab inside a field.
inline std::vector<std::vector<std::string>> ReadCases(const std::string& name) {
  std::ifstream file(std::string(SR_SOURCE_DIR) + "/tests/core/data/" + name);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == '\t') {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    for (std::string& field : fields) {
      for (size_t at; (at = field.find("<tab>")) != std::string::npos;) field.replace(at, 5, "\t");
    }
    rows.push_back(std::move(fields));
  }
  REQUIRE(rows.size() > 100);
  return rows;
}

}  // namespace streamrun
