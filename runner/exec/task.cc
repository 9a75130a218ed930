#include "runner/exec/task.h"

#include <algorithm>
#include <utility>

#include "runner/exec/node.h"
#include "runner/exec/replay_rows.h"

namespace streamrun {

namespace {

class LocalTask final : public Task {
 public:
  LocalTask(LocalPlanPtr plan, int stage, int instance, TaskOptions options) {
    shared_.plan = std::move(plan);
    shared_.options = std::move(options);
    shared_.stage = stage;
    shared_.instance = instance;
    shared_.parallelism = stage_plan().parallelism;
  }

  Status Build(const std::map<int, InChannel*>& in, const std::map<int, OutChannel*>& out) {
    const PlanPtr& plan = shared_.plan->plan;
    for (const Stage::Member& member : stage_plan().members) {
      nodes_.push_back(MakeNode(member));
    }
    WireLocal();
    for (const LocalEdge& edge : shared_.plan->edges) {
      if (edge.from_stage == shared_.stage) SR_RETURN_IF_ERROR(WireOut(edge, out));
      if (edge.to_stage == shared_.stage) SR_RETURN_IF_ERROR(WireIn(edge, in));
    }
    if (!shared_.options.dead_letter_directory.empty()) {
      const DeadLetterName name{shared_.options.generation, shared_.options.attempt, shared_.stage,
                                shared_.instance};
      const DeadLetterRoom room{plan->settings.dead_letter_max, plan->settings.dead_letter_drop_oldest,
                                shared_.plan->workers()};
      shared_.dead_letters = std::make_unique<DeadLetterFile>(
          shared_.options.env, shared_.options.dead_letter_directory, name, room);
    }
    shared_.epoch = std::make_unique<EpochProgress>(shared_.stage, shared_.instance, shared_.options.attempt,
                                                    shared_.dead_letters.get());
    shared_.epoch->set_nodes(nodes_.size());
    return Status::Ok();
  }

  Status Open() override {
    SR_RETURN_IF_ERROR(FindReopened());
    // Sinks first: when a source opens, everything it may feed is there.
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) SR_RETURN_IF_ERROR((*it)->Open());
    RestoreChannels();
    for (const auto& node : nodes_) unrestored_.push_back(node.get());
    // What needs no peer is done with at once.
    return CommitRestored().status();
  }

  Result<bool> CommitRestored() override {
    for (auto it = unrestored_.begin(); it != unrestored_.end();) {
      SR_ASSIGN_OR_RETURN(const bool committed, (*it)->CommitRestored());
      it = committed ? unrestored_.erase(it) : it + 1;
    }
    return unrestored_.empty();
  }

  Result<StepResult> Step() override {
    if (!unrestored_.empty()) {
      SR_ASSIGN_OR_RETURN(const bool committed, CommitRestored());
      if (!committed) return StepResult::kWait;
    }
    if (slept_) {
      slept_ = false;
      for (const auto& node : nodes_) node->OnWake();
    }
    if (!failure_.ok()) return failure_;
    if (committing_ != 0) SR_RETURN_IF_ERROR(CommitOn());
    if (!partitioners_.empty()) SR_RETURN_IF_ERROR(SendOverdue());
    // From the sinks upwards: what is under way goes first, so queues stay short.
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
      SR_ASSIGN_OR_RETURN(const bool ran, (*it)->Step());
      if (ran) return StepResult::kRan;
    }
    return Rest();
  }

  WaitSpec Wait() override {
    WaitSpec wait;
    if (!unrestored_.empty()) {
      for (Node* node : unrestored_) node->AddWait(wait);
      return wait;
    }
    for (const auto& node : nodes_) node->AddWait(wait);
    for (const auto& partitioner : partitioners_)
      wait.deadline = std::min(wait.deadline, partitioner->Deadline());
    return wait;
  }

  std::vector<Place> Trigger(const Barrier& barrier) override {
    std::vector<Place> places;
    for (const auto& node : nodes_) {
      if (const auto place = node->Trigger(barrier)) places.push_back(*place);
    }
    slept_ = true;
    return places;
  }

