// How far in event time every source of a pipeline is, side by side, so that one that runs ahead can wait for
// the others (max_drift; Flink's alignment of watermarks, FLIP-182).
//
// Workers are processes: the cells lie in memory that all of them map (runner/process/shared_time_board.h),
// or in the board's own where one process runs everything. A cell has one writer, the source instance it
// belongs to; readers need no lock. Sources without event time have no cells: nobody waits for them.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "core/base/time.h"
#include "runner/local/local_plan.h"

namespace streamrun {

/// A source instance on the board. Memory of zeros is a cell of an instance that has not started.
struct alignas(64) TimeCell {  // a cache line each: others write theirs at the same time
  enum class Standing : uint32_t {
    kNotStarted,  // holds everybody: what it will read may be as old as anything
    kActive,
    kIdle,   // holds nobody until it is active again
    kEnded,  // holds nobody
  };
  /// Stored before `standing`, loaded behind it: who sees "active" sees no time from before that. Meaningless
  /// while kNotStarted.
  std::atomic<Timestamp> watermark{0};
  std::atomic<Standing> standing{Standing::kNotStarted};
};
static_assert(std::atomic<Timestamp>::is_always_lock_free && sizeof(TimeCell) == 64);

class TimeBoard {
 public:
  using Standing = TimeCell::Standing;

  /// In memory of its own.
  explicit TimeBoard(const LocalPlan& plan);
  /// Over `cells`: CellsOf(plan) of them, which outlive the board.
  TimeBoard(const LocalPlan& plan, TimeCell* cells);
  TimeBoard(const TimeBoard&) = delete;
  TimeBoard& operator=(const TimeBoard&) = delete;

  static size_t CellsOf(const LocalPlan& plan);

  /// By the instance itself. A source without event time has no say.
  void Tell(int node, int instance, Timestamp watermark, Standing standing);
  /// Before a new attempt of `stage`, while none of its workers lives: its sources have not started.
  void Reset(int stage);

  /// Whoever holds the others back most.
  struct Least {
    int node = -1;  // -1: nobody holds anybody
    Timestamp watermark = kMaxTimestamp;
    bool started = true;
  };
  /// Over the sources other than `node`: parallel instances of one source share one input and may depend on
  /// each other's rows, so they do not wait for each other.
  Least LeastBeside(int node) const;

 private:
  struct Place {
    int node;
    int stage;
    int instance;
  };
  static std::vector<Place> PlacesOf(const LocalPlan& plan);

  std::vector<Place> places_;  // of the cells, in their order
  std::unique_ptr<TimeCell[]> own_;
  TimeCell* cells_;
};

}  // namespace streamrun
