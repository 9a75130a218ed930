// Each stages/NAME.yaml is planned and cut; the stages and links must equal stages/NAME.txt.
// SR_UPDATE_CASES=1 rewrites the .txt files.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "core/base/env.h"
#include "runner/config/report.h"
#include "runner/local/local_plan.h"

namespace streamrun {
namespace {

const std::string kFolder = std::string(SR_SOURCE_DIR) + "/tests/runner/plan/stages/";

PlanPtr PlanOf(const std::string& name) {
  const auto text = Env::Default()->ReadFile(kFolder + name, 1 << 20);
  REQUIRE(text.ok());
  Diagnostics diagnostics;
  ReadOptions options;
  options.env = Env::Default();
  const auto file = ParsePipeline(*text, name, options, diagnostics);
  REQUIRE(file.has_value());
  PlanPtr plan = BuildPlan(*file, diagnostics);
  REQUIRE_MESSAGE(plan != nullptr, RenderFindings(diagnostics.findings(), *text, false));
  return plan;
}

std::string Show(const LocalPlan& local) {
  const Plan& plan = *local.plan;
  std::string out;
  for (const Stage& stage : local.stages) {
    out += "stage " + std::to_string(stage.id) + " x" + std::to_string(stage.parallelism) + ":";
    for (const Stage::Member& m : stage.members) {
      out += " " + plan.node(m.node).name;
      if (m.part == NodePart::kEncode) out += ".encode" + std::to_string(m.input);
      if (m.part == NodePart::kWrite) out += ".write";
    }
    out += "\n";
  }
  for (const LocalEdge& edge : local.edges) {
    out += plan.node(edge.from_node).name + " -> " + plan.node(edge.to_node).name + ": stage " +
           std::to_string(edge.from_stage) + " -> " + std::to_string(edge.to_stage) + " " +
           std::string(PartitioningName(edge.partitioning)) + (edge.encoded ? " encoded" : "") +
           (edge.ordered ? " ordered" : "") + ",";
    for (const Channel& c : local.channels) {
      if (c.edge == edge.id)
        out += " " + std::to_string(c.from_instance) + ">" + std::to_string(c.to_instance);
    }
    out += "\n";
  }
  return out;
}

TEST_CASE("pipelines are cut as expected") {
  const auto names = Env::Default()->List(kFolder);
  REQUIRE(names.ok());
  int cases = 0;
  for (const std::string& name : *names) {
    if (!name.ends_with(".yaml")) continue;
    CAPTURE(name);
    ++cases;
    const PlanPtr plan = PlanOf(name);
    const LocalPlanPtr local = CutPlan(plan);
    const std::string actual = Show(*local);
    const std::string expected = kFolder + name.substr(0, name.size() - 5) + ".txt";
    if (std::getenv("SR_UPDATE_CASES") != nullptr) {
      REQUIRE(Env::Default()->WriteFileAtomically(expected, actual).ok());
    }
    const auto text = Env::Default()->ReadFile(expected, 1 << 20);
    REQUIRE(text.ok());
    CHECK(actual == *text);
    // No cycle: the longest chain of stages is finite.
    std::vector<int> depth(local->stages.size(), 0);
    for (size_t round = 0; round < local->stages.size(); ++round) {
      for (const LocalEdge& e : local->edges) {
        int& to = depth[static_cast<size_t>(e.to_stage)];
        to = std::max(to, depth[static_cast<size_t>(e.from_stage)] + 1);
      }
    }
    for (const int d : depth) CHECK(d < static_cast<int>(local->stages.size()));
    // `streamrun test` runs all of it as one task.
    CHECK(CutPlan(plan, true)->stages.size() == 1);
    CHECK(CutPlan(plan, true)->channels.empty());
  }
  CHECK(cases >= 12);
}

}  // namespace
}  // namespace streamrun
