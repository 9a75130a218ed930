#include "runner/exec/source_clock.h"

#include <algorithm>
#include <utility>

namespace streamrun {

void SourceClock::Open(Env* env) {
  if (settings_.punctuation) punctuation_.emplace(settings_.punctuation, env);
}

void SourceClock::Restore(const Watermark& told, Timestamp latest) {
  told_ = told;
  latest_ = latest;
}

std::vector<RowFailure> SourceClock::Read(const Batch& batch, Timestamp wall) {
  const Column& times = *batch.column(settings_.column);
  const int64_t* values = times.values<int64_t>();
  const Timestamp limit = wall + settings_.max_future;
  std::vector<RowFailure> failures;
  Timestamp latest = latest_;
  for (int64_t i = 0; i < batch.rows(); ++i) {
    if (times.IsNull(i)) {
      failures.push_back({static_cast<uint32_t>(i), "event_time.missing", "the row has no event time"});
    } else if (values[i] > limit) {
      failures.push_back({static_cast<uint32_t>(i), "event_time.future",
                          "the event time is further in the future than max_future allows"});
    } else {
      latest = std::max(latest, values[i]);
    }
  }
  if (punctuation_) {
    ReadPunctuation(batch, &failures);
  } else {
    latest_ = latest;
  }
  return failures;
}

// The greatest value of the batch is the watermark behind it. Rows that failed already say nothing.
void SourceClock::ReadPunctuation(const Batch& batch, std::vector<RowFailure>* failures) {
  std::vector<RowFailure> more;
  const ColumnPtr times = punctuation_->Evaluate(batch.columns(), batch.rows(), &more);
  MergeFailures(std::move(more), failures);
  for (const uint32_t row : RowsWithout(batch.rows(), *failures)) {
    if (times->IsNull(row)) continue;
    said_ = std::max(said_.value_or(kMinTimestamp), times->values<int64_t>()[row]);
  }
}

std::optional<Watermark> SourceClock::Advance(Timestamp wall, Ordinal next) {
  Watermark now = told_;
  const Timestamp latest = by_wall_clock() ? wall : latest_;
  if (tells() && latest != kMinTimestamp) {
    // One microsecond less: a row with exactly latest - out_of_order is still in time.
    now.time = std::max(now.time, latest - settings_.out_of_order - 1);
  }
  // The wall clock alone is told now and then, or the worker would never sleep.
  const bool fresh = std::exchange(rows_came_, false);
  if (by_wall_clock() && !fresh && now.time < told_.time + kTick && told_.time != kMinTimestamp) {
    now.time = told_.time;
  }
  if (said_) now.time = std::max(now.time, *said_);
  now.next_ordinal = std::max(now.next_ordinal, next);
  if (now.time == told_.time && now.next_ordinal == told_.next_ordinal) return std::nullopt;
  return told_ = now;
}

}  // namespace streamrun
