// The pipeline that a command means: by name, by file or by state directory.
#pragma once

#include <string>

#include "core/base/status.h"

namespace CLI {
class App;
}

namespace streamrun {

struct PipelineTarget {
  std::string pipeline;
  std::string state_dir;
};

/// Adds the last positional argument and --state-dir; one of them must be given. `target` outlives the
/// command.
void AddTargetOptions(CLI::App* command, PipelineTarget* target);

Result<std::string> StateDirectoryOf(const PipelineTarget& target);

/// Prints the error; the exit code.
int FailCommand(const Status& status, int code);

}  // namespace streamrun
