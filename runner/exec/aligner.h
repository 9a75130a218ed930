// The inputs of one node as one queue of events: picks the next channel, keeps the watermark minimum, aligns
// barriers, merges by ordinal where order is to be kept. The one place that knows how channels are combined.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/exec/channel.h"
#include "runner/exec/task.h"

namespace streamrun {

/// One edge end: a queue fed by a neighbour in this process, or a channel.
struct InEdge {
  int input = 0;
  InChannel* channel = nullptr;
  ChannelCounters counters;
  std::deque<Event> queue;
  bool ended = false;
  bool blocked = false;  // its barrier came, the others' did not
  bool idle = false;
  Timestamp watermark = kMinTimestamp;
  Ordinal next_ordinal = 0;

  /// A producer may push while this holds; one step of a producer adds at most a batch and a control event.
  bool HasRoom() const { return queue.size() < 4; }
};

class Aligner {
 public:
  /// `ordered`: batches come out by ascending ordinal over all edges.
  explicit Aligner(bool ordered) : ordered_(ordered) {}

  /// The edge lives as long as the aligner.
  InEdge* AddEdge(int input, int channel_id, InChannel* channel);

  struct Item {
    int input;
    Event event;
  };
  /// The next event for the node, or nothing for now. Watermark, Idle, Active, Barrier and EndOfStream come
  /// out once, combined over all edges; a watermark only when it advances.
  Result<std::optional<Item>> Next();

  const std::vector<std::unique_ptr<InEdge>>& edges() const { return edges_; }
  Timestamp watermark() const { return watermark_; }

 private:
  Status Receive();
  InEdge* Choose();
  InEdge* ChooseOrdered();
  std::optional<Event> Combine(InEdge& edge, const Event& event);
  std::optional<Event> AdvanceWatermark();
  std::optional<Event> CombineEnd();
  bool Aligned() const;
  Event ReleaseBarrier();

  bool ordered_;
  std::vector<std::unique_ptr<InEdge>> edges_;
  size_t turn_ = 0;
  Timestamp watermark_ = kMinTimestamp;
  Ordinal next_ordinal_ = 0;
  bool idle_ = false;
  std::optional<Barrier> barrier_;  // came on the blocked edges
  bool complete_ = true;
};

}  // namespace streamrun
