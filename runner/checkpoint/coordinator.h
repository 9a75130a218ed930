// Who is asked for what, and when, to take an epoch (RELIABILITY 1.3): facts in, actions out, no I/O and no
// clock of its own, so that every interleaving can be tried.
//
//   kIdle -> kPlaces -> kAcks -> kDecided -> kCommitting -> kIdle
// A worker that goes, an error or the timeout before the decision gives the epoch up; after it the epoch will
// be committed, if need be by the workers that are restored from it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "runner/exec/task.h"

namespace streamrun {

struct CheckpointTimes {
  Duration interval = 10 * kSecond;  // from the end of one epoch to the next; kNever: only when asked
  Duration min_pause = 200 * kMillisecond;
  Duration timeout = 60 * kSecond;
  static constexpr Duration kNever = kMaxTimestamp;
};

class Coordinator {
 public:
  enum class Phase : uint8_t { kIdle, kPlaces, kAcks, kDecided, kCommitting };

  struct Action {
    enum class Kind : uint8_t {
      kTrigger,  // to all workers
      kBound,    // to all workers, `bounds`
      kAbort,    // to all workers; the temporary directory may go
      kDecide,   // write manifest and CURRENT, then Decided()
      kCommit,   // to all workers
      kFinish,   // every sink has committed: the marker
    };
    Kind kind;
    uint64_t epoch;
    BarrierKind barrier = BarrierKind::kPeriodic;
    std::vector<Task::Place> bounds;
  };

  /// `sources[w]`: worker w runs sources and answers with its places. Epochs are numbered from last_epoch + 1
  /// on. All workers count as away until Back.
  Coordinator(std::vector<bool> sources, uint64_t last_epoch, CheckpointTimes times);

  /// An epoch of this kind is wanted as soon as one can be taken; kStop wins over kFinal over the others. A
  /// worker that goes before kFinal is decided takes that wish with it.
  void Request(BarrierKind kind);

  // Facts. Those of an epoch that is over change nothing.
  void Tick(Timestamp now);
  void Back(int worker, Timestamp now);  // it runs; restored, it has committed the decided epoch
  void Gone(int worker, Timestamp now);
  void Places(int worker, uint64_t epoch, const std::vector<Task::Place>& places);
  void Ack(int worker, uint64_t epoch);
  void Nack(int worker, uint64_t epoch, Timestamp now);
  void Decided(uint64_t epoch, Timestamp now);
  /// The disk has no room to decide it, and it certainly was not.
  void NotDecided(uint64_t epoch, Timestamp now);
  void Committed(int worker, uint64_t epoch, Timestamp now);

  /// What to do now, in order.
  std::vector<Action> Take() { return std::exchange(actions_, {}); }
  /// When Tick wants to be called next.
  Timestamp Deadline() const;

  Phase phase() const { return phase_; }
  uint64_t epoch() const { return epoch_; }
  BarrierKind kind() const { return kind_; }
  /// Epochs in a row that were given up.
  int failed() const { return failed_; }

 private:
  void Begin(Timestamp now);
  void GiveUp(Timestamp now);
  void SendBounds();
  void CheckAcks();
  void CheckCommitted(Timestamp now);
  void EndAt(Timestamp now, Duration pause);

  const std::vector<bool> sources_;
  const CheckpointTimes times_;
  Phase phase_ = Phase::kIdle;
  uint64_t epoch_;
  BarrierKind kind_ = BarrierKind::kPeriodic;
  std::optional<BarrierKind> wanted_;
  std::set<int> away_;
  std::set<int> waiting_;  // kPlaces: sources; kCommitting: workers
  std::set<int> unacked_;
  std::vector<Task::Place> bounds_;
  Timestamp next_ = kMaxTimestamp;        // periodic epoch
  Timestamp not_before_ = kMinTimestamp;  // any epoch
  Timestamp give_up_ = kMaxTimestamp;
  int failed_ = 0;
  std::vector<Action> actions_;
};

}  // namespace streamrun
