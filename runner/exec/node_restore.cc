#include "runner/exec/node_restore.h"

#include <algorithm>

#include "core/base/failpoint.h"
#include "core/data/row_hash.h"
#include "core/data/selection.h"
#include "runner/exec/state_fit.h"

namespace streamrun {

namespace {

// Operators keep their state in the part behind the exchange, sinks in the writer; the parts before them keep
// none, and appear and go with the parallelism.
bool IsMain(NodePart part) { return part != NodePart::kEncode && part != NodePart::kCombine; }

bool SamePart(const NodeSnapshot& snapshot, const Stage::Member& member) {
  if (IsMain(snapshot.part) || IsMain(member.part)) return IsMain(snapshot.part) == IsMain(member.part);
  return snapshot.part == member.part && snapshot.input == member.input;
}

}  // namespace

std::unique_ptr<NodeRestore> NodeRestore::Find(const RestoredState& state, const Plan& plan,
                                               const Stage::Member& member, int instance, int parallelism) {
  std::unique_ptr<NodeRestore> restore(
      new NodeRestore(state, KeyGroups(plan.settings.max_parallelism), instance, parallelism));
  for (const NodeSnapshot* snapshot : FindNode(state, plan.node(member.node))) {
    if (SamePart(*snapshot, member)) restore->all_.push_back(snapshot);
  }
  if (restore->all_.empty()) return nullptr;
  for (const NodeSnapshot* snapshot : restore->all_) {
    if (restore->rescaled() || snapshot->instance == instance) restore->mine_.push_back(snapshot);
  }
  return restore;
}

bool NodeRestore::rescaled() const { return static_cast<int>(all_.size()) != parallelism_; }

bool NodeRestore::ended() const { return !reopened_ && had_ended(); }
bool NodeRestore::had_ended() const {
  return std::all_of(mine_.begin(), mine_.end(), [](const auto* s) { return s->ended; });
}
bool NodeRestore::complete() const {
  return std::all_of(mine_.begin(), mine_.end(), [](const auto* s) { return s->complete; });
}
bool NodeRestore::idle() const {
  return std::all_of(mine_.begin(), mine_.end(), [](const auto* s) { return s->idle; });
}

Watermark NodeRestore::watermark() const {
  Watermark least = mine_.front()->watermark;
  for (const NodeSnapshot* snapshot : mine_) {
    least.time = std::min(least.time, snapshot->watermark.time);
    least.next_ordinal = std::min(least.next_ordinal, snapshot->watermark.next_ordinal);
  }
  return least;
}

Timestamp NodeRestore::latest() const {
  Timestamp latest = mine_.front()->latest;
  for (const NodeSnapshot* snapshot : mine_) latest = std::min(latest, snapshot->latest);
  return latest;
}

Timestamp NodeRestore::clock() const {
  Timestamp clock = kMinTimestamp;
  for (const NodeSnapshot* snapshot : all_) clock = std::max(clock, snapshot->clock);
  return clock;
}

NodeCounters NodeRestore::counters() const {
  NodeCounters sum;
  if (rescaled() && instance_ > 0) return sum;
  for (const NodeSnapshot* snapshot : mine_) AddCounts(snapshot->counters, &sum);
  return sum;
}

int64_t NodeRestore::failed_results() const {
  int64_t sum = 0;
  if (rescaled() && instance_ > 0) return sum;
  for (const NodeSnapshot* snapshot : mine_) sum += snapshot->failed_results;
  return sum;
}

std::vector<std::string> NodeRestore::positions() const {
  std::vector<std::string> positions;
  for (const NodeSnapshot* snapshot : mine_) positions.push_back(snapshot->position);
  return positions;
}

std::vector<std::string> NodeRestore::handles() const {
  std::vector<std::string> handles;
  for (const NodeSnapshot* snapshot : all_) {
    const bool own = snapshot->instance % parallelism_ == instance_;
    if (own && !snapshot->prepared.handle.empty()) handles.push_back(snapshot->prepared.handle);
  }
  return handles;
}

std::vector<std::string> NodeRestore::all_handles() const {
  std::vector<std::string> handles;
  for (const NodeSnapshot* snapshot : all_) {
    if (!snapshot->prepared.handle.empty()) handles.push_back(snapshot->prepared.handle);
  }
  return handles;
}

// Rows of this instance's key groups; rows without a key are everybody's.
Result<BatchPtr> NodeRestore::Own(const TableSnapshot& shape, const BatchPtr& rows) const {
  if (!rescaled() || shape.key_columns == 0) return rows;
  const std::vector<ColumnPtr> keys(rows->columns().begin(), rows->columns().begin() + shape.key_columns);
  std::vector<uint64_t> hashes;
  HashRows(keys, rows->rows(), &hashes);
  Selection own;
  for (size_t row = 0; row < hashes.size(); ++row) {
    const size_t instance = groups_.InstanceOf(hashes[row], static_cast<size_t>(parallelism_));
    if (instance == static_cast<size_t>(instance_)) own.push_back(static_cast<uint32_t>(row));
  }
  return Take(rows, own);
}

Status NodeRestore::LoadTables(const PlanNode& node, const std::vector<StateTable*>& tables,
                               const std::function<Status()>& loaded) const {
  SR_ASSIGN_OR_RETURN(const NodeFit fit, FitNode(node, all_, state_));
  const auto load = [&](const TableSnapshot& shape, const BatchPtr& rows) -> Status {
    SR_RETURN_IF_ERROR(SR_FAILPOINT("restore.table"));
    const TableFit* table_fit = fit.Find(shape.name);
    if (table_fit == nullptr) return Status::Ok();
    const auto table = std::find_if(tables.begin(), tables.end(),
                                    [&](const StateTable* t) { return t->name() == shape.name; });
    SR_CHECK(table != tables.end());  // every declared table is kept
    SR_ASSIGN_OR_RETURN(const BatchPtr own, Own(shape, rows));
    if (own->rows() == 0) return Status::Ok();
    SR_RETURN_IF_ERROR((*table)->Load(table_fit->Apply(own)));
    return loaded();
  };
  for (const NodeSnapshot* snapshot : mine_) {
    SR_RETURN_IF_ERROR(state_.ReadTables(*snapshot, load).WithContext("node '" + node.name + "'"));
  }
  return Status::Ok();
}

}  // namespace streamrun
