// Gathers records into the body of a request, and takes such a body apart again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace streamrun::http {

enum class BodyForm : uint8_t {
  kLines,  // the format's bytes as they are, behind its preamble (a CSV header)
  kArray,  // [record,record]: for JSON
};

struct BodyOptions {
  BodyForm form = BodyForm::kLines;
  bool gzip = false;
  /// A body is full with so many records or so many bytes (before gzip), whichever comes first. One record is
  /// never divided.
  int64_t max_records = 500;
  size_t max_bytes = size_t{1} << 20;
  std::string preamble;
};

/// A finished body.
struct BatchBody {
  std::string bytes;
  /// End of each record in the body before gzip.
  std::vector<uint32_t> ends;
  int64_t records() const { return static_cast<int64_t>(ends.size()); }
};

class BodyBuilder {
 public:
  explicit BodyBuilder(BodyOptions options) : options_(std::move(options)) {}

  /// False: `record` (with its separator) does not fit any more, finish this body first.
  bool Add(std::string_view record);
  bool full() const;
  bool empty() const { return ends_.empty(); }
  /// Empties the builder.
  BatchBody Finish();

 private:
  const BodyOptions options_;
  std::string bytes_;
  std::vector<uint32_t> ends_;
};

/// The records of a body with these bytes and ends, without separators.
Result<std::vector<std::string>> RecordsOf(std::string_view bytes, const std::vector<uint32_t>& ends,
                                           const BodyOptions& options);

}  // namespace streamrun::http
