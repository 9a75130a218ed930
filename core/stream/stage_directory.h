// The directory of a sink that stages files under the checkpoint (SinkContext::stage_directory).
#pragma once

#include <string>

#include "core/base/durable_directory.h"

namespace streamrun {

/// Makes it for good: <state directory>/stage/<node>/<instance>.
inline Status MakeStageDirectory(Env* env, const std::string& directory) {
  return MakeDurableDirectory(env, directory, 3);
}

}  // namespace streamrun
