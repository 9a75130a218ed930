// What only the whole graph shows: clashes, unwired ports, used columns, and what each path can promise.
#include <algorithm>
#include <map>

#include "runner/plan/draft.h"

namespace streamrun {

namespace {

// A source waits for others only.
void CheckDrift(Draft& draft) {
  const auto tells_time = [](const DraftNode& n) { return n.bound && n.node.event_time.column >= 0; };
  if (std::count_if(draft.nodes.begin(), draft.nodes.end(), tells_time) != 1) return;
  for (const DraftNode& node : draft.nodes) {
    if (!tells_time(node) || !node.node.event_time.max_drift) continue;
    draft.diagnostics.WarningAt(
        node.common.event_time["max_drift"], "event_time.drift_alone",
        "max_drift has no effect: '" + node.node.name + "' is the only source with event time",
        "leave it out, or give the other sources an event_time");
  }
}

void ReportShared(Draft& draft, const DraftNode& node, const DraftNode& first, const std::string& what) {
  draft.diagnostics.ErrorAt(node.name, "plan.shared_resource",
                            "'" + node.node.name + "' and '" + first.node.name + "' (line " +
                                std::to_string(first.name.mark().line) + ") " + what,
                            node.node.sink
                                ? "only one node can hold it: change one, or lead both inputs into one sink"
                                : "only one node can hold it: change one");
}

// What only one node may hold, and places of two sinks that differ in name and may still be one.
void CheckExclusive(Draft& draft) {
  std::map<std::string, const DraftNode*> holders;
  for (const DraftNode& node : draft.nodes) {
    if (!node.bound) continue;
    const std::string& exclusive = node.node.sink     ? node.node.sink->exclusive
                                   : node.node.source ? node.node.source->exclusive
                                                      : std::string();
    if (exclusive.empty()) continue;
    if (node.node.sink) {
      for (const auto& [held, other] : holders) {
        const BoundSink* sink = other->node.sink.get();
        if (sink == nullptr || held == exclusive) continue;
        if (!node.node.sink->Overlaps(*sink) && !sink->Overlaps(*node.node.sink)) continue;
        std::string both = "may want one file: ";
        both.append(held).append(" and ").append(exclusive);
        ReportShared(draft, node, *other, both);
      }
    }
    const auto [it, first] = holders.emplace(exclusive, &node);
    if (!first) ReportShared(draft, node, *it->second, "both want " + exclusive);
  }
}

}  // namespace

void CheckWiring(Draft& draft) {
  Diagnostics& d = draft.diagnostics;
  CheckExclusive(draft);
  CheckDrift(draft);
  // By name, so that a node with an error of its own does not make its inputs look unwired.
  for (const DraftNode& node : draft.nodes) {
    for (const DraftInput& input : node.inputs) {
      if (input.node < 0) continue;
      PlanNode& from = draft.nodes[static_cast<size_t>(input.node)].node;
      for (size_t port = 0; port < from.wired.size(); ++port) {
        if (input.port_name.empty() ? port == 0 : from.ports[port].name == input.port_name)
          from.wired[port] = true;
      }
    }
  }
  for (const DraftNode& node : draft.nodes) {
    if (!node.bound) continue;
    for (size_t port = 0; port < node.node.ports.size(); ++port) {
      const PortSpec& spec = node.node.ports[port];
      if (node.node.wired[port] || spec.role == PortRole::kSide) continue;
      if (spec.role == PortRole::kError) {
        if (node.on_error_written || draft.on_error_written) continue;
        d.WarningAt(
            node.name, "plan.unwired_errors",
            "rows that fail in '" + node.node.name + "' go to the dead-letter file: its port '" + spec.name +
                "' is not wired",
            "wire " + node.node.name + "." + spec.name + ", or write on_error: dead_letter | drop | fail");
      } else if (port > 0 ||
                 std::find(node.node.wired.begin(), node.node.wired.end(), true) != node.node.wired.end()) {
        d.WarningAt(node.name, "plan.unwired_port",
                    "rows on port '" + spec.name + "' of '" + node.node.name + "' go nowhere",
                    "wire " + node.node.name + "." + spec.name + ", or do not produce them");
      }
    }
  }
}

void FindUsedColumns(Draft& draft) {
  for (DraftNode& node : draft.nodes) {
    node.node.wanted.clear();
    for (size_t port = 0; port < node.node.outputs.size(); ++port) {
      const bool letters = static_cast<int>(port) == node.node.errors_port;
      node.node.wanted.emplace_back(static_cast<size_t>(node.node.outputs[port]->size()), letters);
    }
  }
  for (auto it = draft.order.rbegin(); it != draft.order.rend(); ++it) {
    PlanNode& node = draft.nodes[static_cast<size_t>(*it)].node;
    if (node.source && node.event_time.column >= 0) {
      node.wanted[0][static_cast<size_t>(node.event_time.column)] = true;
      if (node.event_time.punctuation) {
        for (const int column : node.event_time.punctuation->columns()) {
          node.wanted[0][static_cast<size_t>(column)] = true;
        }
      }
      node.origin = true;
    }
    if (node.op) node.origin |= node.op->can_fail;
    std::vector<std::vector<bool>> data_ports = node.wanted;
    if (node.errors_port >= 0) data_ports.resize(static_cast<size_t>(node.errors_port));
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      PlanNode& from = draft.nodes[static_cast<size_t>(node.inputs[i].node)].node;
      std::vector<bool>& wanted = from.wanted[static_cast<size_t>(node.inputs[i].port)];
      std::vector<bool> needed = node.op       ? node.op->NeededColumns(static_cast<int>(i), data_ports)
                                 : node.format ? std::vector<bool>(wanted.size(), true)
                                               : node.sink->NeededColumns(*node.input_schemas[i]);
      // Event time is read by every windowed node downstream through the schema's mark.
      for (size_t c = 0; c < wanted.size(); ++c) wanted[c] = wanted[c] || needed[c];
      if (node.origin && node.inputs[i].port != from.errors_port) from.origin = true;
    }
  }
}

