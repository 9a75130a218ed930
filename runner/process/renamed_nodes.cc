#include "runner/process/renamed_nodes.h"

namespace streamrun {

Status MoveRenamed(Env* env, const std::string& state_directory, const Plan& plan) {
  for (const PlanNode& node : plan.nodes) {
    if (node.renamed_from.empty()) continue;
    for (const char* kind : {"/stage", "/ingest"}) {
      const std::string parent = state_directory + kind;
      const std::string to = parent + "/" + node.name;
      const std::string from = parent + "/" + node.renamed_from;
      if (!env->Info(from).ok() || env->Info(to).ok()) continue;
      SR_RETURN_IF_ERROR(env->Rename(from, to));
      SR_RETURN_IF_ERROR(env->SyncDirectory(parent));
    }
  }
  return Status::Ok();
}

}  // namespace streamrun
