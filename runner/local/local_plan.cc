#include "runner/local/local_plan.h"

#include <algorithm>
#include <numeric>

namespace streamrun {

namespace {

// The things to place: every plan node once, and for a byte sink an encoder per input next to its writer.
struct Unit {
  int node;
  NodePart part;
  int parallelism;
  int input = 0;  // kEncode
};

struct Arrow {
  int from;  // unit
  int from_port;
  int to;  // unit
  int to_input;
  bool encoded;           // encoder -> writer
  bool spread;            // rows must go to other instances: by key, or to all
  bool combined = false;  // combiner -> merger
};

class Cutter {
 public:
  Cutter(PlanPtr plan, bool fuse_everything) : plan_(std::move(plan)), everything_(fuse_everything) {}

  LocalPlanPtr Cut() {
    PlaceUnits();
    group_.resize(units_.size());
    // Parts of a pipeline that share no node still are one stage when everything is.
    if (!everything_) std::iota(group_.begin(), group_.end(), 0);
    for (const Arrow& arrow : arrows_) {
      if (MayFuse(arrow)) Fuse(arrow);
    }
    BuildStages();
    BuildEdges();
    return local_;
  }

 private:
  using Fusing = PlanSettings::Fuse;

  void PlaceUnits() {
    unit_of_.assign(plan_->nodes.size(), -1);
    for (const int i : plan_->order) {
      const PlanNode& node = plan_->node(i);
      const int parallelism = everything_ ? 1 : node.parallelism;
      const bool bytes = node.kind == ComponentKind::kSink && node.format != nullptr;
      if (!bytes && PlaceCombined(i, parallelism)) continue;
      if (!bytes) {
        unit_of_[static_cast<size_t>(i)] = AddUnit(i, NodePart::kWhole, parallelism);
        for (size_t in = 0; in < node.inputs.size(); ++in) {
          const Exchange::Kind kind = node.op ? node.op->exchanges[in].kind : Exchange::Kind::kAny;
          const bool spread = kind == Exchange::Kind::kHash || kind == Exchange::Kind::kBroadcast ||
                              (node.balance != Balance::kAuto && parallelism > 1);
          arrows_.push_back({unit_of_[static_cast<size_t>(node.inputs[in].node)], node.inputs[in].port,
                             unit_of_[static_cast<size_t>(i)], static_cast<int>(in), false, spread});
        }
        continue;
      }
      // Rows are encoded where they are made, one encoder an input; bytes cross to the writer.
      std::vector<int> encoders;
      for (size_t in = 0; in < node.inputs.size(); ++in) {
        const int from = unit_of_[static_cast<size_t>(node.inputs[in].node)];
        const int encoder = AddUnit(i, NodePart::kEncode, units_[static_cast<size_t>(from)].parallelism,
                                    static_cast<int>(in));
        arrows_.push_back({from, node.inputs[in].port, encoder, static_cast<int>(in), false, false});
        encoders.push_back(encoder);
      }
      const int writer = AddUnit(i, NodePart::kWrite, parallelism);
      for (const int encoder : encoders) {
        arrows_.push_back({encoder, 0, writer, units_[static_cast<size_t>(encoder)].input, true, false});
      }
    }
  }

  // A combiner with the producer and a merger behind the exchange; false when the node is to stay whole.
  bool PlaceCombined(int i, int parallelism) {
    const PlanNode& node = plan_->node(i);
    if (everything_ || !node.op || !node.op->partial || node.inputs.size() != 1) return false;
    const int from = unit_of_[static_cast<size_t>(node.inputs[0].node)];
    const int upstream = units_[static_cast<size_t>(from)].parallelism;
    if (upstream == 1 && parallelism == 1) return false;
    for (size_t port = 0; port < node.ports.size(); ++port) {
      if (node.ports[port].role == PortRole::kError && node.wired[port]) return false;
    }
    const int combiner = AddUnit(i, NodePart::kCombine, upstream);
    arrows_.push_back({from, node.inputs[0].port, combiner, 0, false, false});
    const int merger = AddUnit(i, NodePart::kMerge, parallelism);
    arrows_.push_back({combiner, 0, merger, 0, false, true, true});
    unit_of_[static_cast<size_t>(i)] = merger;
    return true;
  }

  int AddUnit(int node, NodePart part, int parallelism, int input = 0) {
    units_.push_back({node, part, parallelism, input});
    return static_cast<int>(units_.size()) - 1;
  }

