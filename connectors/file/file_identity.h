// How a file is known again: by inode and by how it begins. A path alone would resume in the middle of
// another file after a rotation, an inode alone after the file system gave the number to a new file.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/env.h"

namespace streamrun {

struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  /// CRC-32C of the first `head_bytes` bytes, at most kHeadBytes.
  uint32_t head = 0;
  uint32_t head_bytes = 0;

  static constexpr size_t kHeadBytes = 4096;
};

/// Identity of an open file as it is now.
Result<FileIdentity> IdentifyFile(ReadableFile& file);

/// True when `file` is the one that `identity` was taken from, possibly grown since. The device number is not
/// compared: it changes with a remount.
Result<bool> IsSameFile(ReadableFile& file, const FileIdentity& identity);

/// True when `file` still begins as it did when `identity` was taken.
Result<bool> BeginsAs(ReadableFile& file, const FileIdentity& identity);

}  // namespace streamrun