  void SetBound(uint64_t epoch, const std::vector<Place>& bounds) override {
    if (epoch <= aborted_) return;
    for (const Place& bound : bounds) {
      if (Node* node = FindNode(bound.node, NodePart::kWhole)) node->SetBound(bound.next);
    }
  }

  void Abort(uint64_t epoch) override {
    aborted_ = epoch;
    for (const auto& node : nodes_) node->Abort(epoch);
    failure_ = shared_.epoch->Abort(epoch);
    slept_ = true;
  }

  void Replay(uint64_t to) override {
    for (const auto& node : nodes_) node->Replay(to);
    replaying_ = to;
    slept_ = true;
  }

  std::optional<uint64_t> TakeReplayed() override {
    if (!replaying_ ||
        std::any_of(nodes_.begin(), nodes_.end(), [](const auto& n) { return n->Replays(); })) {
      return std::nullopt;
    }
    return std::exchange(replaying_, std::nullopt);
  }

  std::optional<TaskSnapshot> TakeSnapshot() override { return shared_.epoch->Take(); }

  void Commit(uint64_t epoch) override {
    committing_ = epoch;
    uncommitted_.clear();
    for (const auto& node : nodes_) uncommitted_.push_back(node.get());
    slept_ = true;
  }

  std::optional<uint64_t> TakeCommitted() override { return std::exchange(committed_, std::nullopt); }

  TaskCounters Counters() const override {
    TaskCounters counters;
    if (shared_.dead_letters) counters.letters_dropped = shared_.dead_letters->dropped();
    for (const auto& node : nodes_) {
      // A byte sink is two parts: rows enter at the encoder and are delivered by the writer.
      NodeCounters c = node->Counters();
      if (node->member().part == NodePart::kEncode) c.rows_out = 0;
      if (node->member().part == NodePart::kWrite) c.rows_in = c.replayed;
      // An operator in two parts: rows enter at the combiner, which decides their fate, and leave the merger.
      if (node->member().part == NodePart::kCombine) c.rows_out = c.created = c.port_rows[0] = 0;
      if (node->member().part == NodePart::kMerge) {
        c.rows_in = 0;
        c.fates[static_cast<size_t>(Fate::kAbsorbed)] = 0;
      }
      counters.nodes.push_back(std::move(c));
      for (const auto& edge : node->aligner().edges()) {
        if (edge->channel != nullptr) counters.channels.push_back(edge->counters);
      }
    }
    for (const auto& partitioner : partitioners_) partitioner->AppendCounters(&counters.channels);
    return counters;
  }

  Status Failure() const override {
    for (const auto& node : nodes_) SR_RETURN_IF_ERROR(node->Failure());
    return Status::Ok();
  }

  std::string BlockedOn() const override {
    for (const auto& partitioner : partitioners_) {
      if (partitioner->Blocked()) {
        return "output to " + shared_.plan->plan->node(partitioner->edge().to_node).name;
      }
    }
    for (const auto& node : nodes_) {
      if (std::string text = node->Waits(); !text.empty()) return text;
    }
    for (const auto& node : nodes_) {
      if (const std::string text = node->Describe(); text.find('\'') != std::string::npos)
        return "external: " + text;
    }
    return "input";
  }

 private:
  const Stage& stage_plan() const { return shared_.plan->stages[static_cast<size_t>(shared_.stage)]; }
  // Nodes that had ended and that letters of orders to come reach.
  Status FindReopened() {
    const TaskOptions& options = shared_.options;
    if (!options.restore || options.restore->replayed() >= options.replay_to) return Status::Ok();
    SR_ASSIGN_OR_RETURN(const auto orders, ListReplayOrders(options.env, options.state_directory));
    std::vector<std::string> nodes;
    for (const ReplayOrder& order : orders) {
      if (order.number <= options.restore->replayed() || order.number > options.replay_to) continue;
      nodes.insert(nodes.end(), order.nodes.begin(), order.nodes.end());
    }
    shared_.reopened = ReachedNodes(*shared_.plan->plan, nodes);
    return Status::Ok();
  }

