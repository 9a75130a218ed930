// What a checkpoint consists of: one JSON document with a checksum (docs/formats/checkpoint.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "runner/checkpoint/segment.h"
#include "runner/exec/snapshot.h"

namespace streamrun {

/// A table's chain as the manifest knows it.
struct StoredTable {
  std::string name;
  std::string schema;  // "key text, count bigint", for messages and to compare
  int key_columns = 0;
  std::vector<SegmentInfo> segments;  // oldest first
  int version = 1;                    // of its declaration
};

/// A NodeSnapshot whose tables are on disk; `snapshot.tables` is empty.
struct StoredNode {
  NodeSnapshot snapshot;
  std::vector<StoredTable> tables;
};

/// What one worker contributes to an epoch, said in its ACK.
struct Fragment {
  int stage = 0;
  int instance = 0;
  uint64_t generation = 0;
  uint64_t attempt = 0;
  std::vector<StoredNode> nodes;
  std::vector<ChannelCounters> channels;
  Prepared dead_letters;
};

struct Manifest {
  std::string pipeline;
  std::string instance;  // the state directory's unique mark
  uint64_t generation = 0;
  uint64_t epoch = 0;
  uint64_t parent = 0;  // epoch that this run was restored from or took before, 0: none
  BarrierKind kind = BarrierKind::kPeriodic;
  std::string plan_hash;
  int key_groups = 0;
  Timestamp taken = 0;  // wall clock
  /// At least one sink has something to commit.
  bool needs_commit = false;
  /// Orders to replay dead letters up to this one are in its state (runner/exec/replay_order.h).
  uint64_t replayed = 0;
  /// The generation that began anew, whose rows these are; earlier ones' dead letters are of another run.
  uint64_t begun = 0;
  /// Names the run in the tokens of its dead letters: the last epoch of the run before it, 0 for the first
  /// one and behind a reset. The same however often the run starts before its first epoch.
  uint64_t run = 0;
  std::vector<Fragment> fragments;
};

/// The words of the manifest: "periodic", "savepoint" ...; "whole", "encode" ...
std::string_view BarrierKindName(BarrierKind kind);
std::string_view NodePartName(NodePart part);

std::string PrintFragment(const Fragment& fragment);
Result<Fragment> ParseFragment(std::string_view json);
/// With its checksum at the end; ParseManifest refuses a damaged one (kCorruption) and a newer version.
std::string PrintManifest(const Manifest& manifest);
Result<Manifest> ParseManifest(std::string_view text);

}  // namespace streamrun
