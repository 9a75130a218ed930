// The files of a bounded read and how they are cut: one list that all workers of a source share.
//
// Chunk k of a file covers the records that begin in [k * split_bytes, (k + 1) * split_bytes). Ordinals
// number the chunks of all files in list order; a compressed or unsplittable file is one unit with one
// ordinal. The list is a snapshot: what is appended to a file afterwards is not read, so that every worker
// counts the same chunks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/file/byte_stream.h"
#include "connectors/file/file_identity.h"
#include "core/base/env.h"
#include "core/stream/event.h"

namespace streamrun {

struct ListedFile {
  std::string path;
  uint64_t size = 0;
  FileIdentity identity;
  Compression compression = Compression::kNone;
  /// One unit, read from begin to end.
  bool whole = false;
  Ordinal first = 0;
  uint64_t chunks = 0;
};

class SplitList {
 public:
  /// `splittable`: plain files may be cut at newlines.
  SplitList(std::vector<ListedFile> files, uint64_t split_bytes, bool splittable);
  SplitList() = default;

  const std::vector<ListedFile>& files() const { return files_; }
  Ordinal total() const { return total_; }
  uint64_t split_bytes() const { return split_bytes_; }
  /// The file that holds chunk `ordinal` < total().
  const ListedFile& FileOf(Ordinal ordinal) const;
  /// Bytes (as stored) of the chunks that worker `instance` of `parallelism` reads, from ordinal `from` on;
  /// -1 when the size of a file is not known.
  int64_t ShareBytes(int instance, int parallelism, Ordinal from) const;

 private:
  std::vector<ListedFile> files_;
  uint64_t split_bytes_ = 1 << 20;
  Ordinal total_ = 0;
};

struct ListOptions {
  std::vector<std::string> patterns;
  CompressionChoice compression = CompressionChoice::kAuto;
  bool allow_empty = false;
};

/// Expands the patterns in order, each file once, and looks at every file. Missing, unreadable and unsuitable
/// files are errors that say what to do.
Result<std::vector<ListedFile>> ListFiles(Env* env, const ListOptions& options);

/// The same list for every worker of one start (`generation`) of a pipeline: the first one writes it into
/// `run_directory`, atomically, and removes that of an earlier start. Without a directory or generation every
/// caller lists for itself.
Result<std::vector<ListedFile>> ListFilesOnce(Env* env, const ListOptions& options,
                                              const std::string& run_directory, uint64_t generation);

/// JSON array of path, size, identity, compression; the text in positions and in the shared list.
std::string PrintFiles(const std::vector<ListedFile>& files);
Result<std::vector<ListedFile>> ParseFiles(const std::string& json);

/// Opens a listed file and makes sure that it is still the one that was listed.
Result<std::unique_ptr<ReadableFile>> OpenListed(Env* env, const ListedFile& file);

/// Opens a regular file for reading; says what is wrong with anything else.
Result<std::unique_ptr<ReadableFile>> OpenRegular(Env* env, const std::string& path);

}  // namespace streamrun
