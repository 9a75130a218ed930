// Where a sink began to append to a file, remembered until an epoch counts: a run that dies before its first
// checkpoint writes its rows again, and what it had written must go first.
#pragma once

#include <string>

#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

/// The mark of worker `worker` in a sink's stage directory. Without a directory nothing is remembered.
class AppendMark {
 public:
  AppendMark() = default;
  AppendMark(Env* env, const std::string& stage_directory, int worker);

  /// Cuts off of `path` what an earlier attempt appended, if it left a mark and this is still its file.
  Status UndoAppend(const std::string& path) const;
  /// Remembers, durably, that what `path` holds now is to be kept. The file exists.
  Status Set(const std::string& path) const;
  /// Handles say from now on what counts.
  Status Clear() const;

 private:
  Env* env_ = nullptr;
  std::string directory_;
  std::string mark_;
};

}  // namespace streamrun
