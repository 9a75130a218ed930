#include "runner/process/ingest_worker.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "core/base/logging.h"
#include "runner/ingest/ingest.h"
#include "runner/link/poller.h"
#include "runner/process/secrecy.h"

namespace streamrun {

namespace {

constexpr Duration kPublishInterval = 200 * kMillisecond;
constexpr Duration kControlInterval = 5 * kMillisecond;

Status Work(Env* env, WorkerControl* control, Ingest* ingest) {
  Poller poller;
  int64_t steps = 0;
  Timestamp next_publish = 0, next_control = 0;
  bool told_end = false;
  for (;;) {
    SR_ASSIGN_OR_RETURN(const bool ran, ingest->Step());
    ++steps;
    if (ingest->ended() && !std::exchange(told_end, true)) SR_RETURN_IF_ERROR(control->Send(DoneMessage{}));
    const Timestamp now = env->MonotonicNow();
    if (!ran || now >= next_publish) {
      control->Publish({steps, ran ? "" : ingest->BlockedOn(), {}});
      next_publish = now + kPublishInterval;
    }
    if (!ran) {
      WaitSpec wait = ingest->Wait();
      wait.descriptors.push_back({control->fd(), POLLIN});
      control->Waits(true);
      SR_RETURN_IF_ERROR(poller.Wait(env, wait.descriptors, wait.deadline));
      control->Waits(false);
    }
    if (ran && now < next_control) continue;
    next_control = now + kControlInterval;
    if (Status status = control->Read(); !status.ok()) {
      if (!control->exit()) return status;
      return ingest->Finish();
    }
  }
}

}  // namespace

std::string IngestDirectory(const std::string& state_directory, const std::string& node) {
  return state_directory + "/ingest/" + node;
}

Result<PlanPtr> PlanOf(const AssignMessage& assign) {
  SR_ASSIGN_OR_RETURN(ConfigValue root, ParseCanonicalJson(assign.pipeline));
  KeepSecrets(root);
  Diagnostics diagnostics;
  PlanPtr plan = BuildPlan({assign.file, "", std::move(root)}, diagnostics);
  if (plan == nullptr) {
    const auto& findings = diagnostics.findings();
    return Status::Internal("a worker cannot plan the pipeline: " +
                            (findings.empty() ? std::string("no reason given") : findings.front().message));
  }
  if (plan->hash != assign.plan_hash) {
    return Status::Internal("plans differ: the supervisor's is " + assign.plan_hash + ", the worker's " +
                            plan->hash);
  }
  return plan;
}

Status RunIngest(Env* env, WorkerControl* control) {
  const AssignMessage& assign = control->assignment();
  SR_ASSIGN_OR_RETURN(const PlanPtr plan, PlanOf(assign));
  const auto index = static_cast<size_t>(assign.ingest);
  if (index >= plan->nodes.size() || !plan->nodes[index].buffer) {
    return Status::Internal("an ingest worker was assigned to a node without a buffer");
  }
  const std::string& node = plan->nodes[index].name;
  StartLogging({assign.log_level, assign.log_json, nullptr},
               {plan->pipeline, plan->hash.substr(0, 8), "ingest " + node, 0});
  IngestOptions options;
  options.env = env;
  options.directory = IngestDirectory(assign.state_directory, node);
  options.run_directory = assign.run_directory;
  options.generation = assign.generation;
  options.once = assign.once;
  options.fresh = assign.checkpoint.empty() && !assign.restarted;
  Ingest ingest(plan, assign.ingest, options);
  SR_RETURN_IF_ERROR(ingest.Open());
  SR_RETURN_IF_ERROR(control->Send(ReadyMessage{}));
  SR_RETURN_IF_ERROR(control->AwaitUntil(&WorkerControl::start));
  return Work(env, control, &ingest);
}

}  // namespace streamrun
