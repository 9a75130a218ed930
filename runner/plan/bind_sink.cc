// Binding a sink: what it takes, in which form, and how often it runs.
#include <algorithm>

#include "runner/plan/bind_node.h"

namespace streamrun {

namespace {

// Whether a sink can take a changing input, and in which form.
bool BindChanges(DraftNode& node, bool bytes, Draft& draft) {
  PlanNode& out = node.node;
  const Schema& input = *out.input_schemas[0];
  const bool op_column = node.common.changes == SinkChanges::kOpColumn;
  if (op_column && !bytes) {
    draft.diagnostics.ErrorAt(node.config["changes"], "plan.changes",
                              "sink '" + out.component + "' takes rows: it has no op column",
                              "leave changes out here");
    return false;
  }
  if (!input.changes) return true;
  if (op_column) {
    if (input.Find("op") != -1) {
      draft.diagnostics.ErrorAt(node.config["changes"], "plan.op_column",
                                "the input has a column 'op' already",
                                "rename it with `map` before this sink");
      return false;
    }
    std::vector<Field> fields{{"op", TypeId::kText}};
    fields.insert(fields.end(), input.fields().begin(), input.fields().end());
    out.with_op = std::make_shared<const Schema>(std::move(fields));
    return true;
  }
  if (out.sink->takes_changes) return true;
  draft.diagnostics.ErrorAt(
      node.inputs[0].value, "plan.changes",
      "sink '" + out.component + "' takes no changes, but '" + node.inputs[0].value.text() + "' gives them",
      bytes ? "write changes: op_column, or make the input final with emit: on_close" : "");
  return false;
}

}  // namespace

void BindSink(DraftNode& node, Draft& draft) {
  PlanNode& out = node.node;
  const SinkDefinition* definition =
      FindComponent(node.common.connector, &Registry::FindSink, ComponentKind::kSink, draft.diagnostics);
  if (definition == nullptr) return;
  out.component = definition->name;
  out.sink_definition = definition;
  NodeContext context(out.name, "sink '" + out.name + "' (" + definition->name + ")", node.config,
                      Names(NodeFields(ComponentKind::kSink)), draft.diagnostics);
  const bool inputs_known = ResolvePorts(node, draft) && !out.inputs.empty();
  context.inputs = out.input_schemas;
  out.sink = definition->bind(context);
  const bool bytes = definition->takes == SinkDefinition::Takes::kBytes;
  ConfigValue config;
  const FormatDefinition* format =
      bytes ? FindFormat(node, definition->default_format, &config, draft) : nullptr;
  if (!bytes && node.common.format.present()) {
    draft.diagnostics.ErrorAt(node.common.format, "config.unknown_field",
                              "sink '" + definition->name + "' takes rows: it has no format",
                              "leave format out here");
    return;
  }
  if (!inputs_known || !out.sink || (bytes && format == nullptr)) return;
  for (size_t i = 1; i < out.input_schemas.size(); ++i) {
    if (out.input_schemas[i]->fields() != out.input_schemas[0]->fields()) {
      draft.diagnostics.ErrorAt(node.inputs[i].value, "plan.input_schema",
                                "'" + node.inputs[i].value.text() + "' has other columns than '" +
                                    node.inputs[0].value.text() + "': (" + out.input_schemas[i]->ToString() +
                                    ") and (" + out.input_schemas[0]->ToString() + ")",
                                "make them alike with `map`, or give each its own sink");
      return;
    }
  }
  if (!BindChanges(node, bytes, draft)) return;
  if (bytes) {
    if (!format->encodes) {
      draft.diagnostics.ErrorAt(node.common.format, "plan.format_direction",
                                "format '" + format->name + "' can only be read");
      return;
    }
    NodeContext format_context(out.name, "format '" + format->name + "'", config, {"type"},
                               draft.diagnostics);
    const SchemaPtr encoded = out.with_op ? out.with_op : out.input_schemas[0];
    out.format = format->bind_encoder(format_context, out.sink->RecordSchema(encoded));
    if (!out.format) return;
  }
  int inherited = 1;
  for (const PlanNode::Input& input : out.inputs) {
    inherited = std::max(inherited, draft.nodes[static_cast<size_t>(input.node)].node.parallelism);
  }
  out.balance = node.common.balance;
  if (out.sink->single_writer && node.common.parallelism > 1) {
    draft.diagnostics.ErrorAt(node.config["parallelism"], "plan.parallelism",
                              "sink '" + out.name + "' has one writer", "leave parallelism out here");
    return;
  }
  out.parallelism = out.sink->single_writer       ? 1
                    : node.common.parallelism > 0 ? static_cast<int>(node.common.parallelism)
                                                  : inherited;
  node.bound = true;
}

}  // namespace streamrun
