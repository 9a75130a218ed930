// One node of a task: a component with its input queue, output ports and counters. The host's part of every
// component lives in this folder, once: sources in source_node, operators in operator_node, sinks in
// sink_node.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runner/exec/aligner.h"
#include "runner/exec/dead_letter_file.h"
#include "runner/exec/dead_letters.h"
#include "runner/exec/epoch.h"
#include "runner/exec/node_restore.h"
#include "runner/exec/partitioner.h"
#include "runner/exec/processing_clock.h"
#include "runner/exec/replay_feed.h"
#include "runner/exec/task.h"

namespace streamrun {

/// What nodes of one task share.
struct TaskShared {
  LocalPlanPtr plan;
  TaskOptions options;
  int stage = 0;
  int instance = 0;
  int parallelism = 1;
  std::unique_ptr<DeadLetterFile> dead_letters;
  std::unique_ptr<EpochProgress> epoch;
  /// By node of the plan: it had ended, but letters reach it that enter again. Empty: none.
  std::vector<bool> reopened;
  /// Processing time: never goes back, whatever the wall clock does.
  Timestamp ProcessingTime() { return clock_.Now(options.env); }
  /// What it was at the checkpoint.
  void RestoreProcessingTime(Timestamp time) { clock_.Restore(time); }

 private:
  ProcessingClock clock_;
};

class Node {
 public:
  Node(TaskShared& shared, const Stage::Member& member, bool ordered_input);
  virtual ~Node() = default;

  virtual Status Open() = 0;
  /// Does one piece of work. False: nothing to do, or no room for the result.
  virtual Result<bool> Step() = 0;
  /// The worker is about to sleep: hand out what is buffered.
  virtual Status OnIdle() { return Status::Ok(); }
  /// The worker woke up: what was not ready may be now.
  virtual void OnWake() {}
  /// Sources only: see Task.
  virtual std::optional<Task::Place> Trigger(const Barrier& barrier) {
    (void)barrier;
    return std::nullopt;
  }
  virtual void SetBound(Ordinal bound) { (void)bound; }
  virtual void Abort(uint64_t epoch) { aligner_.Abort(epoch); }
  /// The epoch is decided; True when there is nothing (more) to do for it. Called until then.
  virtual Result<bool> Commit(uint64_t epoch) {
    (void)epoch;
    return true;
  }
  /// After Open: sinks commit (again) what the restored epoch decided. True: nothing is left. Called until
  /// then.
  virtual Result<bool> CommitRestored() { return true; }
  /// Orders up to this one are to be applied before any other input.
  void Replay(uint64_t to) {
    if (replay_) replay_->Extend(to);
  }
  /// It has not taken in its share of them.
  virtual bool Replays() const { return replay_ && replay_->waits(); }
  virtual Status Failure() const { return Status::Ok(); }
  virtual void AddWait(WaitSpec& wait) { (void)wait; }
  virtual std::string Describe() const { return plan_node_.name; }
  /// A source that waits for others: "source bids: waits for ...". Else empty.
  virtual std::string Waits() const { return {}; }

  bool done() const { return done_; }
  int index() const { return member_.node; }
  const Stage::Member& member() const { return member_; }
  const PlanNode& plan_node() const { return plan_node_; }
  virtual NodeCounters Counters() const;
  Aligner& aligner() { return aligner_; }
  const Aligner& aligner() const { return aligner_; }

  void WirePort(int port, InEdge* edge);
  void WirePort(int port, Partitioner* partitioner);

 protected:
  struct Target {
    InEdge* local;
    Partitioner* remote;
  };

  bool OutputsHaveRoom() const;
  Status Send(int port, const Event& event);
  Status SendRows(int port, const BatchPtr& batch, Ordinal ordinal);
  /// Control events go to every port.
  Status SendAll(const Event& event);
  /// Leads the letters of this step to the errors port, the dead-letter file, or nowhere (on_error: drop).
  Status DeliverLetters();
  /// `port`: the error port that the letters would have left by.
  Status Deliver(const BatchPtr& letters, int port);
  /// For on_error: fail.
  Status FailureStatus(const BatchPtr& letters) const;

  /// What this node was in the restored checkpoint; nothing when it begins anew. Called once, in Open.
  const NodeRestore* Restored();
  /// After a restore the node tells downstream again what it had told: event time, and its end. True when
  /// there was something to say and room for it; it is done before anything else.
  Result<bool> Announce();
  /// What Announce sends as the node's event time.
  virtual Watermark Told() const { return {aligner_.watermark(), aligner_.next_ordinal()}; }
  /// The barrier passes: the node's state is taken, then it is sent on.
  Status Pass(const Barrier& barrier);
  virtual Result<NodeSnapshot> Snapshot(uint64_t epoch);
  /// A node that has ended only passes barriers on.
  Result<bool> StepEnded();

  // Letters that enter again, for nodes that rows of the plan enter: OpenReplay in Open, behind Restored;
  // then StepReplay before anything else is taken, while Replays().
  void OpenReplay();
  Result<bool> StepReplay();
  /// A node that has ended can take in nothing; an error when something was to be.
  Status RefuseReplay();
  /// Takes in rows (or records) of one input and source.
  virtual Status TakeIn(const std::vector<ReplayLine>& lines);
  /// The same, as rows that came by that input.
  virtual Status Enter(int input, const BatchPtr& rows);
  /// Letters from now on are those of rows that this order took in; 0: of others.
  virtual void SetReplay(uint64_t order) { letters_.set_replay(order); }

  TaskShared& shared_;
  const Stage::Member member_;
  const PlanNode& plan_node_;
  Aligner aligner_;
  std::vector<std::vector<Target>> targets_;  // by port
  LetterBuilder letters_;
  NodeCounters counters_;
  bool done_ = false;     // its end was sent
  bool complete_ = true;  // and no input had been cut short
  bool announce_ = false;
  uint64_t passed_ = 0;  // newest epoch whose barrier it has passed

 private:
  bool IsMine(const ReplayLine& line, int64_t index) const;
  bool DealsByKey(int input) const;
  Selection OwnRows(int input, const Batch& rows) const;

  std::unique_ptr<ReplayFeed> replay_;  // null: nothing enters this part of the node
  std::unique_ptr<NodeRestore> restore_;
};

/// Adds the time a component spends to its counter.
class BusyTimer {
 public:
  BusyTimer(Env* env, int64_t* total) : env_(env), total_(total), begin_(env->MonotonicNow()) {}
  ~BusyTimer() { *total_ += env_->MonotonicNow() - begin_; }
  BusyTimer(const BusyTimer&) = delete;
  BusyTimer& operator=(const BusyTimer&) = delete;

 private:
  Env* env_;
  int64_t* total_;
  Timestamp begin_;
};

std::unique_ptr<Node> MakeSourceNode(TaskShared& shared, const Stage::Member& member);
std::unique_ptr<Node> MakeOperatorNode(TaskShared& shared, const Stage::Member& member, bool ordered_input);
std::unique_ptr<Node> MakeEncodeNode(TaskShared& shared, const Stage::Member& member, bool ordered_input);
std::unique_ptr<Node> MakeWriteNode(TaskShared& shared, const Stage::Member& member, bool ordered_input);
std::unique_ptr<Node> MakeRowSinkNode(TaskShared& shared, const Stage::Member& member, bool ordered_input);

}  // namespace streamrun
