#include "runner/process/ledger.h"

#include <algorithm>
#include <cstdlib>

namespace streamrun {

namespace {

int64_t OtherFates(const FateCounts& fates) {
  int64_t sum = 0;
  for (size_t i = 0; i < kFateCount; ++i) {
    if (static_cast<Fate>(i) != Fate::kForwarded) sum += fates[i];
  }
  return sum;
}

void DeriveForwarded(NodeStatus::Totals* totals) {
  totals->fates[static_cast<size_t>(Fate::kForwarded)] =
      std::max<int64_t>(0, totals->rows_in - OtherFates(totals->fates));
}

std::string PortName(const PlanNode& node, int port) {
  const auto at = static_cast<size_t>(port);
  return port >= 0 && at < node.ports.size() ? node.name + "." + node.ports[at].name : node.name;
}

}  // namespace

void Ledger::Count(const TaskCounters& counters, int64_t sign) {
  for (const NodeCounters& c : counters.nodes) AddCounts(c, &ended_[static_cast<size_t>(c.node)], sign);
  for (const ChannelCounters& c : counters.channels) {
    if (!c.sender) continue;
    ChannelCounters& edge =
        ended_edges_[static_cast<size_t>(plan_->channels[static_cast<size_t>(c.channel)].edge)];
    edge.rows += sign * c.rows;
    edge.bytes += sign * c.bytes;
    edge.full_us += sign * c.full_us;
  }
  letters_dropped_ += sign * counters.letters_dropped;
}

void Ledger::Begin(int stage, int instance, TaskCounters counters) {
  Count(counters, -1);
  workers_[{stage, instance}] = std::move(counters);
}

void Ledger::EndAttempt(int stage, int instance) {
  const auto it = workers_.find({stage, instance});
  if (it == workers_.end()) return;
  Count(it->second, 1);
  workers_.erase(it);
}

int64_t Ledger::Unrepeatable(const std::vector<int>& stages) const {
  int64_t rows = 0;
  for (const auto& [worker, counters] : workers_) {
    if (std::find(stages.begin(), stages.end(), worker.first) == stages.end()) continue;
    for (const NodeCounters& c : counters.nodes) {
      const PlanNode& node = plan_->plan->node(c.node);
      if (node.source && !node.replayable() && !node.source->acknowledges) rows += c.rows_in;
    }
  }
  return rows;
}

void Ledger::FillNode(int index, NodeStatus* status) const {
  const PlanNode& node = plan_->plan->node(index);
  status->name = node.name;
  status->kind = KindName(node.kind);
  status->component = node.component;
  status->place = node.source ? node.source->place : node.sink ? node.sink->place : "";
  bool first = true;
  for (const auto& [worker, counters] : workers_) {
    for (const NodeCounters& c : counters.nodes) {
      if (c.node != index) continue;
      AddCounts(c, &status->now);
      status->created += c.created;
      status->state_bytes += c.state_bytes;
      status->spilled_bytes += c.spilled_bytes;
      status->state_keys += c.state_keys;
      if (c.total_bytes >= 0) status->total_bytes = std::max<int64_t>(0, status->total_bytes) + c.total_bytes;
      status->watermark = first ? c.watermark : std::min(status->watermark, c.watermark);
      first = false;
    }
  }
  status->totals = ended_[static_cast<size_t>(index)];
  AddCounts(status->now, &status->totals);
  DeriveForwarded(&status->now);
  DeriveForwarded(&status->totals);
  for (size_t i = 0; i < node.ports.size(); ++i) {
    status->ports.push_back(
        {node.ports[i].name, i < status->now.port_rows.size() ? status->now.port_rows[i] : 0});
  }
  const bool wired = node.errors_port >= 0 && static_cast<size_t>(node.errors_port) < node.wired.size() &&
                     node.wired[static_cast<size_t>(node.errors_port)];
  if (!wired) status->dead_letters = status->now.fates[static_cast<size_t>(Fate::kDeadLettered)];
}

// Every row that the inputs gave out, and every letter that entered again, must have arrived; every row that
// arrived must have a fate, and at a sink be delivered unless it has another one.
int64_t Ledger::NodeResidue(int index, const std::vector<NodeStatus>& nodes) const {
  const PlanNode& node = plan_->plan->node(index);
  const NodeStatus& status = nodes[static_cast<size_t>(index)];
  int64_t residue = 0;
  int64_t expected = 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const PlanNode::Input& input = node.inputs[i];
    const NodeStatus& from = nodes[static_cast<size_t>(input.node)];
    const auto port = static_cast<size_t>(input.port);
    int64_t rows = port < from.now.port_rows.size() ? from.now.port_rows[port] : 0;
    for (const LocalEdge& edge : plan_->edges) {
      if (edge.to_node == index && edge.to_input == static_cast<int>(i) &&
          edge.partitioning == Partitioning::kBroadcast) {
        rows *= plan_->stages[static_cast<size_t>(edge.to_stage)].parallelism;
      }
    }
    expected += rows;
  }
  const int64_t others = OtherFates(status.now.fates);
  if (!node.inputs.empty()) residue += std::llabs(expected + status.now.replayed - status.now.rows_in);
  if (node.kind == ComponentKind::kSink)
    return residue + std::llabs(status.now.rows_in - others - status.now.rows_out);
  return residue + std::max<int64_t>(0, others - status.now.rows_in);
}

