// Takes the epochs of a running pipeline: carries the coordinator's wishes to workers and disk, and their
// answers back.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "runner/checkpoint/checkpoint_directory.h"
#include "runner/checkpoint/coordinator.h"
#include "runner/checkpoint/epoch_room.h"
#include "runner/exec/dead_letter_files.h"
#include "runner/exec/state_fit.h"
#include "runner/local/local_plan.h"
#include "runner/process/control_message.h"
#include "runner/process/replay_orders.h"
#include "runner/process/savepoint_orders.h"

namespace streamrun {

/// Used by the supervisor's loop only.
class Checkpointer {
 public:
  /// `directory`: the pipeline's state directory, locked. `send` gives a message to every worker that runs.
  Checkpointer(Env* env, LocalPlanPtr plan, std::string directory, uint64_t generation,
               std::function<void(const ControlMessage&)> send);

  struct Choice {
    bool reset = false;   // forget all of them
    std::string restore;  // epoch or savepoint to go on from; empty: the newest epoch
    bool accept_duplicates = false;
    bool replay = false;  // a run that came to its end goes on for the orders that wait
    bool killed = false;  // the supervisor before this one did not leave by itself
  };
  /// Finds what earlier runs left and decides from where to go on; cuts the dead letters to it. kCorruption
  /// and kInvalidArgument: the state is refused, with what to do.
  Status Recover(const Choice& choice);
  /// Nothing is to be done: the last run came to its end, and its supervisor was killed before it could say
  /// so. Whoever starts it again means that run, not another.
  bool over() const { return over_; }
  /// For people: "goes on from epoch 12 of ..." or why it begins anew; empty at a first run.
  const std::string& start_note() const { return start_note_; }
  /// Unique mark of the state directory.
  const std::string& identity() const { return identity_; }
  /// The checkpoint that a region starts from; empty: from the beginning.
  std::string restore_directory() const;
  /// Names this run in the tokens of dead letters (Manifest::run).
  uint64_t run() const { return run_; }
  /// Workers that start apply orders to replay up to this one.
  uint64_t replay_to() const { return replays_.accepted(); }
  /// There is a replay order with this number now.
  void Replay(uint64_t number) { replays_.Add(*plan_->plan, number); }
  /// Before a region starts (again): dead letters of its rows that will be read again go.
  Status TrimLetters(const std::vector<int>& stages);

  void Tick(Timestamp now);
  Timestamp Deadline() const { return replays_.under_way() ? kMaxTimestamp : coordinator_->Deadline(); }
  /// An answer of a worker; others than PLACES, ACK, NACK and COMMITTED are none.
  void OnMessage(int stage, int instance, const ControlMessage& message, Timestamp now);
  void Back(const std::vector<int>& stages, Timestamp now);
  void Gone(const std::vector<int>& stages, Timestamp now);
  void Request(BarrierKind kind) { coordinator_->Request(kind); }
  /// Takes an epoch and copies it under the ticket's name; the ticket is answered when that is done.
  void Savepoint(SavepointTicketPtr ticket);

  /// The epoch of a stop or of the end is committed: the workers may leave.
  bool ended() const { return ended_; }
  /// The disk refused the decision: whether the epoch counts is unknown, so everything must end.
  const Status& failure() const { return failure_; }
  /// Newest epoch that counts, 0: none.
  uint64_t current() const { return current_ ? current_->epoch : 0; }
  /// Epochs given up in a row.
  int failed() const { return coordinator_->failed(); }
  Timestamp last_completed() const { return last_completed_; }
  Duration last_duration() const { return last_duration_; }
  /// Why no epoch is taken at present; empty: they are.
  const std::string& held_up() const { return held_up_; }

 private:
  int WorkerOf(int stage, int instance) const;
  Status LimitLetters();
  void Act(Timestamp now);
  void Do(const Coordinator::Action& action, Timestamp now);
  void Trigger(const Coordinator::Action& action, Timestamp now);
  void Decide(const Coordinator::Action& action, Timestamp now);
  void BeginReplay();
  void EndReplay();
  void Finish(const Coordinator::Action& action, Timestamp now);
  bool Admit(const Coordinator::Action& action, Timestamp now);
  void WarnGivenUp(uint64_t epoch, const std::string& why, Timestamp now);
  Status SettleReplays();
  Status FindIdentity();
  Status Find(const Choice& choice);
  std::optional<uint64_t> BegunRun() const;
  Result<std::vector<StateNote>> FitState(const std::string& directory, const Manifest& manifest) const;
  Status RestoreChosen(const Choice& choice);
  std::vector<KeptLetters> Kept() const;

  Env* env_;
  LocalPlanPtr plan_;
  const std::string directory_;
  const uint64_t generation_;
  std::function<void(const ControlMessage&)> send_;
  CheckpointDirectory disk_;
  EpochRoom room_;
  SavepointOrders savepoints_{&disk_};
  ReplayOrders replays_;
  std::set<int> running_;  // workers
  std::optional<Coordinator> coordinator_;
  std::deque<uint64_t> kept_replayed_;  // of the newest epochs of this process
  uint64_t settled_ = 0;                // orders up to this one were looked at
  std::string identity_;
  uint64_t run_ = 0;
  std::string start_note_;
  bool over_ = false;
  std::string restored_;             // what --restore chose
  std::optional<Manifest> current_;  // what a region would go on from
  std::optional<Manifest> base_;     // of the run before, which came to its end: its dead letters stay
  std::string given_up_;             // why the epoch under way was, as far as somebody said
  std::string held_up_;
  Timestamp next_warning_ = kMinTimestamp;  // that an epoch is given up
  std::map<int, Fragment> fragments_;       // of the epoch under way, by worker
  Timestamp began_ = 0;
  Timestamp last_completed_ = 0;  // wall clock
  Duration last_duration_ = 0;
  bool ended_ = false;
  Status failure_;
};

}  // namespace streamrun
