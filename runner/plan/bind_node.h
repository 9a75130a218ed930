// What binding a source, an operator and a sink have in common. Every problem is reported in the draft's
// diagnostics.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runner/plan/draft.h"
#include "runner/plan/table.h"

namespace streamrun {

/// Fills in the node and sets `bound` when nothing is wrong. The nodes above it were bound before.
void BindSource(DraftNode& node, Draft& draft);
void BindOperator(DraftNode& node, Draft& draft);
void BindSink(DraftNode& node, Draft& draft);

class NodeContext final : public BindContext {
 public:
  using BindContext::BindContext;
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent& component) override {
    return BindNestedTable(component, what(), diagnostics());
  }
};

/// Keys that the plan reads itself.
inline std::vector<std::string> Names(const std::vector<FieldSpec>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const FieldSpec& f : fields) names.push_back(f.name);
  return names;
}

/// The component of this name; null after reporting.
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

/// `format:` of a byte source or sink, or the connector's default (`fallback`, may be empty); null after
/// reporting. `*config`: its fields.
const FormatDefinition* FindFormat(const DraftNode& node, const std::string& fallback, ConfigValue* config,
                                   Draft& draft);
/// The ports that the inputs name, and their schemas. False: one is unknown, or what is above was not bound.
bool ResolvePorts(DraftNode& node, Draft& draft);

}  // namespace streamrun
