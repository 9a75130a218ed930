// Which parts of a rolling output there are on disk, and which one a sink that opens goes on with.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "connectors/file/file_output.h"
#include "connectors/file/sink_part.h"
#include "connectors/file/sink_path.h"
#include "core/stream/sink.h"

namespace streamrun {

struct PartNumbers {
  std::set<uint64_t> published, in_progress;
  /// 0: there is none.
  uint64_t last() const;
};

/// Parts of worker `worker`, of earlier runs too. None when the directory does not exist yet.
PartNumbers NumbersOnDisk(Env* env, const SinkPath& path, int worker);

/// The file that is part `number` of that worker.
std::string PartPath(const SinkPath& path, int worker, uint64_t number);

struct PartChoice {
  uint64_t number = 1;
  /// There are others besides it.
  bool has_parts = false;
  /// Of an earlier attempt: full, and without their name.
  std::vector<SinkPart> full;
};

/// Without a checkpoint. Parts of earlier runs are removed (replace), left and counted on from (append), or
/// an error (fail); those of an earlier attempt whose rows do not come again stay.
Result<PartChoice> ChooseFirstPart(const SinkPath& path, IfExists if_exists, const SinkContext& context);

/// Behind a restored epoch with these parts. What stands behind it is void and removed: parts begun since,
/// and those with a name that only a later epoch gave them.
Result<PartChoice> ChooseNextPart(const SinkPath& path, const std::vector<SinkPart>& parts,
                                  const SinkContext& context);

}  // namespace streamrun
