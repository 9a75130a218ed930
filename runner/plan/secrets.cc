#include "runner/plan/secrets.h"

#include "core/component/registry.h"

namespace streamrun {

namespace {

const Definition* DefinitionOf(std::string_view section, const ConfigValue& node) {
  const Registry& registry = Registry::Global();
  if (section == "sources") return registry.FindSource(node["connector"].text());
  if (section == "operators") return registry.FindOperator(node["operator"].text());
  if (section == "sinks") return registry.FindSink(node["connector"].text());
  return nullptr;
}

}  // namespace

void MarkSecretFields(ConfigValue* root) {
  for (auto& [section, nodes] : root->mutable_entries()) {
    if (!nodes.is_map()) continue;
    for (auto& [name, node] : nodes.mutable_entries()) {
      if (!node.is_map()) continue;
      if (const Definition* definition = DefinitionOf(section.text(), node))
        MarkSecrets(definition->fields, &node);
    }
  }
}

}  // namespace streamrun
