// Binding the components of a plan: configurations, formats, schemas and ports, in topological order.
#include <algorithm>

#include "core/stream/dead_letter.h"
#include "runner/plan/bind_node.h"

namespace streamrun {

const FormatDefinition* FindFormat(const DraftNode& node, const std::string& fallback, ConfigValue* config,
                                   Draft& draft) {
  const ConfigValue& written = node.common.format;
  ConfigValue name = written;
  *config = ConfigValue::Map({}, written.mark());
  if (written.is_map()) {
    name = written["type"];
    *config = written;
    if (!name.present()) {
      draft.diagnostics.ErrorAt(written, "config.missing_field", "'format' needs a 'type'",
                                "write format: {type: csv, ...}");
      return nullptr;
    }
  } else if (!written.present()) {
    if (fallback.empty()) {
      draft.diagnostics.ErrorAt(
          node.name, "config.missing_field",
          std::string(KindName(node.node.kind)) + " '" + node.node.name + "' needs a 'format'",
          "write format: json, csv, lines or another (`streamrun list formats`)");
      return nullptr;
    }
    name = ConfigValue::Scalar(fallback, false, node.name.mark());
  }
  return FindComponent(name, &Registry::FindFormat, ComponentKind::kFormat, draft.diagnostics);
}

bool ResolvePorts(DraftNode& node, Draft& draft) {
  bool fine = true;
  for (const DraftInput& input : node.inputs) {
    if (input.node < 0 || !draft.nodes[static_cast<size_t>(input.node)].bound) return false;
    const PlanNode& from = draft.nodes[static_cast<size_t>(input.node)].node;
    std::vector<std::string_view> names;
    for (const PortSpec& port : from.ports) names.push_back(port.name);
    const bool dot = input.value.text().find('.') != std::string::npos;
    int port = dot ? -1 : 0;
    for (size_t i = 0; i < names.size() && port < 0; ++i) {
      if (names[i] == input.port_name) port = static_cast<int>(i);
    }
    if (port < 0) {
      std::string list;
      for (const std::string_view n : names) list += (list.empty() ? "" : ", ") + std::string(n);
      std::string suggestion = DidYouMean(input.port_name, names);
      draft.diagnostics.ErrorAt(input.value, "plan.unknown_port",
                                "'" + from.name + "' (" + from.component + ") has no port '" +
                                    input.port_name + "'; it has " + list,
                                suggestion);
      fine = false;
      continue;
    }
    node.node.inputs.push_back({input.node, port});
    node.node.input_schemas.push_back(from.outputs[static_cast<size_t>(port)]);
  }
  return fine;
}

namespace {

// Every source upstream ends by itself.
bool IsBounded(const PlanNode& node, const Draft& draft) {
  if (node.source) return node.source->bounded;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](const PlanNode::Input& input) {
    return IsBounded(draft.nodes[static_cast<size_t>(input.node)].node, draft);
  });
}

}  // namespace

void BindOperator(DraftNode& node, Draft& draft) {
  PlanNode& out = node.node;
  const OperatorDefinition* definition =
      FindComponent(node.common.op, &Registry::FindOperator, ComponentKind::kOperator, draft.diagnostics);
  if (definition == nullptr || !ResolvePorts(node, draft) || out.inputs.empty()) return;
  out.component = definition->name;
  out.op_definition = definition;
  const int inputs = static_cast<int>(out.inputs.size());
  if (inputs < definition->min_inputs || inputs > definition->max_inputs) {
    const std::string takes = definition->max_inputs == definition->min_inputs
                                  ? std::to_string(definition->min_inputs)
                                  : "at least " + std::to_string(definition->min_inputs);
    draft.diagnostics.ErrorAt(node.common.input, "plan.input_count",
                              "operator '" + definition->name + "' takes " + takes + " input" +
                                  (takes == "1" ? "" : "s") + ", not " + std::to_string(inputs),
                              inputs > definition->max_inputs ? "put a `union` in front of it" : "");
    return;
  }
  NodeContext context(out.name, "operator '" + out.name + "' (" + definition->name + ")", node.config,
                      Names(NodeFields(ComponentKind::kOperator)), draft.diagnostics);
  context.inputs = out.input_schemas;
  for (const DraftInput& input : node.inputs) context.input_names.push_back(input.value.text());
  context.bounded = IsBounded(out, draft);
  for (size_t i = 0; i < out.input_schemas.size(); ++i) {
    if (out.input_schemas[i]->changes && !definition->takes_changes) {
      draft.diagnostics.ErrorAt(node.inputs[i].value, "plan.changes",
                                "operator '" + definition->name + "' takes no changes, but '" +
                                    node.inputs[i].value.text() + "' gives them");
      return;
    }
  }
  out.op = definition->bind(context);
  if (!out.op) return;
  out.ports = out.op->ports;
  out.outputs = out.op->outputs;
  if (out.op->can_fail) out.errors_port = static_cast<int>(out.ports.size());
  // Without a word of its own a stateless operator runs where its input is; a keyed one spreads.
  int inherited = 1;
  bool keyed = false, single = false;
  for (size_t i = 0; i < out.inputs.size(); ++i) {
    inherited = std::max(inherited, draft.nodes[static_cast<size_t>(out.inputs[i].node)].node.parallelism);
    keyed |= out.op->exchanges[i].kind == Exchange::Kind::kHash;
    single |= out.op->exchanges[i].kind == Exchange::Kind::kSingle;
  }
  out.balance = node.common.balance;
  if (out.balance != Balance::kAuto && (keyed || single)) {
    draft.diagnostics.ErrorAt(node.config["balance"], "plan.balance",
                              "rows of operator '" + out.name + "' go by key: they cannot be dealt freely",
                              "leave balance out here");
    return;
  }
  if (single && node.common.parallelism > 1) {
    draft.diagnostics.ErrorAt(node.config["parallelism"], "plan.parallelism",
                              "operator '" + out.name + "' needs all rows in one place",
                              "leave parallelism out here");
    return;
  }
  out.parallelism = single                        ? 1
                    : node.common.parallelism > 0 ? static_cast<int>(node.common.parallelism)
                    : keyed                       ? draft.plan->settings.parallelism
                                                  : inherited;
  if (keyed && out.parallelism > draft.plan->settings.max_parallelism) {
    draft.diagnostics.ErrorAt(
        node.name, "plan.max_parallelism",
        "operator '" + out.name + "' would have " + std::to_string(out.parallelism) +
            " instances, and its rows are dealt in " + std::to_string(draft.plan->settings.max_parallelism) +
            " key groups",
        "lower its parallelism, or raise settings.max_parallelism before there is state");
    return;
  }
  node.bound = true;
}

void BindNodes(Draft& draft) {
  for (const int i : draft.order) {
    DraftNode& node = draft.nodes[static_cast<size_t>(i)];
    switch (node.node.kind) {
      case ComponentKind::kSource:
        BindSource(node, draft);
        break;
      case ComponentKind::kOperator:
        BindOperator(node, draft);
        break;
      default:
        BindSink(node, draft);
    }
    PlanNode& out = node.node;
    if (node.bound && out.errors_port >= 0) {
      out.ports.push_back({"errors", PortRole::kError, "Rows that failed, with reason and place."});
      out.outputs.push_back(DeadLetterSchema());
    }
    out.wired.assign(out.ports.size(), false);
  }
}

}  // namespace streamrun
