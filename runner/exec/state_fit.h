// Saved state and the pipeline that is to go on with it: which saved column is which of the node's, what is
// new, what goes, and when they do not belong together.
#pragma once

#include <string>
#include <vector>

#include "runner/exec/restored_state.h"
#include "runner/exec/table_fit.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// What the state of a node stands for: its component, then the operator's own facts.
std::vector<StateFact> FactsOf(const PlanNode& node);

struct NodeFit {
  /// Of tables that have rows; one that is not here is dropped.
  std::vector<TableFit> tables;
  std::vector<StateNote> notes;
  const TableFit* Find(const std::string& table) const;
};

/// `saved`: the node's snapshots of all instances. kInvalidArgument: they do not belong together, and the
/// node does not say `state: reset`; the message has what was, what is and what to do.
Result<NodeFit> FitNode(const PlanNode& node, const std::vector<const NodeSnapshot*>& saved,
                        const RestoredState& state);

/// The node's snapshots, under its name or under the one it was renamed from.
std::vector<const NodeSnapshot*> FindNode(const RestoredState& state, const PlanNode& node);

/// State is stored by key groups, so their number stays.
Status FitKeyGroups(const Plan& plan, int saved);

/// Does the plan go on from this checkpoint? Every node is looked at, and every saved node that the plan does
/// not have any more; kInvalidArgument names all that is wrong.
Result<std::vector<StateNote>> FitPlan(const Plan& plan, const RestoredState& state);

}  // namespace streamrun
