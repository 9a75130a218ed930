// What a task counts: the ledger's raw material.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/time.h"
#include "core/stream/fate.h"

namespace streamrun {

/// What can be added up over workers and attempts.
struct RowCounts {
  int64_t rows_in = 0;    // sources: records read
  int64_t rows_out = 0;   // over all data ports; sinks: rows delivered
  int64_t bytes_in = 0;   // sources: bytes read
  int64_t bytes_out = 0;  // byte sinks: bytes written
  int64_t replayed = 0;   // of rows_in: dead letters that were taken in again
  int64_t busy_us = 0;    // time inside the component
  FateCounts fates{};     // of the input rows; kForwarded is derived
  std::vector<int64_t> port_rows;
};
/// Adds, or with -1 takes away.
void AddCounts(const RowCounts& from, RowCounts* to, int64_t sign = 1);

/// Counters of one node in one worker. Monotone within an attempt.
struct NodeCounters : RowCounts {
  int node = 0;
  int64_t created = 0;        // rows made beyond those forwarded
  int64_t state_bytes = 0;    // of its keyed state, now
  int64_t spilled_bytes = 0;  // of those, in a file
  int64_t state_keys = 0;
  int64_t total_bytes = -1;  // bounded sources: extent of this instance's share, -1 unknown
  Timestamp watermark = kMinTimestamp;
};

/// Counters of one channel end in one worker.
struct ChannelCounters {
  int channel = 0;
  bool sender = false;
  int64_t rows = 0;
  int64_t bytes = 0;
  int64_t full_us = 0;  // sender: time it was full while there was something to send
  // Sender of rows by key: the key group (KeyGroups) that most of its rows were in; -1 none.
  int hot_group = -1;
  int64_t hot_rows = 0;
};

struct TaskCounters {
  std::vector<NodeCounters> nodes;
  std::vector<ChannelCounters> channels;
  int64_t letters_dropped = 0;  // dead letters that made room for newer ones
};

}  // namespace streamrun
