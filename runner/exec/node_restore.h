// What one node of a task finds of itself in a checkpoint, whatever its parallelism was then.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/stream/state_table.h"
#include "runner/exec/key_group.h"
#include "runner/exec/restored_state.h"
#include "runner/plan/plan.h"

namespace streamrun {

class NodeRestore {
 public:
  /// Null when the checkpoint does not know this part of the node. `state` outlives it.
  static std::unique_ptr<NodeRestore> Find(const RestoredState& state, const Plan& plan,
                                           const Stage::Member& member, int instance, int parallelism);

  bool ended() const;
  bool had_ended() const;
  /// Rows are to come that it had not seen: it has not ended, though it had.
  void Reopen() { reopened_ = true; }
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
  /// Gives every row of this instance to its table, in the shape that it has now (FitNode), and calls
  /// `loaded` after each batch.
  Status LoadTables(const PlanNode& node, const std::vector<StateTable*>& tables,
                    const std::function<Status()>& loaded) const;

 private:
  NodeRestore(const RestoredState& state, KeyGroups groups, int instance, int parallelism)
      : state_(state), groups_(groups), instance_(instance), parallelism_(parallelism) {}
  bool rescaled() const;
  Result<BatchPtr> Own(const TableSnapshot& shape, const BatchPtr& rows) const;

  bool reopened_ = false;
  const RestoredState& state_;
  const KeyGroups groups_;
  const int instance_;
  const int parallelism_;
  std::vector<const NodeSnapshot*> all_;   // of every instance of then
  std::vector<const NodeSnapshot*> mine_;  // the one of this instance, or all when the parallelism changed
};

}  // namespace streamrun