  // Whether the inputs of a member are to be merged by ordinal.
  bool OrderedInput(const Stage::Member& member) const {
    return std::any_of(shared_.plan->edges.begin(), shared_.plan->edges.end(), [&](const LocalEdge& e) {
      return e.to_stage == shared_.stage && e.to_node == member.node && e.ordered && Enters(e, member.part);
    });
  }

  std::unique_ptr<Node> MakeNode(const Stage::Member& member) {
    const PlanNode& node = shared_.plan->plan->node(member.node);
    const bool ordered = OrderedInput(member);
    if (node.source) return MakeSourceNode(shared_, member);
    if (node.op) return MakeOperatorNode(shared_, member, ordered);
    if (member.part == NodePart::kEncode) return MakeEncodeNode(shared_, member, ordered);
    if (member.part == NodePart::kWrite) return MakeWriteNode(shared_, member, ordered);
    return MakeRowSinkNode(shared_, member, ordered);
  }

  // The part of the receiving node that an edge leads to.
  static bool Enters(const LocalEdge& edge, NodePart part) {
    return edge.encoded == (part == NodePart::kWrite) && edge.combined == (part == NodePart::kMerge);
  }

  // The part whose output is the node's.
  Node* FindMain(int index) {
    Node* whole = FindNode(index, NodePart::kWhole);
    return whole ? whole : FindNode(index, NodePart::kMerge);
  }

  Node* FindNode(int index, NodePart part, int input = 0) {
    for (const auto& node : nodes_) {
      const Stage::Member& m = node->member();
      if (m.node == index && m.part == part && (part != NodePart::kEncode || m.input == input))
        return node.get();
    }
    return nullptr;
  }

  // Arrows between members of this stage.
  void WireLocal() {
    for (const auto& to : nodes_) {
      const Stage::Member& member = to->member();
      const int inputs = member.part == NodePart::kEncode ? member.input + 1
                                                          : static_cast<int>(to->plan_node().inputs.size());
      for (int i = member.part == NodePart::kEncode ? member.input : 0; i < inputs; ++i) {
        const PlanNode::Input& input = to->plan_node().inputs[static_cast<size_t>(i)];
        const bool writer = member.part == NodePart::kWrite;
        if (ArrivesByChannel(member, i)) continue;
        Node* from = writer ? FindNode(member.node, NodePart::kEncode, i) : FindMain(input.node);
        SR_CHECK(from != nullptr);
        from->WirePort(writer ? 0 : input.port, to->aligner().AddEdge(i, -1, nullptr));
      }
    }
  }

  bool ArrivesByChannel(const Stage::Member& to, int input) const {
    return std::any_of(shared_.plan->edges.begin(), shared_.plan->edges.end(), [&](const LocalEdge& e) {
      return e.to_stage == shared_.stage && e.to_node == to.node && e.to_input == input && Enters(e, to.part);
    });
  }

  Status WireOut(const LocalEdge& edge, const std::map<int, OutChannel*>& out) {
    std::vector<ExpressionPtr> keys;
    const PlanNode& to = shared_.plan->plan->node(edge.to_node);
    if (edge.partitioning == Partitioning::kHash)
      keys = edge.combined ? to.op->partial_keys : to.op->exchanges[static_cast<size_t>(edge.to_input)].keys;
    auto partitioner =
        std::make_unique<Partitioner>(edge, keys, KeyGroups(shared_.plan->plan->settings.max_parallelism),
                                      shared_.plan->plan->settings.linger, shared_.options.env);
    for (const Channel& channel : shared_.plan->channels) {
      if (channel.edge != edge.id || channel.from_instance != shared_.instance) continue;
      const auto it = out.find(channel.id);
      if (it == out.end())
        return Status::Internal("channel " + std::to_string(channel.id) + " has no sending end");
      partitioner->AddChannel(channel.id, it->second);
    }
    Node* from = edge.encoded    ? FindNode(edge.from_node, NodePart::kEncode, edge.to_input)
                 : edge.combined ? FindNode(edge.from_node, NodePart::kCombine)
                                 : FindMain(edge.from_node);
    SR_CHECK(from != nullptr);
    from->WirePort(edge.encoded ? 0 : edge.from_port, partitioner.get());
    partitioners_.push_back(std::move(partitioner));
    return Status::Ok();
  }

