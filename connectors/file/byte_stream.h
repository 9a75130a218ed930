// The content of a file from begin to end, decompressed on the way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

enum class Compression : uint8_t { kNone, kGzip, kZstd };
/// What the user chose; kAuto looks at the first bytes of a file.
enum class CompressionChoice : uint8_t { kAuto, kNone, kGzip, kZstd };

/// By magic number: gzip 1f 8b (RFC 1952), Zstandard frame 28 b5 2f fd or skippable frame 5? 2a 4d 18 (RFC
/// 8878).
Compression DetectCompression(std::string_view head);
std::string_view CompressionName(Compression compression);

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Writes up to `capacity` bytes of content to `out`; 0 only at the end. An error (kCorruption for damaged
  /// or truncated data, naming path and offset) comes after everything before the damage was handed out.
  virtual Result<size_t> Read(uint8_t* out, size_t capacity) = 0;
  /// Bytes of the stored file consumed so far.
  virtual uint64_t consumed() const = 0;
};

/// `size`: where to stop in a plain file; reading less is an error that names both sizes. UINT64_MAX: at the
/// end, wherever that is. `file` outlives the stream.
std::unique_ptr<ByteStream> OpenByteStream(ReadableFile& file, std::string path, Compression compression,
                                           uint64_t size);

/// The error of a bounded read that met the end too early.
Status ShrankError(const std::string& path, uint64_t expected, uint64_t now);

}  // namespace streamrun