  bool MayFuse(const Arrow& arrow) const {
    const Unit& from = units_[static_cast<size_t>(arrow.from)];
    const Unit& to = units_[static_cast<size_t>(arrow.to)];
    if (from.parallelism != to.parallelism) return false;
    if (everything_) return true;
    // An encoder always runs with its producer: encoding is work to be shared, bytes are what crosses.
    if (to.part == NodePart::kEncode || to.part == NodePart::kCombine) return true;
    if (arrow.combined) return false;
    if (arrow.spread && to.parallelism > 1) return false;
    const PlanNode& from_node = plan_->node(from.node);
    const PlanNode& to_node = plan_->node(to.node);
    if (from_node.own_process || to_node.own_process) return false;
    const Fusing fuse = plan_->settings.fuse;
    if (fuse == Fusing::kNone) return false;
    if (fuse == Fusing::kAll) return true;
    if (to_node.kind == ComponentKind::kSink && to_node.sink->single_writer) return false;
    return true;
  }

  int Group(int unit) const { return group_[static_cast<size_t>(unit)]; }

  // Merges the groups of both ends unless that would make two stages wait for each other.
  void Fuse(const Arrow& arrow) {
    const int keep = Group(arrow.from);
    const int gone = Group(arrow.to);
    if (keep == gone) return;
    const std::vector<int> before = group_;
    for (int& g : group_) {
      if (g == gone) g = keep;
    }
    if (!everything_ && (SpreadsInside() || HasCycle())) group_ = before;
  }

  // Two nodes that one arrow keeps apart must not meet by way of a third.
  bool SpreadsInside() const {
    return std::any_of(arrows_.begin(), arrows_.end(), [&](const Arrow& a) {
      return a.spread && units_[static_cast<size_t>(a.to)].parallelism > 1 && Group(a.from) == Group(a.to);
    });
  }

  bool HasCycle() const {
    std::vector<int> state(units_.size(), 0);
    const auto visit = [&](auto&& self, int group) -> bool {
      state[static_cast<size_t>(group)] = 1;
      for (const Arrow& a : arrows_) {
        if (Group(a.from) != group || Group(a.to) == group) continue;
        const int next = Group(a.to);
        if (state[static_cast<size_t>(next)] == 1) return true;
        if (state[static_cast<size_t>(next)] == 0 && self(self, next)) return true;
      }
      state[static_cast<size_t>(group)] = 2;
      return false;
    };
    for (size_t i = 0; i < units_.size(); ++i) {
      if (Group(static_cast<int>(i)) == static_cast<int>(i) && state[i] == 0 &&
          visit(visit, static_cast<int>(i)))
        return true;
    }
    return false;
  }

  void BuildStages() {
    local_ = std::make_shared<LocalPlan>();
    local_->plan = plan_;
    stage_of_.assign(units_.size(), -1);
    std::vector<int> stage_of_group(units_.size(), -1);
    for (size_t u = 0; u < units_.size(); ++u) {
      int& id = stage_of_group[static_cast<size_t>(Group(static_cast<int>(u)))];
      if (id < 0) {
        id = static_cast<int>(local_->stages.size());
        Stage stage;
        stage.id = id;
        stage.parallelism = units_[u].parallelism;
        local_->stages.push_back(std::move(stage));
      }
      stage_of_[u] = id;
      Stage& stage = local_->stages[static_cast<size_t>(id)];
      stage.members.push_back({units_[u].node, units_[u].part, units_[u].input});
      const PlanNode& node = plan_->node(units_[u].node);
      stage.has_source |= node.kind == ComponentKind::kSource;
      const bool part = units_[u].part == NodePart::kEncode || units_[u].part == NodePart::kCombine;
      if (!part || stage.members.size() == 1) {
        stage.name += (stage.name.empty() ? "" : "+") + node.name;
      }
    }
  }

  // Nodes through which input order has to go on its way to a sink.
  void MarkOrdered() {
    ordered_.assign(plan_->nodes.size(), false);
    for (size_t u = 0; u < units_.size(); ++u) {
      const PlanNode* node = &plan_->node(units_[u].node);
      if (node->kind != ComponentKind::kSink || !OrderSurvives(static_cast<int>(u))) continue;
      for (int i = units_[u].node; plan_->node(i).kind != ComponentKind::kSource;
           i = plan_->node(i).inputs[0].node) {
        ordered_[static_cast<size_t>(i)] = true;
      }
    }
  }

  // File order survives to a sink when one ordered source feeds it through nodes that keep order.
  bool OrderSurvives(int unit) const {
    const PlanNode* node = &plan_->node(units_[static_cast<size_t>(unit)].node);
    if (!node->ordered) return false;
    while (node->kind != ComponentKind::kSource) {
      if (node->inputs.size() != 1) return false;
      if (node->op && (!node->op->preserves_order || node->op->exchanges[0].kind != Exchange::Kind::kAny))
        return false;
      const PlanNode::Input& input = node->inputs[0];
      node = &plan_->node(input.node);
      if (input.port == node->errors_port) return false;
    }
    return node->source->ordered;
  }

