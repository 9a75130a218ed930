// The schema that rows of JSON lines or CSV suggest: what `infer` prints and `eval` reads with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace streamrun {

/// Bytes of a file that are looked at.
inline constexpr uint64_t kInferenceSample = 8 << 20;
inline constexpr int64_t kInferenceRows = 10000;

struct InferredColumn {
  std::string name;
  std::string type;     // as a schema writes it
  int64_t missing = 0;  // rows without it or with null
};

struct InferredSchema {
  std::string format;  // json or csv
  std::vector<InferredColumn> columns;
  int64_t rows = 0;
  int64_t malformed = 0;
};

/// `bytes` is the beginning of the data, `cut` when more follows. `format` is json, csv or empty: then the
/// first character decides. No rows: nothing could be read in that format.
InferredSchema InferSchema(std::string_view bytes, bool cut, std::string format, int64_t rows);

}  // namespace streamrun
