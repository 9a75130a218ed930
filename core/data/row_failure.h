// A row that could not be processed, and why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace streamrun {

struct RowFailure {
  uint32_t row;         // number in the batch that was given
  std::string code;     // SQLSTATE or dotted streamrun code: "22012", "json.syntax"
  std::string message;  // one sentence, PostgreSQL's wording where it has one
};

/// Sorts what stands from position `from` on by row and keeps the first failure of each: evaluation goes from
/// left to right, so it is the one that PostgreSQL would report.
void SortFailures(std::vector<RowFailure>& failures, size_t from = 0);

}  // namespace streamrun