void Ledger::FillEdge(const LocalEdge& edge, EdgeStatus* status) const {
  status->from = PortName(plan_->plan->node(edge.from_node), edge.encoded ? -1 : edge.from_port);
  if (edge.encoded) status->from += " (encoded)";
  status->to = plan_->plan->node(edge.to_node).name;
  if (edge.combined) status->from = "combined rows of " + status->to;
  for (const Channel& channel : plan_->channels) status->channels += channel.edge == edge.id;
  std::map<int, int64_t> hot;  // rows of the groups that a sender found busiest
  for (const auto& [worker, counters] : workers_) {
    for (const ChannelCounters& c : counters.channels) {
      if (plan_->channels[static_cast<size_t>(c.channel)].edge != edge.id) continue;
      if (c.sender) {
        status->sent += c.rows;
        status->bytes += c.bytes;
        status->full_us += c.full_us;
        if (c.hot_group >= 0) hot[c.hot_group] += c.hot_rows;
      } else {
        status->received += c.rows;
      }
    }
  }
  for (const auto& [group, rows] : hot) {
    if (rows <= status->hot_rows) continue;
    status->hot_group = group;
    status->hot_rows = rows;
  }
  const ChannelCounters& ended = ended_edges_[static_cast<size_t>(edge.id)];
  status->total_sent = ended.rows + status->sent;
  status->total_bytes = ended.bytes + status->bytes;
  status->total_full_us = ended.full_us + status->full_us;
}

// Rows enter a stage at its sources and over its links; a source's records are counted by the source itself.
void Ledger::FillStage(int stage, StageStatus* status) const {
  for (const auto& [worker, counters] : workers_) {
    if (worker.first != stage) continue;
    for (const NodeCounters& c : counters.nodes) {
      if (plan_->plan->node(c.node).kind != ComponentKind::kSource) continue;
      status->rows += c.rows_in;
      status->bytes += c.bytes_in;
    }
    for (const ChannelCounters& c : counters.channels) {
      if (c.sender) continue;
      status->rows += c.rows;
      status->bytes += c.bytes;
    }
  }
}

void Ledger::Fill(PipelineStatus* status) const {
  for (size_t i = 0; i < status->stages.size(); ++i) FillStage(static_cast<int>(i), &status->stages[i]);
  const auto count = static_cast<int>(plan_->plan->nodes.size());
  status->nodes.assign(static_cast<size_t>(count), {});
  for (int i = 0; i < count; ++i) FillNode(i, &status->nodes[static_cast<size_t>(i)]);
  status->residue = 0;
  status->dead_letters = 0;
  for (int i = 0; i < count; ++i) {
    NodeStatus& node = status->nodes[static_cast<size_t>(i)];
    node.residue = NodeResidue(i, status->nodes);
    status->residue += node.residue;
    status->dead_letters += node.dead_letters;
  }
  status->dead_letters_dropped = letters_dropped_;
  for (const auto& [worker, counters] : workers_) status->dead_letters_dropped += counters.letters_dropped;
  status->edges.assign(plan_->edges.size(), {});
  for (size_t i = 0; i < plan_->edges.size(); ++i) FillEdge(plan_->edges[i], &status->edges[i]);
}

}  // namespace streamrun
