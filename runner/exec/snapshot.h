// What a task is worth at a barrier: everything another task needs to go on from there.
//
// Taken by the data thread between two events; written to disk by another thread, so it owns or shares all it
// refers to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/component/definition.h"
#include "core/data/batch.h"
#include "core/stream/event.h"
#include "core/stream/sink.h"
#include "runner/exec/counters.h"
#include "runner/local/local_plan.h"

namespace streamrun {

/// Rows of one StateTable.
struct TableSnapshot {
  std::string name;
  SchemaPtr schema;
  int version = 1;  // of its declaration
  /// Columns of the exchange key, which stand first: they decide the key group of a row. 0: the rows belong
  /// to no key and every instance gets them all.
  int key_columns = 0;
  /// The table as a whole, or only what changed since the snapshot before?
  bool whole = true;
  /// Not whole: rows that are no more, in the order of events before `rows`. Columns are found by name; every
  /// row of the table that has these values in them is gone.
  std::vector<BatchPtr> removed;
  /// Not whole: they replace the rows with the same values in the columns `identity` (none: they replace
  /// nothing).
  std::vector<BatchPtr> rows;
  std::vector<int> identity;
  /// Not whole: the epoch of that snapshot before.
  uint64_t since = 0;
};

/// One node, or part of one, in one instance.
struct NodeSnapshot {
  std::string node;  // name
  /// What its state stands for (FactsOf).
  std::vector<StateFact> facts;
  NodePart part = NodePart::kWhole;
  int input = 0;  // kEncode
  int instance = 0;
  int parallelism = 1;

  /// It saw the end of all its inputs (a source: of its own) and what it gave then was before the barrier.
  bool ended = false;
  bool complete = true;
  /// Event time at its inputs, or that a source told; and whether they are idle.
  Watermark watermark;
  bool idle = false;
  /// What else the host keeps of a source: greatest event time seen.
  Timestamp latest = kMinTimestamp;

  /// Processing time, which does not fall behind it after a restart.
  Timestamp clock = kMinTimestamp;

  std::string position;  // sources
  Prepared prepared;     // sinks and the dead letters
  NodeCounters counters;
  int64_t failed_results = 0;  // operators: rows they made and could not give
  std::vector<TableSnapshot> tables;
  /// Why its tables could not be taken (no room for them): the epoch cannot be stored, the node goes on.
  Status failure;
};

struct TaskSnapshot {
  uint64_t epoch = 0;
  BarrierKind kind = BarrierKind::kPeriodic;
  int stage = 0;
  int instance = 0;
  uint64_t attempt = 0;
  std::vector<NodeSnapshot> nodes;
  /// What its receiving ends had counted.
  std::vector<ChannelCounters> channels;
  Prepared dead_letters;
};

}  // namespace streamrun
