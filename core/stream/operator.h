// The contract of an operator: rows in, rows out, never blocking.
//
// The host (runner/exec) owns everything around the call: threads, barriers, alignment, watermark minimum,
// retries of nothing, metrics, error routing. An operator only computes. One instance serves one worker and
// is called by that worker's data thread alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/data/batch.h"
#include "core/data/row_failure.h"
#include "core/data/selection.h"
#include "core/stream/event.h"
#include "core/stream/fate.h"
#include "core/stream/state_table.h"

namespace streamrun {

/// What a call leaves behind.
enum class Outcome : uint8_t {
  kNeedInput,  // done with what it was given
  kHaveMore,   // call Continue (after the output was taken) before the next event
  kDone,       // wants no more input, ever (a satisfied limit); what it emitted still goes out
};

/// Where a node puts results. At most one batch per port and call.
class Output {
 public:
  virtual ~Output() = default;

  /// Puts a batch on port number `port` (order of the definition's ports). Empty batches are ignored.
  virtual void Emit(int port, BatchPtr batch) = 0;
  /// Rows that leave by `errors` (or the dead-letter file). Each counts as kDeadLettered; do not count it
  /// again.
  virtual void Fail(const BatchPtr& input, std::vector<RowFailure> failures) = 0;
  /// Rows that the node made itself and cannot give (an aggregate that overflowed): they leave by `errors`
  /// too.
  virtual void FailResult(const BatchPtr& rows, std::vector<RowFailure> failures) = 0;
  /// `rows` input rows had this fate. Forwarded rows need no call: they are what remains of the input.
  virtual void Count(Fate fate, int64_t rows) = 0;

  static constexpr int kOk = 0;
};

/// What the host offers an operator for its whole life.
struct OperatorContext {
  Env* env = nullptr;
  /// Which of how many parallel instances this is.
  int instance = 0;
  int parallelism = 1;
  /// A directory of this instance alone for files that need not outlive it; not made yet. What an earlier
  /// run left there may be removed. Empty: there is none.
  std::string scratch_directory;
  /// Per output port and column: does anyone downstream read it? Null: all are read. Lives as long as the
  /// context.
  const std::vector<std::vector<bool>>* wanted = nullptr;
  /// State to be accounted, saved and restored by the host; it lives as long as the operator.
  virtual void Keep(StateTable* table) { (void)table; }
  /// Processing time: max(previous, now), virtual in tests.
  virtual Timestamp ProcessingTime() = 0;
  virtual ~OperatorContext() = default;
};

class Operator {
 public:
  virtual ~Operator() = default;

  /// Before the first event, after state was restored. `context` outlives the operator. May read files.
  virtual Status Open(OperatorContext& context) {
    (void)context;
    return Status::Ok();
  }
  /// Rows on input number `input` (order of the pipeline's `input` list). Never more than one batch is under
  /// way. An error Status is a failure of the node, not of a row: it ends the region.
  virtual Result<Outcome> Process(int input, const BatchPtr& batch, Output& out) = 0;
  /// After kHaveMore.
  virtual Result<Outcome> Continue(Output& out) {
    (void)out;
    return Outcome::kNeedInput;
  }
  /// The node's event time advanced to `time` (least of its active inputs; never goes back).
  virtual Result<Outcome> OnWatermark(Timestamp time, Output& out) {
    (void)time;
    (void)out;
    return Outcome::kNeedInput;
  }
  /// What to tell downstream when the node's event time is `input`; a windowed node holds it back. Called
  /// after OnWatermark has finished.
  virtual Timestamp OutputWatermark(Timestamp input) const { return input; }
  /// A barrier: gives out what it only gathered and does not keep (rows that wait for company). Its kept
  /// state is saved after it returned kNeedInput.
  virtual Result<Outcome> OnBarrier(Output& out) {
    (void)out;
    return Outcome::kNeedInput;
  }
  /// All inputs ended; `complete` is false on a stop before the end. Last chance to emit.
  virtual Result<Outcome> OnEndOfStream(bool complete, Output& out) {
    (void)complete;
    (void)out;
    return Outcome::kNeedInput;
  }
  /// Processing time at which OnTimer should run (may run later), or kMaxTimestamp. Asked after every call.
  virtual Timestamp NextTimer() const { return kMaxTimestamp; }
  virtual Result<Outcome> OnTimer(Timestamp now, Output& out) {
    (void)now;
    (void)out;
    return Outcome::kNeedInput;
  }
};

}  // namespace streamrun