  Partitioning Spread(const Arrow& arrow) const {
    const Unit& from = units_[static_cast<size_t>(arrow.from)];
    const Unit& to = units_[static_cast<size_t>(arrow.to)];
    const PlanNode& to_node = plan_->node(to.node);
    if (to_node.op && !arrow.encoded) {
      const Exchange::Kind kind = to_node.op->exchanges[static_cast<size_t>(arrow.to_input)].kind;
      if (kind == Exchange::Kind::kBroadcast) return Partitioning::kBroadcast;
      if (kind == Exchange::Kind::kHash && to.parallelism > 1) return Partitioning::kHash;
    }
    if (to.parallelism == 1) return Partitioning::kSingle;
    if (to_node.balance == Balance::kRoundRobin) return Partitioning::kRoundRobin;
    if (to_node.balance == Balance::kLeastLoaded) return Partitioning::kLeastLoaded;
    return from.parallelism == to.parallelism ? Partitioning::kForward : Partitioning::kRoundRobin;
  }

  void BuildEdges() {
    MarkOrdered();
    for (const Arrow& arrow : arrows_) {
      const int from_stage = stage_of_[static_cast<size_t>(arrow.from)];
      const int to_stage = stage_of_[static_cast<size_t>(arrow.to)];
      if (from_stage == to_stage) continue;
      const Unit& from = units_[static_cast<size_t>(arrow.from)];
      const Unit& to = units_[static_cast<size_t>(arrow.to)];
      const PlanNode& from_node = plan_->node(from.node);
      LocalEdge edge;
      edge.id = static_cast<int>(local_->edges.size());
      edge.from_node = from.node;
      edge.from_port = arrow.from_port;
      edge.from_stage = from_stage;
      edge.to_node = to.node;
      edge.to_input = arrow.to_input;
      edge.to_stage = to_stage;
      edge.partitioning = Spread(arrow);
      edge.encoded = arrow.encoded;
      // An instance that hears of several others merges them, so that what it sends on ascends. Merges of
      // several receivers cannot wait for each other in a circle: every sender tells all of them the exact
      // ordinal it is at.
      edge.ordered = from.parallelism > 1 && edge.partitioning != Partitioning::kForward &&
                     ordered_[static_cast<size_t>(to.node)];
      edge.combined = arrow.combined;
      if (!arrow.encoded) edge.layout = Layout(from_node, arrow.from_port, to.node);
      if (arrow.combined) edge.layout = PartialLayout(*from_node.op);
      AddChannels(edge, from.parallelism, to.parallelism);
      local_->edges.push_back(std::move(edge));
    }
  }

  static IpcLayout PartialLayout(const BoundOperator& op) {
    IpcLayout layout;
    layout.schema = op.partial;
    for (int c = 0; c < op.partial->size(); ++c) layout.live.push_back(c);
    return layout;
  }

  IpcLayout Layout(const PlanNode& from, int port, int to) const {
    IpcLayout layout;
    layout.schema = from.outputs[static_cast<size_t>(port)];
    const std::vector<bool>& wanted = from.wanted[static_cast<size_t>(port)];
    for (size_t c = 0; c < wanted.size(); ++c) {
      if (wanted[c]) layout.live.push_back(static_cast<int>(c));
    }
    layout.origin = plan_->node(to).origin && port != from.errors_port;
    layout.changes = layout.schema->changes;
    return layout;
  }

  void AddChannels(const LocalEdge& edge, int from, int to) {
    const auto add = [&](int i, int j) {
      local_->channels.push_back({static_cast<int>(local_->channels.size()), edge.id, i, j});
    };
    for (int i = 0; i < from; ++i) {
      if (edge.partitioning == Partitioning::kForward) {
        add(i, i);
      } else {
        for (int j = 0; j < to; ++j) add(i, j);
      }
    }
  }

  PlanPtr plan_;
  bool everything_;
  std::vector<Unit> units_;
  std::vector<Arrow> arrows_;
  std::vector<int> unit_of_;
  std::vector<int> group_, stage_of_;
  std::vector<bool> ordered_;  // by node
  std::shared_ptr<LocalPlan> local_;
};

}  // namespace

std::string_view PartitioningName(Partitioning partitioning) {
  switch (partitioning) {
    case Partitioning::kForward:
      return "forward";
    case Partitioning::kRoundRobin:
      return "round_robin";
    case Partitioning::kLeastLoaded:
      return "least_loaded";
    case Partitioning::kHash:
      return "hash";
    case Partitioning::kSingle:
      return "single";
    case Partitioning::kBroadcast:
      return "broadcast";
  }
  return "forward";
}

int LocalPlan::workers() const {
  int n = 0;
  for (const Stage& stage : stages) n += stage.parallelism;
  return n;
}

int LocalPlan::WorkerNumber(int stage, int instance) const {
  int number = instance;
  for (int s = 0; s < stage; ++s) number += stages[static_cast<size_t>(s)].parallelism;
  return number;
}

LocalPlanPtr CutPlan(PlanPtr plan, bool fuse_everything) {
  return Cutter(std::move(plan), fuse_everything).Cut();
}

}  // namespace streamrun
