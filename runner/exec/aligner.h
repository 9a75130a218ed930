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
  bool ended = false;       // only barriers follow
  uint64_t blocked_at = 0;  // its barrier of this epoch came, the others' did not; 0: not blocked
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
  /// out once, combined over all edges; a watermark only when it advances. Barriers come behind EndOfStream,
  /// too: workers live on until the last epoch is committed.
  Result<std::optional<Item>> Next();

  /// The epoch was given up: whoever waits for its barriers goes on, and those still to come are left out.
  void Abort(uint64_t epoch);
  /// Goes on from a checkpoint: neither falls behind what it was then.
  void Restore(const Watermark& watermark) {
    watermark_ = watermark.time;
    next_ordinal_ = watermark.next_ordinal;
  }

  const std::vector<std::unique_ptr<InEdge>>& edges() const { return edges_; }
  Timestamp watermark() const { return watermark_; }
  Ordinal next_ordinal() const { return next_ordinal_; }
  bool idle() const { return idle_; }

 private:
  Status Receive();
  InEdge* Choose();
  InEdge* ChooseOrdered();
  std::optional<Event> Combine(InEdge& edge, const Event& event);
  std::optional<Event> AdvanceWatermark();
  std::optional<Event> CombineEnd();
  std::optional<Event> CombineBarrier(InEdge& edge, const Barrier& barrier);
  void Release(uint64_t epoch);

  bool ordered_;
  std::vector<std::unique_ptr<InEdge>> edges_;
  size_t turn_ = 0;
  Timestamp watermark_ = kMinTimestamp;
  Ordinal next_ordinal_ = 0;
  bool idle_ = false;
  uint64_t aborted_ = 0;  // barriers up to this epoch mean nothing
  bool complete_ = true;
};

}  // namespace streamrun
