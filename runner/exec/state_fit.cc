#include "runner/exec/state_fit.h"

#include <algorithm>
#include <set>

namespace streamrun {

namespace {

// The operator's time is kept when the rest is begun anew: what was late before it stays late.
constexpr std::string_view kTimeTable = "time";

const StateDeclaration* FindDeclared(const PlanNode& node, const std::string& table) {
  if (!node.op) return nullptr;
  const auto& states = node.op->states;
  const auto found =
      std::find_if(states.begin(), states.end(), [&](const StateDeclaration& s) { return s.name == table; });
  return found == states.end() ? nullptr : &*found;
}

std::vector<std::string> FactProblems(const std::vector<StateFact>& saved,
                                      const std::vector<StateFact>& now) {
  std::vector<std::string> problems;
  for (const StateFact& fact : now) {
    const auto was =
        std::find_if(saved.begin(), saved.end(), [&](const StateFact& s) { return s.name == fact.name; });
    if (was == saved.end() || was->value == fact.value) continue;
    problems.push_back(fact.name + " was " + was->value + ", now it is " + fact.value);
    // What another component meant by its facts says nothing.
    if (&fact == &now.front()) break;
  }
  return problems;
}

std::string Joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text += (text.empty() ? "" : "; ") + problem;
  return text;
}

// The tables that have rows, each once.
Result<std::vector<TableSnapshot>> ShapesOf(const std::vector<const NodeSnapshot*>& saved,
                                            const RestoredState& state) {
  std::vector<TableSnapshot> shapes;
  for (const NodeSnapshot* snapshot : saved) {
    SR_ASSIGN_OR_RETURN(std::vector<TableSnapshot> found, state.Shapes(*snapshot));
    for (TableSnapshot& shape : found) {
      const auto same = [&](const TableSnapshot& s) { return s.name == shape.name; };
      if (std::none_of(shapes.begin(), shapes.end(), same)) shapes.push_back(std::move(shape));
    }
  }
  return shapes;
}

// Another version of the node may be anything while there is nothing to go on with.
bool HoldsSomething(const std::vector<const NodeSnapshot*>& saved, const std::vector<TableSnapshot>& shapes) {
  const auto holds = [](const NodeSnapshot* s) {
    return !s->position.empty() || !s->prepared.handle.empty();
  };
  return std::any_of(saved.begin(), saved.end(), holds) ||
         std::any_of(shapes.begin(), shapes.end(),
                     [](const TableSnapshot& s) { return s.name != kTimeTable; });
}

std::string WayOut(const PlanNode& node) {
  switch (node.kind) {
    case ComponentKind::kSource:
      return "undo the change, or give the source a new name: then it begins at its beginning";
    case ComponentKind::kSink:
      return "undo the change, or give the sink a new name: then its output begins anew";
    default:
      return "undo the change, or write `state: reset` on it: then its state begins anew";
  }
}

// Snapshots of a node that is not in the plan any more.
class Orphan {
 public:
  Orphan(const Plan& plan, const RestoredState& state, std::string name)
      : state_(state), name_(std::move(name)) {
    const auto& dropped = plan.settings.drop_state;
    dropped_ = std::find(dropped.begin(), dropped.end(), name_) != dropped.end();
  }

  Status Check(std::vector<std::string>* problems, std::vector<StateNote>* notes) const {
    const std::vector<const NodeSnapshot*> saved = state_.Find(name_);
    SR_ASSIGN_OR_RETURN(const std::vector<TableSnapshot> shapes, ShapesOf(saved, state_));
    const bool keyed = std::any_of(shapes.begin(), shapes.end(),
                                   [](const TableSnapshot& shape) { return shape.name != kTimeTable; });
    const auto has = [&](auto&& of) { return std::any_of(saved.begin(), saved.end(), of); };
    const bool output = has([](const NodeSnapshot* s) { return !s->prepared.handle.empty(); });
    const std::string who = "node '" + name_ + "' is not in the pipeline any more";
    const std::string way = "write renamed_from: " + name_ +
                            " on the node that goes on with it, or settings: {drop_state: [" + name_ + "]}";
    if (dropped_) {
      if (keyed || output) notes->push_back({who + ": what was saved of it is dropped (drop_state)", true});
    } else if (keyed) {
      problems->push_back(who + ", and state of it is saved; " + way);
    } else if (output && !state_.committed()) {
      problems->push_back(who + ", and output of it is saved that was not committed yet; " + way);
    } else if (output) {
      notes->push_back({who + ": output that it had prepared and not given is dropped", true});
    } else if (has([](const NodeSnapshot* s) { return !s->position.empty(); })) {
      notes->push_back({who + ": how far it had read is forgotten", true});
    }
    return Status::Ok();
  }

