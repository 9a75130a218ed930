#include "runner/plan/plan.h"

#include <xxhash.h>

#include <cstdio>

#include "runner/plan/draft.h"

namespace streamrun {

std::string_view DeliveryName(Delivery delivery) {
  switch (delivery) {
    case Delivery::kAuto:
      return "auto";
    case Delivery::kAtMostOnce:
      return "at_most_once";
    case Delivery::kAtLeastOnce:
      return "at_least_once";
    case Delivery::kExactlyOnce:
      return "exactly_once";
  }
  return "auto";
}

int Plan::Find(std::string_view name) const {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

PlanPtr BuildPlan(const PipelineFile& file, Diagnostics& diagnostics) {
  const int before = diagnostics.errors();
  Draft draft{.file = file, .diagnostics = diagnostics};
  ReadTopLevel(draft);
  CollectNodes(draft);
  CheckState(draft);
  OrderNodes(draft);
  BindNodes(draft);
  CheckWiring(draft);
  if (diagnostics.errors() > before) return nullptr;
  FindUsedColumns(draft);
  ComputeDelivery(draft);
  if (diagnostics.errors() > before) return nullptr;

  Plan& plan = *draft.plan;
  // A node that could not be bound was reported; a plan without it would be another pipeline.
  for (const DraftNode& node : draft.nodes) SR_CHECK(node.bound);
  for (DraftNode& node : draft.nodes) plan.nodes.push_back(std::move(node.node));
  plan.order = draft.order;
  plan.config = file.root;
  const std::string canonical = PrintCanonicalJson(file.root, false);
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(canonical.data(), canonical.size())));
  plan.hash = hash;
  return draft.plan;
}

}  // namespace streamrun
