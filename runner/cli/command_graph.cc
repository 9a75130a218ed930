// streamrun graph: the pipeline as a picture in text, Graphviz dot or Mermaid.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "runner/cli/commands.h"
#include "runner/cli/load.h"

namespace streamrun {

namespace {

struct Options {
  std::string file;
  std::string format = "text";
  LoadOptions load;
};

std::string PortLabel(const PlanNode& from, int port) {
  return port == 0 ? "" : from.ports[static_cast<size_t>(port)].name;
}

// Every node with what it feeds beneath it; a node that was shown already is only named.
class TextGraph {
 public:
  explicit TextGraph(const Plan& plan) : plan_(plan) {
    for (size_t i = 0; i < plan.nodes.size(); ++i) {
      for (const PlanNode::Input& input : plan.nodes[i].inputs) {
        children_[input.node].push_back({static_cast<int>(i), input.port});
      }
    }
  }

  void Print() {
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      if (plan_.nodes[i].source) Show(static_cast<int>(i), "", "", "");
    }
  }

 private:
  struct Child {
    int node;
    int port;
  };

  void Show(int index, const std::string& prefix, const std::string& branch, const std::string& label) {
    const PlanNode& node = plan_.node(index);
    const bool again = shown_[index];
    shown_[index] = true;
    std::printf("%s%s%s%s  (%s)%s\n", prefix.c_str(), branch.c_str(),
                label.empty() ? "" : (label + ": ").c_str(), node.name.c_str(), node.component.c_str(),
                again && !children_[index].empty() ? "  see above" : "");
    if (again) return;
    const std::string deeper = prefix + (branch.empty() ? "" : branch == "└─ " ? "   " : "│  ");
    const std::vector<Child>& children = children_[index];
    for (size_t i = 0; i < children.size(); ++i) {
      Show(children[i].node, deeper, i + 1 == children.size() ? "└─ " : "├─ ",
           PortLabel(node, children[i].port));
    }
  }

  const Plan& plan_;
  std::map<int, std::vector<Child>> children_;
  std::map<int, bool> shown_;
};

void PrintDot(const Plan& plan) {
  std::printf(
      "digraph \"%s\" {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", shape=box, style=rounded];\n",
      plan.pipeline.c_str());
  for (const PlanNode& node : plan.nodes) {
    const char* shape = node.source ? "cds" : node.sink ? "cylinder" : "box";
    std::printf("  %s [label=\"%s\\n%s\", shape=%s];\n", node.name.c_str(), node.name.c_str(),
                node.component.c_str(), shape);
  }
  for (const PlanNode& node : plan.nodes) {
    for (const PlanNode::Input& input : node.inputs) {
      const PlanNode& from = plan.node(input.node);
      const std::string label = PortLabel(from, input.port);
      std::printf("  %s -> %s%s;\n", from.name.c_str(), node.name.c_str(),
                  label.empty() ? "" : (" [label=\"" + label + "\"]").c_str());
    }
  }
  std::printf("}\n");
}

// `end` is a keyword of Mermaid, so every id gets a prefix.
void PrintMermaid(const Plan& plan) {
  std::printf("flowchart LR\n");
  for (const PlanNode& node : plan.nodes) {
    const char* open = node.source ? "([" : node.sink ? "[(" : "[";
    const char* close = node.source ? "])" : node.sink ? ")]" : "]";
    std::printf("  n_%s%s\"%s<br/>%s\"%s\n", node.name.c_str(), open, node.name.c_str(),
                node.component.c_str(), close);
  }
  for (const PlanNode& node : plan.nodes) {
    for (const PlanNode::Input& input : node.inputs) {
      const PlanNode& from = plan.node(input.node);
      const std::string label = PortLabel(from, input.port);
      std::printf("  n_%s -->%s n_%s\n", from.name.c_str(), label.empty() ? "" : ("|" + label + "|").c_str(),
                  node.name.c_str());
    }
  }
}

int Graph(const Options& options) {
  const std::optional<LoadedPlan> loaded = LoadOrExplain(options.file, options.load);
  if (!loaded) return kExitConfig;
  if (options.format == "dot") {
    PrintDot(*loaded->plan);
  } else if (options.format == "mermaid") {
    PrintMermaid(*loaded->plan);
  } else {
    TextGraph(*loaded->plan).Print();
  }
  return kExitFine;
}

}  // namespace

void AddGraphCommand(CLI::App& app, CliResult& result) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("graph", "Show which node feeds which");
  command->add_option("file", options->file, "Pipeline file")->required();
  command->add_option("--format", options->format, "text, dot or mermaid")
      ->check(CLI::IsMember({"text", "dot", "mermaid"}))
      ->capture_default_str();
  command->add_option("--set", options->load.sets, "Override a value: path=value");
  command->add_option("--env-file", options->load.env_file, "File of KEY=VALUE lines for ${KEY}");
  command->footer("Example: streamrun graph pipelines/quickstart.yaml --format dot | dot -Tsvg > graph.svg");
  command->callback([options, &result] { result.exit_code = Graph(*options); });
}

}  // namespace streamrun
