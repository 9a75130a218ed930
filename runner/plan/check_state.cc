// What a pipeline file says about state that earlier versions of it left: names that were, state that may go.
#include <algorithm>
#include <map>

#include "runner/plan/draft.h"

namespace streamrun {

namespace {

// A name that a node has cannot be what another one had.
void CheckRenames(Draft& draft) {
  std::map<std::string, std::string> takers;
  for (DraftNode& node : draft.nodes) {
    const ConfigValue& value = node.common.renamed_from;
    if (!value.present()) continue;
    if (!value.is_scalar()) {
      draft.diagnostics.ErrorAt(value, "config.type", "'renamed_from' takes the name that the node had");
      continue;
    }
    const std::string& was = value.text();
    const auto [taker, first] = takers.emplace(was, node.node.name);
    if (draft.Find(was) >= 0) {
      draft.diagnostics.ErrorAt(value, "plan.renamed_from",
                                was == node.node.name ? "'" + was + "' is the name that the node has"
                                                      : "there is still a node '" + was + "'",
                                "name what '" + node.node.name + "' was called before, or leave it out");
    } else if (!first) {
      draft.diagnostics.ErrorAt(value, "plan.renamed_from",
                                "'" + taker->second + "' goes on as '" + was + "' did, too",
                                "only one node can have been '" + was + "'");
    }
    node.node.renamed_from = was;
  }
}

void CheckDrops(Draft& draft) {
  const ConfigValue& value = draft.drop_state;
  if (!value.present()) return;
  const std::vector<ConfigValue> names = value.is_list() ? value.items() : std::vector<ConfigValue>{value};
  for (const ConfigValue& name : names) {
    if (!name.is_scalar()) {
      draft.diagnostics.ErrorAt(name, "config.type", "'drop_state' takes names of nodes",
                                "write drop_state: [old_name]");
    } else if (draft.Find(name.text()) >= 0) {
      draft.diagnostics.ErrorAt(
          name, "plan.drop_state",
          "node '" + name.text() + "' is in the pipeline: its state is not dropped by name",
          "write `state: reset` on it");
    } else {
      draft.plan->settings.drop_state.push_back(name.text());
    }
  }
}

}  // namespace

void CheckState(Draft& draft) {
  CheckRenames(draft);
  CheckDrops(draft);
  for (DraftNode& node : draft.nodes) node.node.reset_state = node.common.state == StateChoice::kReset;
}

}  // namespace streamrun
