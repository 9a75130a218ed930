// A plan while it is being built: the nodes of the file with what is known of each so far.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runner/plan/fields.h"
#include "runner/plan/plan.h"

namespace streamrun {

struct DraftInput {
  ConfigValue value;  // the scalar in the file
  std::string node_name;
  std::string port_name;  // empty = the first port
  int node = -1;          // resolved
};

struct DraftNode {
  ConfigValue name;    // key in the file
  ConfigValue config;  // with its template merged in
  NodeConfig common;
  bool on_error_written = false;
  std::vector<DraftInput> inputs;
  bool bound = false;  // PlanNode is complete; false after a problem: nodes that depend on it are not bound
  PlanNode node;
};

struct Draft {
  const PipelineFile& file;
  Diagnostics& diagnostics;
  std::shared_ptr<Plan> plan = std::make_shared<Plan>();
  ConfigValue delivery_value;  // `settings.delivery` as written
  ConfigValue drop_state;      // `settings.drop_state` as written
  bool on_error_written = false;
  OnError on_error = OnError::kDeadLetter;
  std::vector<std::pair<std::string, ConfigValue>> schemas;
  std::vector<DraftNode> nodes;
  std::vector<int> order;  // topological

  int Find(std::string_view name) const;
};

// The steps, in this order; each reports everything it can find.
void ReadTopLevel(Draft& draft);  // keys, name, settings, schemas
void CollectNodes(Draft& draft);  // sources, operators, sinks, templates, common fields, inputs by name
void CheckState(Draft& draft);    // names that nodes had, state that may go
void OrderNodes(Draft& draft);    // topological order; cycles, nodes that lead nowhere
void BindNodes(Draft& draft);     // components, formats, ports
void CheckWiring(Draft& draft);   // exclusive resources, unwired ports
void FindUsedColumns(Draft& draft);
void ComputeDelivery(Draft& draft);

}  // namespace streamrun
