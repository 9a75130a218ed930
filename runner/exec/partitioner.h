// The sending end of an edge: spreads events over its channels, gathers small batches, holds what a full
// channel did not take.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/env.h"
#include "core/expr/expression.h"
#include "runner/exec/channel.h"
#include "runner/exec/key_group.h"
#include "runner/exec/task.h"

namespace streamrun {

/// Hash of each row's key; KeyGroups says its key group. A row whose key cannot be computed goes
/// where any one instance sees it: that one computes the same key and fails the row there.
void HashKeys(std::vector<Evaluator>& keys, const Batch& batch, std::vector<uint64_t>* hashes);

class Partitioner {
 public:
  /// `keys`: for kHash, over the edge's schema.
  Partitioner(const LocalEdge& edge, const std::vector<ExpressionPtr>& keys, KeyGroups groups,
              Duration linger, Env* env);

  void AddChannel(int channel_id, OutChannel* channel);

  /// While false, push nothing: some channel is full.
  bool HasRoom() const;
  Status Push(const Event& event);
  /// Tries to send what is ready; with `everything` also what waits for company.
  Status Send(bool everything);
  /// Nothing is held back any more.
  bool Empty() const;
  /// Some channel refused an event and has not taken it since.
  bool Blocked() const;
  /// MonotonicNow() at which waiting rows have waited `linger`.
  Timestamp Deadline() const;
  const LocalEdge& edge() const { return edge_; }
  void AppendCounters(std::vector<ChannelCounters>* out) const;
  /// Counts on from what the receiver of a channel had counted at a checkpoint.
  void RestoreCounters(const ChannelCounters& received);

 private:
  struct Lane {
    OutChannel* channel;
    ChannelCounters counters;
    std::vector<Event> gathered;  // Rows or Encoded of one ordinal
    size_t gathered_bytes = 0;
    Timestamp gathered_since = 0;
    std::optional<Watermark> watermark;  // behind what is gathered
    std::deque<Event> ready;
    Timestamp full_since = 0;  // 0 = not full
  };

  Status PushRows(const Rows& rows);
  size_t LaneOf(uint64_t group) const { return groups_.InstanceOfGroup(group, lanes_.size()); }
  /// The lane that a whole batch goes to.
  size_t Deal(const Rows& rows);
  void Gather(Lane& lane, Event event, size_t bytes, Ordinal ordinal);
  void Seal(Lane& lane);
  Status SendLane(Lane& lane);

  const LocalEdge& edge_;
  std::vector<Evaluator> keys_;
  KeyGroups groups_;
  Duration linger_;
  Env* env_;
  std::vector<Lane> lanes_;
  std::vector<int64_t> group_rows_;  // kHash: rows by key group
  size_t turn_ = 0;
  // kLeastLoaded: batches of one ordinal stay together.
  Ordinal dealt_ordinal_ = kNoOrdinal;
  size_t dealt_to_ = 0;
};

}  // namespace streamrun
