// What stands in front of the records of a file: a byte order mark and the header line.
#pragma once

#include <memory>
#include <string>

#include "connectors/file/byte_stream.h"

namespace streamrun {

struct FileHeader {
  /// Byte offset (of the decompressed content) at which the first record begins.
  uint64_t data_begin = 0;
  /// The header line without its separator; null when the format has none.
  std::shared_ptr<const std::string> line;
};

/// Reads it from the beginning of `stream`. A UTF-8 byte order mark (EF BB BF) belongs to no record.
/// `max_line`: longest header; a longer one is an error that names `path`.
Result<FileHeader> ReadFileHeader(ByteStream& stream, const std::string& path, bool has_header,
                                  size_t max_line);

}  // namespace streamrun
