// Which orders to replay dead letters the pipeline takes in, and when: at its start before any other input,
// while it runs between two epochs.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "runner/checkpoint/manifest.h"
#include "runner/exec/replay_order.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// Why `nodes` cannot take rows in when a run of `plan` goes on from this checkpoint; empty: they can. A node
/// that has given its last results keeps nothing with which they could be corrected.
std::string ReplayObstacle(const Plan& plan, const Manifest& checkpoint,
                           const std::vector<std::string>& nodes);
/// Why a running pipeline leaves letters of `nodes` for its next start, `checkpoint` being its newest one;
/// empty: it takes them in. A node that has come to its end takes in nothing before it starts again; one that
/// ends while they are on their way costs a restart of its region, so there must be nobody who would notice.
std::string ReplayDelay(const Plan& plan, const Manifest& checkpoint, const std::vector<std::string>& nodes);
/// "order 3 (12 dead letters of 'checked', 'out')".
std::string NameOf(const ReplayOrder& order);

/// Used by the supervisor's loop only. Each order is applied by all workers between the same two epochs, so
/// that one number in a checkpoint says which of them its state has in it.
class ReplayOrders {
 public:
  ReplayOrders(Env* env, std::string state_directory) : env_(env), directory_(std::move(state_directory)) {}

  /// Orders above `applied` that are on disk.
  Result<std::vector<ReplayOrder>> Above(uint64_t applied) const;
  /// The run goes on from `current`: what is not in its state will be. Orders that cannot be applied are
  /// dropped with a warning. kCorruption: one is damaged.
  Status GoOn(const Plan& plan, const Manifest& current);
  /// None of those above `applied` can be meant for what comes now; `why` is for the warning.
  Status DropAbove(uint64_t applied, const std::string& why);

  /// No checkpoint that is kept has applied less than order `replayed`, none is of a run that began before
  /// epoch `run`. Of orders that none of them could apply again only the tokens stay; those whose letters are
  /// of earlier runs go.
  Status Settle(uint64_t replayed, uint64_t run);

  /// Workers that start apply orders up to this one.
  uint64_t accepted() const { return accepted_; }
  /// What an epoch that begins now has in it.
  uint64_t applied() const { return applied_; }

  /// There is an order with this number now.
  void Add(const Plan& plan, uint64_t number);
  /// Of the orders that are wanted those are left that can be applied now, `current` being what a restart
  /// would go back to: one that never can be is dropped, one that has to wait is left alone, with those
  /// behind it. Both are said.
  void Choose(const Plan& plan, const Manifest& current);
  /// It is to be told to all workers, which all run and have no epoch under way.
  bool wanted() const { return wanted_ > accepted_; }
  uint64_t Begin(const std::set<int>& workers);
  /// No epoch may begin: some workers have applied it, others have not yet.
  bool under_way() const { return !unanswered_.empty(); }
  /// `worker` has applied orders up to this one, or it is gone and will when it starts again. True: all have.
  bool Answered(int worker, uint64_t number);
  bool Gone(int worker);

 private:
  Result<bool> CanApply(const Plan& plan, const Manifest& current, const ReplayOrder& order);
  bool Finish();

  Env* env_;
  const std::string directory_;
  uint64_t applied_ = 0;
  uint64_t accepted_ = 0;
  uint64_t wanted_ = 0;
  std::set<int> unanswered_;
};

}  // namespace streamrun
