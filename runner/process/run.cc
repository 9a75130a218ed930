#include "runner/process/run.h"

#include "runner/local/local_plan.h"
#include "runner/process/state_directory.h"
#include "runner/process/supervisor.h"

namespace streamrun {

int RunPipeline(PlanPtr plan, const PipelineFile& file, const RunOptions& options) {
  StartLogging({options.log_level, options.log_json, nullptr},
               {plan->pipeline, plan->hash.substr(0, 8), "", -1});
  const std::string directory = options.state_dir.empty() ? plan->settings.state_dir : options.state_dir;
  auto state = StateDirectory::Open(Env::Default(), plan->pipeline, directory);
  if (!state.ok()) {
    LogError(state.status().message());
    return 3;
  }
  return Supervisor(CutPlan(std::move(plan)), file, options, state->get()).Run();
}

}  // namespace streamrun
