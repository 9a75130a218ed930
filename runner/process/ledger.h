// Adds up what the workers counted: per node one fate for every row, per edge sent = received + in flight.
//
// The ledger is of the rows that count: a restarted region goes back to what the checkpoint had counted, and
// reads from there again. Totals of this process are kept beside it for metrics, which never go back.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "runner/exec/task.h"
#include "runner/local/local_plan.h"
#include "runner/process/status.h"

namespace streamrun {

class Ledger {
 public:
  explicit Ledger(LocalPlanPtr plan)
      : plan_(std::move(plan)), ended_(plan_->plan->nodes.size()), ended_edges_(plan_->edges.size()) {}

  /// An attempt of a worker begins with what it had counted at the checkpoint it was restored from.
  void Begin(int stage, int instance, TaskCounters counters);
  /// The newest counters of a worker; they replace its older ones.
  void Update(int stage, int instance, TaskCounters counters) {
    workers_[{stage, instance}] = std::move(counters);
  }
  /// The attempt that this worker belonged to is over: its counts go to the totals and leave the ledger.
  void EndAttempt(int stage, int instance);
  /// Rows that sources which cannot be read again gave out in the current attempt of these stages.
  int64_t Unrepeatable(const std::vector<int>& stages) const;

  /// Fills nodes, edges, the rows and bytes of `stages` (one per stage of the plan), residue and dead
  /// letters.
  void Fill(PipelineStatus* status) const;

 private:
  void Count(const TaskCounters& counters, int64_t sign);
  void FillNode(int node, NodeStatus* status) const;
  void FillStage(int stage, StageStatus* status) const;
  void FillEdge(const LocalEdge& edge, EdgeStatus* status) const;
  int64_t NodeResidue(int node, const std::vector<NodeStatus>& nodes) const;

  LocalPlanPtr plan_;
  std::map<std::pair<int, int>, TaskCounters> workers_;
  std::vector<NodeStatus::Totals> ended_;     // by node
  std::vector<ChannelCounters> ended_edges_;  // by edge, senders only
  int64_t letters_dropped_ = 0;               // by attempts that are over
};

}  // namespace streamrun
