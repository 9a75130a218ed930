// Rows in order of time that were moved from memory to a file, read back a block at a time.
//
// The file belongs to one operator of one worker and never outlives it: it is removed as soon as it is open
// for reading, so that the operating system frees it whatever becomes of the process. A block is a header
// (checksum of what follows, rows, bytes of the message), the times (int64 each), and an Arrow IPC record
// batch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/data/arrow_ipc.h"

namespace streamrun {

/// An immutable run; any number of readers keep their own place in it.
class SpilledRun {
 public:
  struct Block {
    BatchPtr batch;  // null at the end
    std::vector<int64_t> times;
  };

  /// Reads the block at `*place` and moves the place behind it. kCorruption when it is not what was written.
  Result<Block> Read(uint64_t* place) const;
  uint64_t size() const { return size_; }

 private:
  friend class SpilledRunWriter;
  std::unique_ptr<ReadableFile> file_;
  uint64_t size_ = 0;
  IpcLayout layout_;
};

class SpilledRunWriter {
 public:
  /// Makes `path`, whose directory exists. `env` outlives the run.
  static Result<std::unique_ptr<SpilledRunWriter>> Create(Env* env, const std::string& path);
  /// Batches of one schema with the same pruned columns.
  Status Append(const BatchPtr& batch, const std::vector<int64_t>& times);
  /// The run; the path is gone.
  Result<std::shared_ptr<const SpilledRun>> Finish();

 private:
  Env* env_ = nullptr;
  std::string path_;
  std::unique_ptr<WritableFile> file_;
  IpcLayout layout_;
};

}  // namespace streamrun
