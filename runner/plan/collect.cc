// The nodes of a pipeline file: names, templates, common fields, and which node feeds which.
#include <algorithm>

#include "runner/plan/draft.h"

namespace streamrun {

namespace {

struct Section {
  std::string_view key;
  ComponentKind kind;
};
constexpr Section kSections[] = {{"sources", ComponentKind::kSource},
                                 {"operators", ComponentKind::kOperator},
                                 {"sinks", ComponentKind::kSink}};

bool ValidNodeName(std::string_view name) {
  if (name.empty() || name.size() > 63) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool fine = (c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9');
    if (!fine) return false;
  }
  return true;
}

// A template's entries stand beneath the node's own: the node wins, mappings are not merged inside.
// `known` is false when the template is not: then nobody can say what the node lacks.
ConfigValue WithTemplate(const ConfigValue& config, Draft& draft, bool* known) {
  const ConfigValue& name = config["template"];
  *known = true;
  if (!name.present()) return config;
  std::vector<ConfigValue::Entry> entries;
  for (const ConfigValue::Entry& entry : config.entries()) {
    if (entry.first.text() != "template") entries.push_back(entry);
  }
  const ConfigValue& templates = draft.file.root["templates"];
  const ConfigValue& base = name.is_scalar() ? templates[name.text()] : name;
  if (!name.is_scalar() || !base.present() || !base.is_map()) {
    std::vector<std::string_view> names;
    for (const auto& [key, value] : templates.entries()) names.push_back(key.text());
    draft.diagnostics.ErrorAt(name, "config.unknown_template",
                              name.is_scalar() ? "there is no template '" + name.text() + "'"
                                               : "'template' takes the name of one of `templates:`",
                              name.is_scalar() ? DidYouMean(name.text(), names) : "");
    *known = false;
    return ConfigValue::Map(std::move(entries), config.mark());
  }
  for (const ConfigValue::Entry& entry : base.entries()) {
    if (!config[entry.first.text()].present()) entries.push_back(entry);
  }
  return ConfigValue::Map(std::move(entries), config.mark());
}

void ReadInputs(DraftNode& node, Draft& draft) {
  const ConfigValue& input = node.common.input;
  if (!input.present()) return;
  std::vector<ConfigValue> values = input.is_list() ? input.items() : std::vector<ConfigValue>{input};
  if (values.empty()) draft.diagnostics.ErrorAt(input, "config.empty", "'input' must name at least one node");
  for (const ConfigValue& value : values) {
    if (!value.is_scalar()) {
      draft.diagnostics.ErrorAt(value, "config.type", "'input' takes node, node.port, or a list of these");
      continue;
    }
    DraftInput in;
    in.value = value;
    const size_t dot = value.text().find('.');
    in.node_name = value.text().substr(0, dot);
    if (dot != std::string::npos) in.port_name = value.text().substr(dot + 1);
    node.inputs.push_back(std::move(in));
  }
}

void CollectNode(const ConfigValue& key, const ConfigValue& value, ComponentKind kind, Draft& draft) {
  Diagnostics& d = draft.diagnostics;
  DraftNode node;
  node.name = key;
  if (!ValidNodeName(key.text())) {
    d.ErrorAt(
        key, "config.name",
        "a node name takes lower-case letters, digits and '_', begins with no digit, and has at most 63");
  }
  if (const int other = draft.Find(key.text()); other >= 0) {
    d.ErrorAt(key, "config.duplicate_node",
              "there is already a node '" + key.text() + "' in line " +
                  std::to_string(draft.nodes[static_cast<size_t>(other)].name.mark().line),
              "names are shared by sources, operators and sinks: choose another");
    return;
  }
  if (!value.is_map()) {
    d.ErrorAt(value.present() && !value.is_null() ? value : key, "config.type",
              std::string(KindName(kind)) + " '" + key.text() + "' takes a mapping of its fields");
    return;
  }
  bool template_known = true;
  node.config = WithTemplate(value, draft, &template_known);
  // Only the common fields are read here; the component reads the rest when it is bound.
  const std::vector<FieldSpec>& fields = NodeFields(kind);
  for (const auto& [name, field_value] : node.config.entries()) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&, text = name.text()](const FieldSpec& f) { return f.name == text; });
    if (field == fields.end()) continue;
    if (field_value.is_null()) {
      d.ErrorAt(name, "config.empty", "'" + name.text() + "' has no value",
                "write a value or leave the line out");
    } else {
      field->read(field_value, &node.common, *field, d);
    }
  }
  for (const FieldSpec& f : fields) {
    if (f.required && template_known && !node.config[f.name].present()) {
      d.ErrorAt(key, "config.missing_field",
                std::string(KindName(kind)) + " '" + key.text() + "' needs '" + f.name + "'", f.help);
    }
  }
  node.on_error_written = node.config["on_error"].present();
  ReadInputs(node, draft);
  PlanNode& out = node.node;
  out.name = key.text();
  out.kind = kind;
  out.mark = key.mark();
  out.on_error = node.on_error_written ? node.common.on_error : draft.on_error;
  out.own_process = node.common.process == Process::kOwn;
  out.ordered = node.common.order == SinkOrder::kFile;
  draft.nodes.push_back(std::move(node));
}

