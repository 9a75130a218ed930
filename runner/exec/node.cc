#include "runner/exec/node.h"

#include <algorithm>

#include "core/base/failpoint.h"
#include "core/data/selection.h"
#include "runner/exec/replay_rows.h"
#include "runner/exec/state_fit.h"

namespace streamrun {

Node::Node(TaskShared& shared, const Stage::Member& member, bool ordered_input)
    : shared_(shared),
      member_(member),
      plan_node_(shared.plan->plan->node(member.node)),
      aligner_(ordered_input),
      letters_(plan_node_.name, !plan_node_.sink ? "errors" : "rejected", shared.plan->plan->hash,
               shared.options.run) {
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
  restore_ = NodeRestore::Find(*state, *shared_.plan->plan, member_, shared_.instance, shared_.parallelism);
  passed_ = state->epoch();
  letters_.set_epoch(passed_ + 1);
  if (!restore_) return nullptr;
  const auto node = static_cast<size_t>(index());
  if (node < shared_.reopened.size() && shared_.reopened[node]) restore_->Reopen();
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
  snapshot.facts = FactsOf(plan_node_);
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
  SR_RETURN_IF_ERROR(RefuseReplay());
  if (!OutputsHaveRoom()) return false;
  SR_ASSIGN_OR_RETURN(std::optional<Aligner::Item> item, aligner_.Next());
  if (!item) return false;
  // After a restore the inputs tell their time and end again.
  if (const auto* barrier = std::get_if<Barrier>(&item->event)) SR_RETURN_IF_ERROR(Pass(*barrier));
  return true;
}

// --- Letters that enter again ----------------------------------------------------------------------------

void Node::OpenReplay() {
  const TaskOptions& options = shared_.options;
  const uint64_t applied = options.restore ? options.restore->replayed() : options.replay_to;
  std::vector<std::string> names{plan_node_.name};
  const std::string& before = plan_node_.renamed_from;
  if (!before.empty() && EnteredNode(*shared_.plan->plan, before) == index()) names.push_back(before);
  replay_ = std::make_unique<ReplayFeed>(
      options.env, options.state_directory, std::move(names), applied,
      [this](const ReplayLine& line, int64_t index) { return IsMine(line, index); });
  replay_->Extend(options.replay_to);
}

// Where rows are spread by key every instance looks at all of them and keeps its own.
bool Node::DealsByKey(int input) const {
  if (!plan_node_.op || member_.part != NodePart::kWhole || input < 0) return false;
  const auto& exchanges = plan_node_.op->exchanges;
  return shared_.parallelism > 1 && static_cast<size_t>(input) < exchanges.size() &&
         exchanges[static_cast<size_t>(input)].kind == Exchange::Kind::kHash;
}

bool Node::IsMine(const ReplayLine& line, int64_t index) const {
  if (plan_node_.source) return shared_.instance == 0;
  // Records enter a byte sink's writer, rows its encoders.
  if (plan_node_.format && line.raw.has_value() != (member_.part == NodePart::kWrite)) return false;
  if (member_.part == NodePart::kEncode && line.entry.input != member_.input) {
    const bool exists = EntrySchema(plan_node_, line.entry.input) != nullptr;
    if (exists || member_.input != 0) return false;
  }
  return DealsByKey(line.entry.input) || index % shared_.parallelism == shared_.instance;
}

Selection Node::OwnRows(int input, const Batch& rows) const {
  std::vector<Evaluator> keys;
  for (const ExpressionPtr& key : plan_node_.op->exchanges[static_cast<size_t>(input)].keys) {
    keys.emplace_back(key, shared_.options.env);
  }
  std::vector<uint64_t> hashes;
  HashKeys(keys, rows, &hashes);
  Selection own;
  const KeyGroups groups(shared_.plan->plan->settings.max_parallelism);
  for (size_t row = 0; row < hashes.size(); ++row) {
    const size_t owner = groups.InstanceOf(hashes[row], static_cast<size_t>(shared_.parallelism));
    if (owner == static_cast<size_t>(shared_.instance)) own.push_back(static_cast<uint32_t>(row));
  }
  return own;
}

Result<bool> Node::StepReplay() {
  SR_ASSIGN_OR_RETURN(const ReplayFeed::Lines next, replay_->Next());
  if (next.lines.empty()) return true;
  SetReplay(next.order);
  SR_RETURN_IF_ERROR(TakeIn(next.lines));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("replay.rows"));
  return true;
}

Status Node::RefuseReplay() {
  while (replay_ && replay_->waits()) {
    SR_ASSIGN_OR_RETURN(const ReplayFeed::Lines next, replay_->Next());
    if (next.lines.empty()) continue;
    return Status::Unavailable("node '" + plan_node_.name + "' had come to its end before replay order " +
                               std::to_string(next.order) + " came")
        .WithRetry(true);
  }
  return Status::Ok();
}

Status Node::TakeIn(const std::vector<ReplayLine>& lines) {
  const int input = lines.front().entry.input;
  SR_ASSIGN_OR_RETURN(EnteringRows entering, DecodeEntering(plan_node_, lines));
  // One instance alone says of a line that it is no row.
  const bool by_key = DealsByKey(input);
  for (const UnfitLine& unfit : entering.unfit) {
    const ReplayLine& line = lines[unfit.line];
    const size_t owner = std::hash<std::string>()(line.token) % static_cast<size_t>(shared_.parallelism);
    if (by_key && owner != static_cast<size_t>(shared_.instance)) continue;
    ++counters_.rows_in;
    ++counters_.replayed;
    letters_.AddReplayed(line, unfit.code, unfit.message);
  }
  SR_RETURN_IF_ERROR(DeliverLetters());
  BatchPtr rows = entering.batch;
  if (rows == nullptr) return Status::Ok();
  if (by_key) rows = Take(rows, OwnRows(input, *rows));
  if (rows->rows() == 0) return Status::Ok();
  counters_.replayed += rows->rows();
  return Enter(input, rows);
}

Status Node::Enter(int, const BatchPtr&) {
  return Status::Internal("node '" + plan_node_.name + "' takes no rows in");
}

}  // namespace streamrun
