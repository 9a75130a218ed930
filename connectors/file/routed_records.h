// Records with the file each goes to, as they cross from the workers that make them to the one that writes.
//
// Each record begins with a number (LEB128): 0 begins a list of paths anew, 1 goes on with it, both followed
// by the length of the next path and its bytes; k + 2 is path k of the list. A chunk begins with 0, so chunks
// can be joined. Only the two ends of one sink read it; no file has it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/data/buffer.h"
#include "core/stream/event.h"

namespace streamrun {

/// Puts chunks together.
class RouteWriter {
 public:
  /// `paths` outlives it and holds what is said of path `i` from the first Add with it on.
  explicit RouteWriter(const std::vector<std::string>* paths) : paths_(*paths), sent_(paths->size(), 0) {}
  /// Appends one record that goes to paths[path].
  void Add(uint32_t path, std::string_view record, BufferBuilder& bytes, BufferBuilder& record_ends);

 private:
  const std::vector<std::string>& paths_;
  std::vector<uint32_t> sent_;  // number in the list + 1
  uint32_t count_ = 0;
};

/// Takes chunks apart.
class RouteReader {
 public:
  explicit RouteReader(const Encoded& records);
  /// False behind the last record. kCorruption when it is no such chunk.
  Result<bool> Next();
  /// Number of the path of this record; paths of one chunk are numbered from 0 on.
  uint32_t path() const { return path_; }
  const std::vector<std::string_view>& paths() const { return paths_; }
  std::string_view record() const { return record_; }
  /// Counts up when the list of paths begins anew.
  uint32_t list() const { return list_; }

 private:
  Result<uint64_t> Number();

  const Encoded records_;
  int64_t next_ = 0;
  std::string_view rest_;
  std::string_view record_;
  std::vector<std::string_view> paths_;
  uint32_t path_ = 0;
  uint32_t list_ = 0;
};

}  // namespace streamrun
