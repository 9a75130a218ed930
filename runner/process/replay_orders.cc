#include "runner/process/replay_orders.h"

#include <algorithm>

#include "core/base/failpoint.h"
#include "core/base/logging.h"
#include "runner/exec/replay_rows.h"

namespace streamrun {

namespace {

bool HasEnded(const Plan& plan, const Manifest& checkpoint, int node) {
  bool found = false;
  for (const Fragment& fragment : checkpoint.fragments) {
    for (const StoredNode& stored : fragment.nodes) {
      if (EnteredNode(plan, stored.snapshot.node) != node) continue;
      if (!stored.snapshot.ended) return false;
      found = true;
    }
  }
  return found;
}

}  // namespace

std::string ReplayObstacle(const Plan& plan, const Manifest& checkpoint,
                           const std::vector<std::string>& nodes) {
  for (const std::string& node : nodes) {
    if (EnteredNode(plan, node) < 0) return "the pipeline has no node '" + node + "' any more";
  }
  const std::vector<bool> reached = ReachedNodes(plan, nodes);
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const PlanNode& node = plan.nodes[i];
    if (!reached[i] || !node.op || node.op->states.empty() ||
        !HasEnded(plan, checkpoint, static_cast<int>(i)))
      continue;
    return "node '" + node.name +
           "' has given its last results and keeps nothing with which they could be corrected; run the "
           "pipeline again from the beginning instead";
  }
  return {};
}

std::string NameOf(const ReplayOrder& order) {
  std::string nodes;
  for (const std::string& node : order.nodes) nodes += (nodes.empty() ? "'" : ", '") + node + "'";
  return "order " + std::to_string(order.number) + " (" + std::to_string(order.rows) +
         (order.rows == 1 ? " dead letter of " : " dead letters of ") + nodes + ")";
}

Result<std::vector<ReplayOrder>> ReplayOrders::Above(uint64_t applied) const {
  SR_ASSIGN_OR_RETURN(std::vector<ReplayOrder> orders, ListReplayOrders(env_, directory_));
  std::erase_if(orders, [&](const ReplayOrder& order) { return order.number <= applied; });
  return orders;
}

Status ReplayOrders::GoOn(const Plan& plan, const Manifest& current) {
  applied_ = current.replayed;
  SR_ASSIGN_OR_RETURN(const std::vector<ReplayOrder> orders, Above(applied_));
  for (const ReplayOrder& order : orders) {
    SR_RETURN_IF_ERROR(VerifyReplayOrder(env_, directory_, order.number));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("replay.found"));
    if (const std::string why = ReplayObstacle(plan, current, order.nodes); !why.empty()) {
      LogWarning("replay " + NameOf(order) + " is dropped, its letters are open again: " + why);
      SR_RETURN_IF_ERROR(DropReplayOrder(env_, directory_, order.number));
      continue;
    }
    LogInfo("takes in replay " + NameOf(order));
    applied_ = order.number;
  }
  accepted_ = wanted_ = applied_;
  return Status::Ok();
}

Status ReplayOrders::DropAbove(uint64_t applied, const std::string& why) {
  SR_ASSIGN_OR_RETURN(const std::vector<ReplayOrder> orders, Above(applied));
  for (const ReplayOrder& order : orders) {
    LogWarning("replay " + NameOf(order) + " is dropped: " + why);
    SR_RETURN_IF_ERROR(DropReplayOrder(env_, directory_, order.number));
  }
  // No order gets a number again that an earlier one had.
  SR_ASSIGN_OR_RETURN(const uint64_t next, NextReplayNumber(env_, directory_));
  applied_ = accepted_ = wanted_ = std::max(applied, next - 1);
  return Status::Ok();
}

Status ReplayOrders::Settle(uint64_t replayed, uint64_t run) {
  SR_ASSIGN_OR_RETURN(const std::vector<ReplayOrder> orders, ListReplayOrders(env_, directory_));
  for (const ReplayOrder& order : orders) {
    if (order.number > replayed) break;
    SR_RETURN_IF_ERROR(SR_FAILPOINT("replay.settle"));
    const bool last = order.number == orders.back().number;  // the next number is found from it
    if (order.epoch <= run && !last) {
      SR_RETURN_IF_ERROR(RemoveReplayOrder(env_, directory_, order.number));
    } else if (!order.settled) {
      SR_RETURN_IF_ERROR(SettleReplayOrder(env_, directory_, order.number));
    }
  }
  return orders.empty() ? Status::Ok() : RemoveDroppedOrders(env_, directory_);
}

void ReplayOrders::Add(const Plan& plan, uint64_t number, bool live) {
  const auto orders = Above(std::max(accepted_, wanted_));
  Status status = orders.status();
  if (orders.ok()) {
    for (const ReplayOrder& order : *orders) {
      if (order.number > number || !status.ok()) continue;
      status = VerifyReplayOrder(env_, directory_, order.number);
      for (const std::string& node : order.nodes) {
        if (EnteredNode(plan, node) < 0) status = Status::InvalidArgument("there is no node '" + node + "'");
      }
      if (!status.ok()) break;
      if (!live) {
        LogInfo("replay " + NameOf(order) +
                " waits for the next start: this pipeline comes to its end by itself");
        continue;
      }
      LogInfo("takes in replay " + NameOf(order));
      wanted_ = order.number;
    }
  }
  if (!status.ok())
    LogWarning("replay order " + std::to_string(number) + " is left alone: " + status.message());
}

uint64_t ReplayOrders::Begin(const std::set<int>& workers) {
  accepted_ = wanted_;
  unanswered_ = workers;
  return accepted_;
}

bool ReplayOrders::Answered(int worker, uint64_t number) {
  if (number != accepted_ || unanswered_.erase(worker) == 0) return false;
  return Finish();
}

bool ReplayOrders::Gone(int worker) { return unanswered_.erase(worker) > 0 && Finish(); }

bool ReplayOrders::Finish() {
  if (!unanswered_.empty()) return false;
  applied_ = accepted_;
  return true;
}

}  // namespace streamrun
