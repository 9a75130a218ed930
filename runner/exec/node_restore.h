// What one node of a task finds of itself in a checkpoint, whatever its parallelism was then.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/stream/state_table.h"
#include "runner/exec/restored_state.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// The state of that name that a node declares; null: it does not.
const StateDeclaration* FindState(const PlanNode& node, const std::string& name);
/// Columns of its rows: those of the key, then those of the value.
SchemaPtr RowSchema(const StateDeclaration& state);

class NodeRestore {
 public:
  /// Null when the checkpoint does not know this part of the node. `state` outlives it.
  static std::unique_ptr<NodeRestore> Find(const RestoredState& state, const std::string& node,
                                           const Stage::Member& member, int instance, int parallelism);

  bool ended() const;
  bool complete() const;
  /// Least of all instances of then.
  Watermark watermark() const;
  bool idle() const;
  Timestamp latest() const;
  Timestamp clock() const;
  /// This instance's own counters; when the parallelism changed, instance 0 has the sum.
  NodeCounters counters() const;
  int64_t failed_results() const;
  /// For Source::Open.
  std::vector<std::string> positions() const;
  /// For SinkContext::handles and all_handles.
  std::vector<std::string> handles() const;
  std::vector<std::string> all_handles() const;
  /// Gives every row of this instance to its table. Rows of a table that nobody keeps any more are an error
  /// that says so, rows of another shape too.
  Status LoadTables(const PlanNode& node, const std::vector<StateTable*>& tables) const;

 private:
  NodeRestore(const RestoredState& state, int instance, int parallelism)
      : state_(state), instance_(instance), parallelism_(parallelism) {}
  bool rescaled() const;
  Result<BatchPtr> Own(const TableSnapshot& shape, const BatchPtr& rows) const;

  const RestoredState& state_;
  const int instance_;
  const int parallelism_;
  std::vector<const NodeSnapshot*> all_;   // of every instance of then
  std::vector<const NodeSnapshot*> mine_;  // the one of this instance, or all when the parallelism changed
};

}  // namespace streamrun