  Status WireIn(const LocalEdge& edge, const std::map<int, InChannel*>& in) {
    Node* to = nullptr;
    for (const auto& node : nodes_) {
      const Stage::Member& m = node->member();
      const bool encoder = m.part == NodePart::kEncode && m.input != edge.to_input;
      if (m.node == edge.to_node && Enters(edge, m.part) && !encoder) to = node.get();
    }
    SR_CHECK(to != nullptr);
    for (const Channel& channel : shared_.plan->channels) {
      if (channel.edge != edge.id || channel.to_instance != shared_.instance) continue;
      const auto it = in.find(channel.id);
      if (it == in.end())
        return Status::Internal("channel " + std::to_string(channel.id) + " has no receiving end");
      to->aligner().AddEdge(edge.to_input, channel.id, it->second);
    }
    return Status::Ok();
  }

  Status SendOverdue() {
    const Timestamp now = shared_.options.env->MonotonicNow();
    for (const auto& partitioner : partitioners_) {
      SR_RETURN_IF_ERROR(partitioner->Send(partitioner->Deadline() <= now));
    }
    return Status::Ok();
  }

  // No node can go on: nothing need wait for company any longer.
  Result<StepResult> Rest() {
    bool empty = true;
    for (const auto& partitioner : partitioners_) {
      const bool had_room = partitioner->HasRoom();
      SR_RETURN_IF_ERROR(partitioner->Send(true));
      if (!had_room && partitioner->HasRoom()) return StepResult::kRan;
      empty = empty && partitioner->Empty();
    }
    bool all_done = true;
    for (const auto& node : nodes_) {
      SR_RETURN_IF_ERROR(node->OnIdle());
      all_done = all_done && node->done();
    }
    slept_ = true;
    return all_done && empty ? StepResult::kDone : StepResult::kWait;
  }

  Status CommitOn() {
    for (auto it = uncommitted_.begin(); it != uncommitted_.end();) {
      SR_ASSIGN_OR_RETURN(const bool committed, (*it)->Commit(committing_));
      it = committed ? uncommitted_.erase(it) : it + 1;
    }
    if (uncommitted_.empty()) committed_ = std::exchange(committing_, 0);
    return Status::Ok();
  }

  void RestoreChannels() {
    if (!shared_.options.restore) return;
    const auto* counted = shared_.options.restore->Channels();
    if (counted == nullptr) return;
    for (const ChannelCounters& counters : *counted) {
      for (const auto& node : nodes_) {
        for (const auto& edge : node->aligner().edges()) {
          if (edge->channel != nullptr && edge->counters.channel == counters.channel) {
            edge->counters = counters;
          }
        }
      }
      for (const auto& partitioner : partitioners_) partitioner->RestoreCounters(counters);
    }
  }

  TaskShared shared_;
  std::vector<std::unique_ptr<Node>> nodes_;  // topological
  std::vector<std::unique_ptr<Partitioner>> partitioners_;
  bool slept_ = true;
  uint64_t committing_ = 0;  // epoch that is being committed, 0: none
  std::vector<Node*> uncommitted_;
  std::vector<Node*> unrestored_;  // have not committed all of the restored epoch
  std::optional<uint64_t> committed_;
  std::optional<uint64_t> replaying_;  // orders up to this one are being taken in
  uint64_t aborted_ = 0;
  Status failure_;  // of an abort, told by the next step
};

}  // namespace

Result<std::unique_ptr<Task>> CreateTask(LocalPlanPtr plan, int stage, int instance,
                                         std::map<int, InChannel*> channels_in,
                                         std::map<int, OutChannel*> channels_out, TaskOptions options) {
  auto task = std::make_unique<LocalTask>(std::move(plan), stage, instance, std::move(options));
  SR_RETURN_IF_ERROR(task->Build(channels_in, channels_out));
  return std::unique_ptr<Task>(std::move(task));
}

}  // namespace streamrun
