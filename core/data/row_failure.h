// A row that could not be processed, and why.
#pragma once

#include <cstdint>
#include <string>

namespace streamrun {

struct RowFailure {
  uint32_t row;         // number in the batch that was given
  std::string code;     // SQLSTATE or dotted streamrun code: "22012", "json.syntax"
  std::string message;  // one sentence, PostgreSQL's wording where it has one
};

}  // namespace streamrun
