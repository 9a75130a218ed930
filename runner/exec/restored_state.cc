#include "runner/exec/restored_state.h"

#include <algorithm>

namespace streamrun {

std::vector<const NodeSnapshot*> RestoredState::Find(const std::string& node) const {
  std::vector<const NodeSnapshot*> found = All();
  std::erase_if(found, [&](const NodeSnapshot* snapshot) { return snapshot->node != node; });
  std::stable_sort(found.begin(), found.end(),
                   [](const NodeSnapshot* a, const NodeSnapshot* b) { return a->instance < b->instance; });
  return found;
}

}  // namespace streamrun
