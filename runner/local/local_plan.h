// The local engine's cut of a plan: stages (one process per parallel instance), edges and channels between
// them. Derived from the plan alone, the same in the supervisor and in every worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/data/arrow_ipc.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// How the rows of an edge are spread over the instances of the receiving stage.
enum class Partitioning : uint8_t {
  kForward,      // instance i to instance i (equal parallelism)
  kRoundRobin,   // whole batches in turn
  kLeastLoaded,  // whole batches, each to the instance with the least waiting
  kHash,         // by key
  kSingle,       // all to instance 0
  kBroadcast,    // all to all
};
std::string_view PartitioningName(Partitioning partitioning);

/// What a stage runs for a plan node. A byte sink is two parts: its encoder runs in the stages upstream, its
/// writer in a stage of its own. An operator that can combine rows before they are spread is two as well: a
/// combiner upstream, a merger behind the exchange. Everything else is whole.
enum class NodePart : uint8_t { kWhole, kEncode, kWrite, kCombine, kMerge };

/// An arrow of the plan that crosses processes: `channels` ZeroMQ channels carry it.
struct LocalEdge {
  int id = 0;
  int from_node = 0;
  int from_port = 0;
  int from_stage = 0;
  int to_node = 0;
  int to_input = 0;  // with `encoded`: the input whose encoder sends
  int to_stage = 0;
  Partitioning partitioning = Partitioning::kForward;
  /// The receiver merges channels by ordinal.
  bool ordered = false;
  /// Carries Encoded events instead of rows.
  bool encoded = false;
  /// From the combiner of an operator to its merger.
  bool combined = false;
  /// Rows: what a batch on it looks like.
  IpcLayout layout;
};

struct Channel {
  int id = 0;  // unique in the plan
  int edge = 0;
  int from_instance = 0;
  int to_instance = 0;
};

struct Stage {
  int id = 0;
  std::string name;  // "bids+dear": process titles, logs, status
  int parallelism = 1;
  struct Member {
    int node;
    NodePart part;
    int input = 0;  // kEncode: the sink's input whose rows this encoder takes
  };
  std::vector<Member> members;  // topological order
  bool has_source = false;
};

struct LocalPlan {
  PlanPtr plan;
  std::vector<Stage> stages;
  std::vector<LocalEdge> edges;
  std::vector<Channel> channels;
  int workers() const;
  /// Counted over all stages.
  int WorkerNumber(int stage, int instance) const;
};
using LocalPlanPtr = std::shared_ptr<const LocalPlan>;

/// `fuse_everything`: one stage, parallelism 1 (tests and `streamrun test`).
LocalPlanPtr CutPlan(PlanPtr plan, bool fuse_everything = false);

}  // namespace streamrun