void ResolveInputs(Draft& draft) {
  std::vector<std::string_view> names;
  for (const DraftNode& node : draft.nodes) {
    if (node.node.kind != ComponentKind::kSink) names.push_back(node.name.text());
  }
  for (DraftNode& node : draft.nodes) {
    for (DraftInput& input : node.inputs) {
      const int index = draft.Find(input.node_name);
      if (index < 0) {
        draft.diagnostics.ErrorAt(input.value, "plan.unknown_node",
                                  "there is no node '" + input.node_name + "'",
                                  DidYouMean(input.node_name, names));
      } else if (draft.nodes[static_cast<size_t>(index)].node.kind == ComponentKind::kSink) {
        draft.diagnostics.ErrorAt(input.value, "plan.input_is_sink",
                                  "'" + input.node_name + "' is a sink: nothing comes out of it");
      } else {
        input.node = index;
      }
    }
  }
}

}  // namespace

void CollectNodes(Draft& draft) {
  const ConfigValue& templates = draft.file.root["templates"];
  if (templates.present() && !templates.is_map() && !templates.is_null()) {
    draft.diagnostics.ErrorAt(templates, "config.type", "'templates' takes a mapping of name: fields");
  }
  for (const Section& section : kSections) {
    const ConfigValue& nodes = draft.file.root[section.key];
    if (nodes.is_null() || !nodes.present()) continue;
    if (!nodes.is_map()) {
      draft.diagnostics.ErrorAt(nodes, "config.type",
                                "'" + std::string(section.key) +
                                    "' takes a mapping of name: " + std::string(KindName(section.kind)));
      continue;
    }
    for (const auto& [key, value] : nodes.entries()) CollectNode(key, value, section.kind, draft);
  }
  ResolveInputs(draft);
  const auto has = [&](ComponentKind kind) {
    return std::any_of(draft.nodes.begin(), draft.nodes.end(),
                       [&](const DraftNode& n) { return n.node.kind == kind; });
  };
  if (draft.diagnostics.has_errors()) return;
  if (!has(ComponentKind::kSource)) {
    draft.diagnostics.Error(draft.file.root.mark(), "plan.no_source", "the pipeline has no source",
                            "add one under `sources:`");
  }
  if (!has(ComponentKind::kSink)) {
    draft.diagnostics.Error(draft.file.root.mark(), "plan.no_sink", "the pipeline has no sink",
                            "add one under `sinks:`");
  }
}

void OrderNodes(Draft& draft) {
  // Depth-first: 0 unseen, 1 on the path, 2 done. A node met on the path closes a cycle.
  std::vector<int> state(draft.nodes.size(), 0);
  std::vector<int> path;
  const auto visit = [&](auto&& self, int i) -> void {
    state[static_cast<size_t>(i)] = 1;
    path.push_back(i);
    for (const DraftInput& input : draft.nodes[static_cast<size_t>(i)].inputs) {
      if (input.node < 0) continue;
      if (state[static_cast<size_t>(input.node)] == 1) {
        std::string names;
        for (auto it = std::find(path.begin(), path.end(), input.node); it != path.end(); ++it) {
          names = " -> " + draft.nodes[static_cast<size_t>(*it)].name.text() + names;
        }
        draft.diagnostics.ErrorAt(input.value, "plan.cycle",
                                  "this input closes a cycle: " + input.node_name + names,
                                  "a pipeline is a graph without cycles");
      } else if (state[static_cast<size_t>(input.node)] == 0) {
        self(self, input.node);
      }
    }
    path.pop_back();
    state[static_cast<size_t>(i)] = 2;
    draft.order.push_back(i);
  };
  for (size_t i = 0; i < draft.nodes.size(); ++i) {
    if (state[i] == 0) visit(visit, static_cast<int>(i));
  }
  // What leads to a sink, walking back.
  std::vector<bool> useful(draft.nodes.size(), false);
  for (auto it = draft.order.rbegin(); it != draft.order.rend(); ++it) {
    const DraftNode& node = draft.nodes[static_cast<size_t>(*it)];
    if (node.node.kind == ComponentKind::kSink) useful[static_cast<size_t>(*it)] = true;
    if (!useful[static_cast<size_t>(*it)]) continue;
    for (const DraftInput& input : node.inputs) {
      if (input.node >= 0) useful[static_cast<size_t>(input.node)] = true;
    }
  }
  if (draft.diagnostics.has_errors()) return;
  for (size_t i = 0; i < draft.nodes.size(); ++i) {
    if (!useful[i]) {
      draft.diagnostics.ErrorAt(draft.nodes[i].name, "plan.unreachable",
                                std::string(KindName(draft.nodes[i].node.kind)) + " '" +
                                    draft.nodes[i].name.text() + "' leads to no sink",
                                "name it as the input of a sink or an operator, or remove it");
    }
  }
}

}  // namespace streamrun
