// Compresses what a file sink writes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "connectors/file/byte_stream.h"
#include "core/base/status.h"

namespace streamrun {

class Compressor {
 public:
  virtual ~Compressor() = default;
  /// Appends what `bytes` give to `out`; some may be held back.
  virtual void Write(std::string_view bytes, std::string* out) = 0;
  /// Appends everything held back: a reader can decompress all that was written so far.
  virtual void Flush(std::string* out) = 0;
  /// Ends the gzip member or Zstandard frame; the next Write begins another one.
  virtual void Finish(std::string* out) = 0;
};

/// Null for Compression::kNone. Levels: gzip 6, Zstandard 3 (the tools' defaults), with its content checksum.
std::unique_ptr<Compressor> CreateCompressor(Compression compression);

}  // namespace streamrun
