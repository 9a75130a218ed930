#include "runner/process/replay_orders.h"

#include <algorithm>

#include "core/base/failpoint.h"
#include "core/base/logging.h"
#include "runner/exec/replay_rows.h"

namespace streamrun {

namespace {

enum class Ended : uint8_t { kNo, kInPart, kYes };

// Of its parts and instances.
Ended HasEnded(const Plan& plan, const Manifest& checkpoint, int node) {
  bool some = false, all = true;
  for (const Fragment& fragment : checkpoint.fragments) {
    for (const StoredNode& stored : fragment.nodes) {
      if (EnteredNode(plan, stored.snapshot.node) != node) continue;
      some = some || stored.snapshot.ended;
      all = all && stored.snapshot.ended;
    }
  }
  return !some ? Ended::kNo : all ? Ended::kYes : Ended::kInPart;
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
        HasEnded(plan, checkpoint, static_cast<int>(i)) != Ended::kYes) {
      continue;
    }
    return "node '" + node.name +
           "' has given its last results and keeps nothing with which they could be corrected; run the "
           "pipeline again from the beginning instead";
  }
  return {};
}

std::string ReplayDelay(const Plan& plan, const Manifest& checkpoint, const std::vector<std::string>& nodes) {
  if (std::none_of(plan.nodes.begin(), plan.nodes.end(),
                   [](const PlanNode& n) { return n.source && n.source->bounded; })) {
    return {};
  }
  for (const Plan::Path& path : plan.paths) {
    if (path.delivery == Delivery::kExactlyOnce) continue;
    return "its input has an end, and if a node came to it meanwhile, the restart would be seen: from '" +
           plan.node(path.source).name + "' to '" + plan.node(path.sink).name + "' it delivers " +
           std::string(DeliveryName(path.delivery));
  }
  for (const std::string& node : nodes) {
    if (HasEnded(plan, checkpoint, EnteredNode(plan, node)) == Ended::kNo) continue;
    return "node '" + node + "' has come to its end";
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

void ReplayOrders::Add(const Plan& plan, uint64_t number) {
  const auto orders = Above(std::max(accepted_, wanted_));
  Status status = orders.status();
  if (orders.ok()) {
    for (const ReplayOrder& order : *orders) {
      if (order.number > number || !status.ok()) continue;
      status = VerifyReplayOrder(env_, directory_, order.number);
      for (const std::string& node : order.nodes) {
        if (EnteredNode(plan, node) < 0) status = Status::InvalidArgument("there is no node '" + node + "'");
      }
      if (status.ok()) wanted_ = order.number;
    }
  }
  if (!status.ok())
    LogWarning("replay order " + std::to_string(number) + " is left alone: " + status.message());
}

void ReplayOrders::Choose(const Plan& plan, const Manifest& current) {
  const auto orders = Above(accepted_);
  Status status = orders.status();
  uint64_t chosen = accepted_;
  if (orders.ok()) {
    for (const ReplayOrder& order : *orders) {
      if (order.number > wanted_) break;
      const Result<bool> can = CanApply(plan, current, order);
      status = can.status();
      if (!can.ok() || !*can) break;
      chosen = order.number;
    }
  }
  wanted_ = chosen;
  if (!status.ok()) LogWarning("replay orders are left alone: " + status.message());
}

Result<bool> ReplayOrders::CanApply(const Plan& plan, const Manifest& current, const ReplayOrder& order) {
  if (const std::string why = ReplayObstacle(plan, current, order.nodes); !why.empty()) {
    LogWarning("replay " + NameOf(order) + " is dropped, its letters are open again: " + why);
    SR_RETURN_IF_ERROR(DropReplayOrder(env_, directory_, order.number));
    return true;  // a number without an order
  }
  if (const std::string why = ReplayDelay(plan, current, order.nodes); !why.empty()) {
    LogInfo("replay " + NameOf(order) + " waits for the next start: " + why);
    return false;
  }
  LogInfo("takes in replay " + NameOf(order));
  return true;
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
