// What the rows of a source say about time: how far they have come, and the watermark behind them.
#pragma once

#include <optional>
#include <vector>

#include "core/base/env.h"
#include "core/stream/event.h"
#include "core/stream/projection.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// Used by the data thread. Times of the wall clock come in as arguments: whoever asks knows it.
class SourceClock {
 public:
  /// How often a watermark that follows the wall clock is told when no rows come.
  static constexpr Duration kTick = 200 * kMillisecond;

  /// `settings` outlives this.
  explicit SourceClock(const EventTime& settings) : settings_(settings) {}
  /// Before the first row.
  void Open(Env* env);
  /// Goes on where a checkpoint says; `latest` as of then.
  void Restore(const Watermark& told, Timestamp latest);

  /// The source has event time at all.
  bool tells() const { return settings_.column >= 0; }
  /// Its watermark follows the wall clock.
  bool by_wall_clock() const { return tells() && settings_.clock == EventTime::Clock::kProcessing; }

  /// Takes the times of a batch of a source that tells. Rows without a usable one: their failures, ascending.
  std::vector<RowFailure> Read(const Batch& batch, Timestamp wall);
  /// The connector says so itself.
  void Say(Timestamp watermark) { said_ = watermark; }
  /// Rows were sent on: the next watermark goes out however little it is.
  void NoteRows() { rows_came_ = true; }
  /// The watermark to tell now, `next` the ordinal below which nothing comes any more; nothing: there is no
  /// news.
  std::optional<Watermark> Advance(Timestamp wall, Ordinal next);

  /// The watermark that was told last.
  const Watermark& told() const { return told_; }
  /// Greatest time of a row.
  Timestamp latest() const { return latest_; }

 private:
  void ReadPunctuation(const Batch& batch, std::vector<RowFailure>* failures);

  const EventTime& settings_;
  std::optional<Evaluator> punctuation_;
  Timestamp latest_ = kMinTimestamp;
  std::optional<Timestamp> said_;
  Watermark told_;
  bool rows_came_ = false;  // since the last watermark
};

}  // namespace streamrun
