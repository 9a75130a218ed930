// Stands before a source that may run ahead of the others by `max_drift` only, and tells them its own time.
#pragma once

#include <optional>
#include <string>

#include "core/base/env.h"
#include "runner/exec/time_board.h"

namespace streamrun {

class DriftGate {
 public:
  /// A closed gate is looked at again after this long: a board in shared memory wakes nobody.
  static constexpr Duration kLookAgain = 5 * kMillisecond;

  /// `board` may be null: then the gate is always open.
  DriftGate(TimeBoard* board, const Plan& plan, int node, int instance);

  /// The source's watermark and standing from here on.
  void Tell(Timestamp watermark, TimeBoard::Standing standing);
  /// Whether the source must not read now. An idle source waits too, so that it does not wake up far ahead;
  /// one that said no time yet never does.
  bool Closed(Timestamp monotonic_now);
  /// While closed: "waits for trades (event time 5m behind)".
  const std::string& reason() const { return reason_; }

 private:
  void Explain(const TimeBoard::Least& least, Timestamp now);

  TimeBoard* board_;
  const Plan& plan_;
  int node_;
  int instance_;
  std::optional<Duration> max_drift_;
  Timestamp watermark_ = kMinTimestamp;
  std::string reason_;
  Timestamp explain_again_ = kMinTimestamp;
};

}  // namespace streamrun