namespace {

// Weakest link of one source-to-sink path (RELIABILITY 1.2).
Plan::Path Weakest(const Draft& draft, int source, int sink) {
  const PlanNode& from = draft.nodes[static_cast<size_t>(source)].node;
  const PlanNode& to = draft.nodes[static_cast<size_t>(sink)].node;
  const std::string name = "source '" + from.name + "' (" + from.component + ")";
  if (!from.replayable() && !from.source->acknowledges) {
    return {source, sink, Delivery::kAtMostOnce, name + " cannot be read again after a crash"};
  }
  switch (to.sink->guarantee) {
    case SinkGuarantee::kAtMostOnce:
      return {source, sink, Delivery::kAtMostOnce,
              "sink '" + to.name + "' (" + to.component + ") cannot know whether rows arrived"};
    case SinkGuarantee::kAtLeastOnce:
      return {source, sink, Delivery::kAtLeastOnce,
              "sink '" + to.name + "' (" + to.component + ") may see rows again after a crash"};
    case SinkGuarantee::kExactlyOnce:
      break;
  }
  if (!from.replayable() && from.source->deduplicates) {
    return {
        source, sink, Delivery::kExactlyOnce,
        name + " takes a request with the same key once, and acknowledges it when the sink has committed"};
  }
  if (!from.replayable()) {
    return {source, sink, Delivery::kAtLeastOnce,
            name +
                " may be sent rows again whose acknowledgement a crash kept back; `buffer: durable` reads "
                "them again by itself"};
  }
  return {source, sink, Delivery::kExactlyOnce,
          std::string(from.buffer ? "the log of the source" : "the source") +
              " is read again from the checkpoint, the sink commits with it"};
}

// A client that waits for a checkpoint would wait for the end of the pipeline.
void CheckAcknowledgements(Draft& draft) {
  if (draft.plan->settings.checkpoint_interval != kMaxTimestamp) return;
  for (const DraftNode& node : draft.nodes) {
    if (!node.node.source || !node.node.source->acknowledges || node.node.buffer) continue;
    draft.diagnostics.Warning(
        node.config.mark(), "plan.acknowledge",
        "source '" + node.node.name +
            "' acknowledges with a checkpoint, and with checkpoint.interval: 0 there is none before the end",
        "write buffer: durable here, or an interval");
  }
}

}  // namespace

void ComputeDelivery(Draft& draft) {
  CheckAcknowledgements(draft);
  const Delivery promised = draft.plan->settings.delivery;
  for (const int sink : draft.order) {
    if (draft.nodes[static_cast<size_t>(sink)].node.kind != ComponentKind::kSink) continue;
    std::vector<bool> above(draft.nodes.size(), false);
    above[static_cast<size_t>(sink)] = true;
    for (auto it = draft.order.rbegin(); it != draft.order.rend(); ++it) {
      if (!above[static_cast<size_t>(*it)]) continue;
      for (const PlanNode::Input& input : draft.nodes[static_cast<size_t>(*it)].node.inputs) {
        above[static_cast<size_t>(input.node)] = true;
      }
    }
    for (const int source : draft.order) {
      if (!above[static_cast<size_t>(source)] ||
          draft.nodes[static_cast<size_t>(source)].node.kind != ComponentKind::kSource)
        continue;
      Plan::Path path = Weakest(draft, source, sink);
      if (promised != Delivery::kAuto && path.delivery < promised) {
        draft.diagnostics.ErrorAt(
            draft.delivery_value, "plan.delivery",
            "the path from '" + draft.nodes[static_cast<size_t>(source)].node.name + "' to '" +
                draft.nodes[static_cast<size_t>(sink)].node.name + "' keeps " +
                std::string(DeliveryName(path.delivery)) + " at best: " + path.reason,
            "write delivery: " + std::string(DeliveryName(path.delivery)) + ", or change that connector");
      }
      draft.plan->paths.push_back(std::move(path));
    }
  }
}

}  // namespace streamrun