 private:
  const RestoredState& state_;
  const std::string name_;
  bool dropped_ = false;
};

}  // namespace

std::vector<StateFact> FactsOf(const PlanNode& node) {
  std::vector<StateFact> facts{
      {node.kind == ComponentKind::kOperator ? "operator" : "connector", node.component}};
  if (node.op) facts.insert(facts.end(), node.op->facts.begin(), node.op->facts.end());
  return facts;
}

const TableFit* NodeFit::Find(const std::string& table) const {
  const auto found =
      std::find_if(tables.begin(), tables.end(), [&](const TableFit& t) { return t.name == table; });
  return found == tables.end() ? nullptr : &*found;
}

Result<NodeFit> FitNode(const PlanNode& node, const std::vector<const NodeSnapshot*>& saved,
                        const RestoredState& state) {
  SR_ASSIGN_OR_RETURN(const std::vector<TableSnapshot> shapes, ShapesOf(saved, state));
  NodeFit fit;
  std::vector<std::string> problems;
  for (const TableSnapshot& shape : shapes) {
    std::vector<std::string> more;
    if (const StateDeclaration* declared = FindDeclared(node, shape.name)) {
      more = FitTable(node.name, *declared, shape, &fit.tables, &fit.notes);
    } else {
      more.push_back("its state '" + shape.name + "' is not kept any more");
    }
    std::move(more.begin(), more.end(), std::back_inserter(problems));
  }
  if (!HoldsSomething(saved, shapes)) return fit;
  std::vector<std::string> facts = FactProblems(saved.front()->facts, FactsOf(node));
  // The tables of another component say nothing.
  const bool other = !facts.empty() && saved.front()->facts.front() != FactsOf(node).front();
  if (!other) std::move(problems.begin(), problems.end(), std::back_inserter(facts));
  if (facts.empty()) return fit;
  if (!node.reset_state) {
    return Status::InvalidArgument("node '" + node.name + "': " + Joined(facts) + "; " + WayOut(node));
  }
  std::erase_if(fit.tables, [](const TableFit& table) { return table.name != kTimeTable; });
  fit.notes = {{"the state of node '" + node.name + "' begins anew (state: reset): " + Joined(facts), true}};
  return fit;
}

std::vector<const NodeSnapshot*> FindNode(const RestoredState& state, const PlanNode& node) {
  std::vector<const NodeSnapshot*> saved = state.Find(node.name);
  return saved.empty() && !node.renamed_from.empty() ? state.Find(node.renamed_from) : saved;
}

Status FitKeyGroups(const Plan& plan, int saved) {
  if (saved == plan.settings.max_parallelism) return Status::Ok();
  return Status::InvalidArgument(
      "the saved state was dealt in " + std::to_string(saved) + " key groups, settings.max_parallelism is " +
      std::to_string(plan.settings.max_parallelism) +
      " now; write max_parallelism: " + std::to_string(saved) + ", or start over with --reset-state");
}

Result<std::vector<StateNote>> FitPlan(const Plan& plan, const RestoredState& state) {
  std::vector<std::string> problems;
  std::vector<StateNote> notes;
  std::set<std::string> known;
  for (const PlanNode& node : plan.nodes) {
    const std::vector<const NodeSnapshot*> saved = FindNode(state, node);
    if (saved.empty()) {
      if (node.op && !node.op->states.empty())
        notes.push_back({"node '" + node.name + "' is new: its state begins empty"});
      continue;
    }
    known.insert(saved.front()->node);
    Result<NodeFit> fit = FitNode(node, saved, state);
    if (!fit.ok()) {
      if (fit.status().code() != Code::kInvalidArgument) return fit.status();
      problems.push_back(fit.status().message());
      continue;
    }
    if (saved.front()->node != node.name)
      notes.push_back({"node '" + node.name + "' goes on as '" + saved.front()->node + "' did"});
    std::move(fit->notes.begin(), fit->notes.end(), std::back_inserter(notes));
  }
  for (const NodeSnapshot* saved : state.All()) {
    if (!known.insert(saved->node).second) continue;
    SR_RETURN_IF_ERROR(Orphan(plan, state, saved->node).Check(&problems, &notes));
  }
  if (problems.empty()) return notes;
  std::string text = "the saved state is of another version of the pipeline:";
  for (const std::string& problem : problems) text += "\n  " + problem;
  return Status::InvalidArgument(text + "\nOr forget all of it with --reset-state");
}

}  // namespace streamrun
