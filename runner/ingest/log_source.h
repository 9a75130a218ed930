// The source that a pipeline sees in place of a buffered one: it reads the log that the ingest worker writes.
#pragma once

#include <memory>
#include <string>

#include "core/stream/source.h"

namespace streamrun {

struct LogSourceOptions {
  std::string node;
  std::string directory;   // of the log
  std::string quarantine;  // where damaged bytes are kept
  /// Records that can no longer be read leave by `errors`; otherwise they fail the pipeline.
  bool skip_damage = false;
};

/// Its position is the number of the next record. What every kept epoch is beyond is removed at Commit.
std::unique_ptr<Source> NewLogSource(LogSourceOptions options);

}  // namespace streamrun
