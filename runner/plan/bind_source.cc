// Binding a source: its schema, its event time, its format and its buffer.
#include <algorithm>

#include "runner/plan/bind_node.h"

namespace streamrun {

namespace {

std::vector<DeclaredColumn> DeclaredSchema(const DraftNode& node, Draft& draft, bool* fine) {
  std::vector<DeclaredColumn> columns;
  const ConfigValue& schema = node.common.schema;
  *fine = true;
  if (!schema.present()) return columns;
  if (!schema.is_scalar()) {
    *fine = ReadColumns(schema, "schema", &columns, draft.diagnostics);
    return columns;
  }
  std::vector<std::string_view> names;
  for (const auto& [name, value] : draft.schemas) {
    names.push_back(name);
    if (name == schema.text()) {
      Diagnostics reported_already;
      *fine = ReadColumns(value, "schema", &columns, reported_already);
      return columns;
    }
  }
  draft.diagnostics.ErrorAt(schema, "schema.unknown_schema",
                            "there is no schema '" + schema.text() + "' under `schemas:`",
                            DidYouMean(schema.text(), names));
  *fine = false;
  return columns;
}

// A duration, or `none`.
bool ReadSpan(const ConfigValue& value, std::string_view name, std::optional<Duration>* out, Diagnostics& d) {
  if (!value.present() || value.text() == "none") return true;
  Duration span = 0;
  if (!ReadDuration(value, name, &span, d)) return false;
  *out = span;
  return true;
}

// The event-time column marks the schema; the rest becomes PlanNode::event_time.
bool BindEventTime(const DraftNode& node, const SchemaPtr& schema, PlanNode& out, SchemaPtr* marked,
                   Draft& draft) {
  *marked = schema;
  const ConfigValue& value = node.common.event_time;
  if (!value.present()) return true;
  Diagnostics& d = draft.diagnostics;
  if (!value.is_map()) {
    d.ErrorAt(value, "config.type", "'event_time' takes a mapping",
              "write event_time: {column: name, out_of_order: 1s}");
    return false;
  }
  EventTimeConfig config;
  if (!ReadFields(value, EventTimeFields(), {}, "'event_time'", &config, d)) return false;
  NodeContext context(out.name, "'event_time'", node.config, {}, d);
  if (!config.column.is_scalar()) {
    d.ErrorAt(config.column, "config.type", "'column' takes the name of one column");
    return false;
  }
  const int column = context.Column(config.column, *schema);
  if (column < 0) return false;
  const TypeId type = schema->field(column).type.id();
  if (type != TypeId::kTimestamp && type != TypeId::kTimestamptz) {
    d.ErrorAt(config.column, "schema.event_time_type",
              "event time needs a timestamp or timestamptz, but '" + config.column.text() + "' is " +
                  schema->field(column).type.ToString());
    return false;
  }
  out.event_time.column = column;
  out.event_time.out_of_order = config.out_of_order;
  out.event_time.max_future = config.max_future;
  out.event_time.clock = config.clock;
  if (config.punctuation.present()) {
    out.event_time.punctuation =
        context.BindAs(config.punctuation, Scope(schema), schema->field(column).type);
    if (!out.event_time.punctuation) return false;
    if (config.clock == EventTime::Clock::kProcessing) {
      d.ErrorAt(config.punctuation.value, "schema.two_clocks",
                "punctuation and clock: processing both drive the watermark", "keep one of the two");
      return false;
    }
  }
  if (!ReadSpan(config.idle_after, "idle_after", &out.event_time.idle_after, d)) return false;
  if (!ReadSpan(config.max_drift, "max_drift", &out.event_time.max_drift, d)) return false;
  Schema with_mark = *schema;
  with_mark.event_time = column;
  *marked = std::make_shared<const Schema>(std::move(with_mark));
  return true;
}

// A log in front of a source that does not need one, or that gives no bytes to log.
bool BindBuffer(DraftNode& node, const SourceDefinition& definition, Draft& draft) {
  const ConfigValue& value = node.config["buffer"];
  PlanNode& out = node.node;
  if (!value.present()) return true;
  if (definition.gives == SourceDefinition::Gives::kRows || out.source->replayable) {
    draft.diagnostics.ErrorAt(
        value, "plan.buffer",
        "source '" + out.name + "' (" + out.component + ") can be read again: a buffer would only copy it",
        "leave buffer out here");
    return false;
  }
  out.buffer = node.common.buffer;
  return true;
}

}  // namespace

void BindSource(DraftNode& node, Draft& draft) {
  PlanNode& out = node.node;
  const SourceDefinition* definition =
      FindComponent(node.common.connector, &Registry::FindSource, ComponentKind::kSource, draft.diagnostics);
  if (definition == nullptr) return;
  out.component = definition->name;
  out.source_definition = definition;
  NodeContext context(out.name, "source '" + out.name + "' (" + definition->name + ")", node.config,
                      Names(NodeFields(ComponentKind::kSource)), draft.diagnostics);
  out.source = definition->bind(context);
  bool fine = true;
  const std::vector<DeclaredColumn> declared = DeclaredSchema(node, draft, &fine);
  SchemaPtr schema;
  if (definition->gives == SourceDefinition::Gives::kBytes) {
    ConfigValue config;
    const FormatDefinition* format = FindFormat(node, definition->default_format, &config, draft);
    if (format == nullptr || !fine) return;
    if (!format->decodes) {
      draft.diagnostics.ErrorAt(node.common.format, "plan.format_direction",
                                "format '" + format->name + "' can only be written");
      return;
    }
    NodeContext format_context(out.name, "format '" + format->name + "'", config, {"type"},
                               draft.diagnostics);
    out.format = format->bind_decoder(format_context, declared);
    if (!out.format) return;
    schema = out.format->schema;
  } else {
    for (const auto* extra : {&node.common.format, &node.common.schema}) {
      if (extra->present()) {
        draft.diagnostics.ErrorAt(
            *extra, "config.unknown_field",
            "source '" + definition->name + "' brings its own columns: it takes no format and no schema",
            "leave this line out");
        return;
      }
    }
    if (!out.source) return;
    schema = out.source->schema;
  }
  SchemaPtr marked;
  if (!BindEventTime(node, schema, out, &marked, draft) || !out.source) return;
  if (!BindBuffer(node, *definition, draft)) return;
  out.ports = {{"ok", PortRole::kData, "Rows of the source."}};
  out.outputs = {marked};
  // A record may be malformed, a row may have no usable event time.
  if (out.format || out.event_time.column >= 0) out.errors_port = 1;
  out.parallelism = out.source->parallel
                        ? (node.common.parallelism > 0 ? static_cast<int>(node.common.parallelism)
                                                       : draft.plan->settings.parallelism)
                        : 1;
  if (!out.source->parallel && node.common.parallelism > 1) {
    draft.diagnostics.ErrorAt(node.config["parallelism"], "plan.parallelism",
                              "source '" + out.name + "' cannot be shared by several workers",
                              "leave parallelism out here");
    return;
  }
  node.bound = true;
}

}  // namespace streamrun
