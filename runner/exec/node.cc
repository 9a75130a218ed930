#include "runner/exec/node.h"

#include <algorithm>

namespace streamrun {

Node::Node(TaskShared& shared, const Stage::Member& member, bool ordered_input)
    : shared_(shared),
      member_(member),
      plan_node_(shared.plan->plan->node(member.node)),
      aligner_(ordered_input),
      letters_(plan_node_.name, !plan_node_.sink ? "errors" : "rejected", shared.plan->plan->hash) {
  targets_.resize(std::max<size_t>(1, plan_node_.ports.size()));
  counters_.node = member.node;
  counters_.port_rows.resize(targets_.size());
}

NodeCounters Node::Counters() const {
  NodeCounters counters = counters_;
  counters.watermark = aligner_.watermark();
  return counters;
}

void Node::WirePort(int port, InEdge* edge) {
  targets_[static_cast<size_t>(port)].push_back({edge, nullptr});
}
void Node::WirePort(int port, Partitioner* partitioner) {
  targets_[static_cast<size_t>(port)].push_back({nullptr, partitioner});
}

bool Node::OutputsHaveRoom() const {
  for (const auto& port : targets_) {
    for (const Target& target : port) {
      if (target.local ? !target.local->HasRoom() : !target.remote->HasRoom()) return false;
    }
  }
  return true;
}

Status Node::Send(int port, const Event& event) {
  for (const Target& target : targets_[static_cast<size_t>(port)]) {
    if (target.local) {
      target.local->queue.push_back(event);
    } else {
      SR_RETURN_IF_ERROR(target.remote->Push(event));
    }
  }
  return Status::Ok();
}

Status Node::SendRows(int port, const BatchPtr& batch, Ordinal ordinal) {
  if (batch == nullptr || batch->rows() == 0) return Status::Ok();
  counters_.port_rows[static_cast<size_t>(port)] += batch->rows();
  if (plan_node_.ports.empty() || plan_node_.ports[static_cast<size_t>(port)].role == PortRole::kData) {
    counters_.rows_out += batch->rows();
  }
  // What a pre-aggregation gives is no row of the node's.
  if (shared_.options.on_rows && member_.part != NodePart::kCombine) {
    shared_.options.on_rows(index(), port, batch);
  }
  return Send(port, Rows{batch, ordinal});
}

Status Node::SendAll(const Event& event) {
  for (size_t port = 0; port < targets_.size(); ++port)
    SR_RETURN_IF_ERROR(Send(static_cast<int>(port), event));
  return Status::Ok();
}

Status Node::FailureStatus(const BatchPtr& letters) const {
  const Batch& b = *letters;
  std::string text = "node '" + plan_node_.name + "': a row failed and on_error is fail: ";
  text += std::string(b.column(3)->Text(0)) + " [" + std::string(b.column(2)->Text(0)) + "]";
  if (!b.column(4)->IsNull(0)) {
    text += " at " + std::string(b.column(4)->Text(0));
    if (!b.column(5)->IsNull(0)) text += ", offset " + std::to_string(b.column(5)->values<int64_t>()[0]);
  }
  return Status::InvalidArgument(text);
}

Status Node::DeliverLetters() {
  return letters_.rows() > 0 ? Deliver(letters_.Finish(), plan_node_.errors_port) : Status::Ok();
}

Status Node::Deliver(const BatchPtr& letters, int port) {
  const int64_t rows = letters->rows();
  if (port >= 0 && plan_node_.wired[static_cast<size_t>(port)]) {
    counters_.fates[static_cast<size_t>(Fate::kDeadLettered)] += rows;
    return SendRows(port, letters, kNoOrdinal);
  }
  if (plan_node_.on_error == OnError::kFail) return FailureStatus(letters);
  if (port >= 0) counters_.port_rows[static_cast<size_t>(port)] += rows;
  if (plan_node_.on_error == OnError::kDrop) {
    counters_.fates[static_cast<size_t>(Fate::kDropped)] += rows;
    return Status::Ok();
  }
  counters_.fates[static_cast<size_t>(Fate::kDeadLettered)] += rows;
  if (shared_.options.on_rows && port >= 0 && port == plan_node_.errors_port) {
    shared_.options.on_rows(index(), port, letters);
  }
  if (shared_.options.on_dead_letters) shared_.options.on_dead_letters(letters);
  return shared_.epoch->WriteLetters(letters, passed_);
}

const NodeRestore* Node::Restored() {
  const auto& state = shared_.options.restore;
  if (!state) return nullptr;
  restore_ = NodeRestore::Find(*state, plan_node_.name, member_, shared_.instance, shared_.parallelism);
  passed_ = state->epoch();
  letters_.set_epoch(passed_ + 1);
  if (!restore_) return nullptr;
  aligner_.Restore(restore_->watermark());
  shared_.RestoreProcessingTime(restore_->clock());
  const NodeCounters counted = restore_->counters();
  const size_t ports = counters_.port_rows.size();
  counters_ = counted;
  counters_.node = member_.node;
  counters_.port_rows.resize(ports);
  announce_ = true;
  return restore_.get();
}

Result<bool> Node::Announce() {
  if (!announce_ || !OutputsHaveRoom()) return false;
  announce_ = false;
  const Watermark told = Told();
  if (told.time != kMinTimestamp || told.next_ordinal != 0) SR_RETURN_IF_ERROR(SendAll(told));
  if (restore_->idle() && plan_node_.source) SR_RETURN_IF_ERROR(SendAll(Idle{}));
  if (restore_->ended()) {
    done_ = true;
    complete_ = restore_->complete();
    SR_RETURN_IF_ERROR(SendAll(EndOfStream{complete_}));
  }
  return true;
}

Status Node::Pass(const Barrier& barrier) {
  // What failed before the barrier is of its epoch.
  SR_RETURN_IF_ERROR(DeliverLetters());
  SR_ASSIGN_OR_RETURN(NodeSnapshot snapshot, Snapshot(barrier.epoch));
  passed_ = barrier.epoch;
  letters_.set_epoch(passed_ + 1);
  std::vector<ChannelCounters> received;
  for (const auto& edge : aligner_.edges()) {
    if (edge->channel != nullptr) received.push_back(edge->counters);
  }
  SR_RETURN_IF_ERROR(shared_.epoch->Pass(barrier, std::move(snapshot), received));
  return SendAll(barrier);
}

Result<NodeSnapshot> Node::Snapshot(uint64_t) {
  NodeSnapshot snapshot;
  snapshot.node = plan_node_.name;
  snapshot.part = member_.part;
  snapshot.input = member_.input;
  snapshot.instance = shared_.instance;
  snapshot.parallelism = shared_.parallelism;
  snapshot.ended = done_;
  snapshot.complete = complete_;
  snapshot.watermark = {aligner_.watermark(), aligner_.next_ordinal()};
  snapshot.idle = aligner_.idle();
  snapshot.clock = shared_.ProcessingTime();
  snapshot.counters = counters_;
  return snapshot;
}

Result<bool> Node::StepEnded() {
  if (!OutputsHaveRoom()) return false;
  SR_ASSIGN_OR_RETURN(std::optional<Aligner::Item> item, aligner_.Next());
  if (!item) return false;
  // After a restore the inputs tell their time and end again.
  if (const auto* barrier = std::get_if<Barrier>(&item->event)) SR_RETURN_IF_ERROR(Pass(*barrier));
  return true;
}

}  // namespace streamrun
