// Binding the components of a plan: configurations, formats, schemas and ports, in topological order.
#include <algorithm>

#include "core/stream/dead_letter.h"
#include "runner/plan/draft.h"
#include "runner/plan/table.h"

namespace streamrun {

namespace {

class NodeContext final : public BindContext {
 public:
  using BindContext::BindContext;
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent& component) override {
    return BindNestedTable(component, what(), diagnostics());
  }
};

std::vector<std::string> Names(const std::vector<FieldSpec>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const FieldSpec& f : fields) names.push_back(f.name);
  return names;
}

template <typename Found>
const Found* FindComponent(const ConfigValue& name, const Found* (Registry::*find)(std::string_view) const,
                           ComponentKind kind, Diagnostics& d) {
  const bool named_by_kind = kind == ComponentKind::kOperator || kind == ComponentKind::kFormat;
  const std::string what = std::string(KindName(kind)) + (named_by_kind ? "" : " connector");
  if (!name.is_scalar()) {
    if (name.present())
      d.ErrorAt(
          name, "config.type",
          "this takes the name of a" + std::string(kind == ComponentKind::kOperator ? "n " : " ") + what);
    return nullptr;
  }
  if (const Found* found = (Registry::Global().*find)(name.text())) return found;
  std::string suggestion = DidYouMean(name.text(), Registry::Global().Names(kind));
  if (suggestion.empty()) suggestion = "`streamrun list` shows what there is";
  d.ErrorAt(name, "plan.unknown_component", "there is no " + what + " '" + name.text() + "'", suggestion);
  return nullptr;
}

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

// `format:` of a byte source or sink, or the connector's default.
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

// Every source upstream ends by itself.
bool IsBounded(const PlanNode& node, const Draft& draft) {
  if (node.source) return node.source->bounded;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](const PlanNode::Input& input) {
    return IsBounded(draft.nodes[static_cast<size_t>(input.node)].node, draft);
  });
}

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

}  // namespace

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
