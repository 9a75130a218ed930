// The epoch under way in one task: nodes pass its barrier one by one, and what they were there is put
// together.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "runner/exec/dead_letter_file.h"
#include "runner/exec/snapshot.h"

namespace streamrun {

class EpochProgress {
 public:
  /// `letters` may be null; it outlives this.
  EpochProgress(int stage, int instance, uint64_t attempt, DeadLetterFile* letters)
      : letters_(letters), stage_(stage), instance_(instance), attempt_(attempt) {}

  void set_nodes(size_t nodes) { nodes_ = nodes; }

  /// A node passed the barrier. Those of an epoch that was given up are forgotten.
  /// `received`: counters of its channels.
  Status Pass(const Barrier& barrier, NodeSnapshot node, const std::vector<ChannelCounters>& received);
  /// Letters of a node that has passed barrier `passed` (0: none yet). What comes from behind a barrier that
  /// others have still to pass belongs to the next epoch and waits.
  Status WriteLetters(const BatchPtr& letters, uint64_t passed);
  Status Abort(uint64_t epoch);
  std::optional<TaskSnapshot> Take() { return std::exchange(complete_, std::nullopt); }

 private:
  Status Complete();
  Status WriteHeld();

  DeadLetterFile* letters_;
  const int stage_;
  const int instance_;
  const uint64_t attempt_;
  size_t nodes_ = 0;
  TaskSnapshot building_;  // epoch 0: none
  std::optional<TaskSnapshot> complete_;
  std::vector<BatchPtr> held_;
};

}  // namespace streamrun
