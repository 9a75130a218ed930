// What enters one node of a task again: its share of the orders to replay that its state has not in it yet.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runner/exec/replay_order.h"

namespace streamrun {

class ReplayFeed {
 public:
  /// Whether a line is this instance's; `index` counts the lines of the node in its order.
  using Mine = std::function<bool(const ReplayLine& line, int64_t index)>;

  /// Orders up to `applied` are in the node's state. `names`: the node's, and what it was called before.
  ReplayFeed(Env* env, std::string state_directory, std::vector<std::string> names, uint64_t applied,
             Mine mine);

  /// Orders up to this one are to be applied, too.
  void Extend(uint64_t to) { to_ = std::max(to_, to); }
  bool waits() const { return applied_ < to_; }
  /// The greatest number up to which everything was given out.
  uint64_t applied() const { return applied_; }

  struct Lines {
    uint64_t order = 0;
    std::vector<ReplayLine> lines;
  };
  /// The next ones, all of one order, source and entry; none when the orders are at their end. Call while it
  /// waits.
  Result<Lines> Next();

 private:
  bool IsOurs(const std::string& node) const;
  Result<bool> OpenNext();
  Result<std::optional<ReplayLine>> NextLine();

  Env* env_;
  const std::string state_directory_;
  const std::vector<std::string> names_;
  const Mine mine_;
  uint64_t applied_;
  uint64_t to_;
  std::unique_ptr<ReplayReader> reader_;  // of order applied_ + 1 or a later one
  int64_t index_ = 0;
  std::optional<ReplayLine> ahead_;
};

}  // namespace streamrun
