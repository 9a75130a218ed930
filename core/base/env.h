// The only door to clocks, sleep, randomness and files.
//
// Product code takes an Env* and never calls the operating system for these itself, so tests and the
// simulator can replace time and disk. Sockets are not here: they belong to the connectors and links that
// name them. All methods are thread-safe; file objects are used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"

namespace streamrun {

struct FileInfo {
  uint64_t size = 0;
  uint64_t inode = 0;
  uint64_t device = 0;
  Timestamp modified = 0;
  bool is_directory = false;
  bool is_regular = false;
  uint32_t mode = 0;  // permission bits (0..07777)
};

/// Room on the file system that a path lies on.
struct DiskSpace {
  uint64_t size = 0;  // bytes in all
  uint64_t free = 0;  // that this user may still take
};

/// An open file read at any offset. Closes on destruction.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  /// Reads up to `length` bytes at `offset` into `out`; returns the count, 0 only at the end of the file.
  virtual Result<size_t> ReadAt(uint64_t offset, size_t length, char* out) = 0;
  /// Facts of the open file itself (survives a rename or unlink of its path).
  virtual Result<FileInfo> Info() = 0;
};

/// An open file written at its end. Destruction closes without a sync and ignores errors: call Close().
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  /// Writes all of `data` or fails; after a failure the length of the file is unknown.
  virtual Status Append(std::string_view data) = 0;
  /// Bytes are on stable storage afterwards (fdatasync). A failure is never retried (fsyncgate).
  virtual Status Sync() = 0;
  virtual Status Truncate(uint64_t length) = 0;
  virtual Status Close() = 0;
  /// Length including what this object appended.
  virtual uint64_t size() const = 0;
};

enum class WriteMode : uint8_t {
  kCreate,   // fails when the file exists
  kReplace,  // truncates what is there
  kAppend,   // continues at the end, creates when absent
};

class Env {
 public:
  virtual ~Env() = default;

  /// The real machine. Never null, lives for the whole process.
  static Env* Default();

  /// Wall clock. May jump; only for timestamps shown to people and for processing time.
  virtual Timestamp WallNow() = 0;
  /// Never goes back; for timeouts and rates. Origin unspecified.
  virtual Timestamp MonotonicNow() = 0;
  virtual void Sleep(Duration duration) = 0;
  virtual uint64_t Random64() = 0;

  virtual Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) = 0;
  virtual Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path, WriteMode mode) = 0;
  virtual Result<FileInfo> Info(const std::string& path) = 0;
  /// Names (not paths) in a directory, sorted bytewise, without "." and "..".
  virtual Result<std::vector<std::string>> List(const std::string& directory) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  /// Fails with kAlreadyExists when `to` exists (renameat2 RENAME_NOREPLACE).
  virtual Status RenameNoReplace(const std::string& from, const std::string& to) = 0;
  /// A second name for a file (hard link). Fails with kAlreadyExists when `to` exists, otherwise as file
  /// systems without links do: then copy.
  virtual Status Link(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;
  /// Creates missing parents too; existing directories are fine. `mode` is for the directories it makes.
  virtual Status MakeDirectories(const std::string& path, uint32_t mode = 0755) = 0;
  /// Makes the content of a file durable, whoever wrote it (fdatasync). A failure is never retried.
  virtual Status SyncFile(const std::string& path) = 0;
  /// Makes creations, renames and removals inside `directory` durable.
  virtual Status SyncDirectory(const std::string& directory) = 0;
  /// Of what `path`, which exists, lies on. A disk without an end (2^63 - 1 bytes) unless it is known.
  virtual Result<DiskSpace> Space(const std::string& path);
  /// Makes a file of `bytes` bytes that has its blocks, so that removing it gives them back. What was there
  /// under this name goes; after an error nothing is. Its content is of no use.
  virtual Status Preallocate(const std::string& path, uint64_t bytes);

  /// Whole file; kResourceExhausted when it is larger than `limit` bytes.
  Result<std::string> ReadFile(const std::string& path, uint64_t limit);
  /// tmp file in the same directory, write, sync, rename, sync directory: readers see the old or the new.
  Status WriteFileAtomically(const std::string& path, std::string_view content);
};

}  // namespace streamrun
