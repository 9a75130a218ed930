// streamrun explain: how the local engine will run a pipeline.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "core/component/config_spec.h"
#include "runner/cli/commands.h"
#include "runner/cli/load.h"
#include "runner/local/local_plan.h"

namespace streamrun {

namespace {

struct Options {
  std::string file;
  LoadOptions load;
};

void Say(std::string& out, const std::string& line) { out += line + "\n"; }

// "auction bigint, price bigint (unused: url, extra)".
std::string Columns(const Schema& schema, const std::vector<bool>& wanted) {
  std::string used, unused;
  for (int c = 0; c < schema.size(); ++c) {
    const bool live = wanted.empty() || wanted[static_cast<size_t>(c)];
    std::string& list = live ? used : unused;
    list += (list.empty() ? "" : ", ") + schema.field(c).name +
            (live ? " " + schema.field(c).type.ToString() : "");
  }
  if (used.empty()) used = "no columns";
  return unused.empty() ? used : used + "  (unused: " + unused + ")";
}

std::string MemberText(const Plan& plan, const Stage::Member& member) {
  const PlanNode& node = plan.node(member.node);
  switch (member.part) {
    case NodePart::kEncode:
      return "encode for " + node.name;
    case NodePart::kWrite:
      return "write " + node.name + " (" + node.sink->place + ")";
    case NodePart::kCombine:
      return "combine rows for " + node.component + " " + node.name;
    case NodePart::kWhole:
    case NodePart::kMerge:
      break;
  }
  if (node.source) {
    return "read " + node.name + " (" + (node.buffer ? "its log" : node.source->place) + ")" +
           (node.format ? ", decode" : "") + (node.source->bounded ? "" : "; has no end");
  }
  if (node.sink) return "write " + node.name + " (" + node.sink->place + ")";
  return node.component + " " + node.name;
}

std::string ExplainPlan(const LocalPlan& local) {
  const Plan& plan = *local.plan;
  std::string out;
  Say(out, "pipeline " + plan.pipeline + ", revision " + plan.hash);
  const auto buffers = std::count_if(plan.nodes.begin(), plan.nodes.end(),
                                     [](const PlanNode& n) { return n.buffer.has_value(); });
  const auto processes = local.workers() + static_cast<int>(buffers);
  Say(out, std::to_string(local.stages.size()) + " stage" + (local.stages.size() == 1 ? "" : "s") + ", " +
               std::to_string(processes) + " worker process" + (processes == 1 ? "" : "es"));
  if (buffers > 0) Say(out, "");
  for (const PlanNode& node : plan.nodes) {
    if (!node.buffer) continue;
    Say(out, "ingest  " + node.name + " (" + node.source->place + ") into its log, at most " +
                 PrintSize(node.buffer->max));
  }
  for (const Stage& stage : local.stages) {
    Say(out, "");
    Say(out,
        "stage " + std::to_string(stage.id) + "  " + stage.name + "  x" + std::to_string(stage.parallelism));
    for (const Stage::Member& member : stage.members) {
      const PlanNode& node = plan.node(member.node);
      Say(out, "  " + MemberText(plan, member));
      if (member.part != NodePart::kWhole && member.part != NodePart::kMerge) continue;
      for (size_t port = 0; port < node.ports.size(); ++port) {
        const bool letters = static_cast<int>(port) == node.errors_port;
        if (letters && !node.wired[port]) continue;
        Say(out, "    " + node.ports[port].name + ": " +
                     (letters ? "rows that failed, with reason and place"
                              : Columns(*node.outputs[port], node.wanted[port])));
      }
    }
  }
  if (!local.edges.empty()) {
    Say(out, "");
    Say(out, "links");
  }
  for (const LocalEdge& edge : local.edges) {
    const PlanNode& from = plan.node(edge.from_node);
    const PlanNode& to = plan.node(edge.to_node);
    std::string line =
        "  " +
        (edge.encoded ? "encoded " + to.name
         : edge.combined
             ? "groups of " + to.name
             : from.name +
                   (edge.from_port > 0 ? "." + from.ports[static_cast<size_t>(edge.from_port)].name : ""));
    line += "  stage " + std::to_string(edge.from_stage) + " -> " + std::to_string(edge.to_stage) + "  " +
            std::string(PartitioningName(edge.partitioning));
    if (edge.ordered) line += ", merged in input order";
    int channels = 0;
    for (const Channel& channel : local.channels) channels += channel.edge == edge.id;
    line += ", " + std::to_string(channels) + " channel" + (channels == 1 ? "" : "s");
    Say(out, line);
  }
  Say(out, "");
  Say(out, "delivery");
  for (const Plan::Path& path : plan.paths) {
    Say(out, "  " + plan.node(path.source).name + " -> " + plan.node(path.sink).name + ": " +
                 std::string(DeliveryName(path.delivery)) + " (" + path.reason + ")");
  }
  return out;
}

}  // namespace

void AddExplainCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("explain", "Show stages, processes, links, columns and delivery");
  command->add_option("file", options->file, "Pipeline file")->required();
  command->add_option("--set", options->load.sets, "Override a value: path=value");
  command->add_option("--env-file", options->load.env_file, "File of KEY=VALUE lines for ${KEY}");
  command->footer("Example: streamrun explain pipelines/quickstart.yaml --set settings.parallelism=4");
  command->callback([options, &result] {
    const std::optional<LoadedPlan> loaded = LoadOrExplain(options->file, options->load);
    if (loaded) std::printf("%s", ExplainPlan(*CutPlan(loaded->plan)).c_str());
    result.exit_code = loaded ? kExitFine : kExitConfig;
  });
}

}  // namespace streamrun
