// Batches that wait in a file instead of memory until somebody has written them elsewhere: what a checkpoint
// saves of state that does not fit into memory.
#pragma once

#include <memory>
#include <string>

#include "core/base/scratch_file.h"
#include "core/data/batch.h"

namespace streamrun {

/// Used by one thread. The batches may be read and dropped by any; the file's blocks are freed with the last.
class SpilledBatches {
 public:
  static Result<std::unique_ptr<SpilledBatches>> Create(Env* env, const std::string& directory);
  /// The same rows; their columns lie in the file. No column is pruned.
  Result<BatchPtr> Move(const BatchPtr& batch);

 private:
  explicit SpilledBatches(std::shared_ptr<ScratchFile> file) : file_(std::move(file)) {}

  std::shared_ptr<ScratchFile> file_;
  uint64_t end_ = 0;
};

}  // namespace streamrun
