#include "runner/cli/pipeline_target.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/cli/load.h"
#include "runner/process/state_directory.h"

namespace streamrun {

void AddTargetOptions(CLI::App* command, PipelineTarget* target) {
  CLI::Option* pipeline =
      command->add_option("pipeline", target->pipeline, "Name of the pipeline, or its file");
  CLI::Option* directory = command->add_option("--state-dir", target->state_dir,
                                               "State directory of the pipeline, when it is not the default");
  command->parse_complete_callback([pipeline, directory] {
    if (pipeline->empty() && directory->empty()) throw CLI::RequiredError("pipeline");
  });
}

Result<std::string> StateDirectoryOf(const PipelineTarget& target) {
  if (!target.state_dir.empty()) return target.state_dir;
  std::string name = target.pipeline;
  if (Env::Default()->Info(name).ok()) {
    const std::optional<LoadedPlan> loaded = LoadOrExplain(name, {});
    if (!loaded) return Status::InvalidArgument(name + " is not a pipeline file that can run");
    if (!loaded->plan->settings.state_dir.empty()) return loaded->plan->settings.state_dir;
    name = loaded->plan->pipeline;
  }
  return DefaultStateDirectory(name);
}

int FailCommand(const Status& status, int code) {
  std::fprintf(stderr, "streamrun: %s\n", status.message().c_str());
  return code;
}

}  // namespace streamrun
