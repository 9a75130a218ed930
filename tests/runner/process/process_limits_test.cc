// Descriptors that a plan needs, and the limit it runs with.
#include "runner/process/process_limits.h"

#include <doctest/doctest.h>

namespace streamrun {
namespace {

// A source dealt to `parallelism` workers, whose rows go by key to as many.
LocalPlan Spread(int parallelism) {
  LocalPlan plan;
  const auto nodes = std::make_shared<Plan>();
  nodes->nodes.resize(1);
  plan.plan = nodes;
  for (int s = 0; s < 2; ++s) {
    Stage stage;
    stage.id = s;
    stage.name = s == 0 ? "in" : "sums";
    stage.parallelism = parallelism;
    stage.members.resize(2);
    plan.stages.push_back(stage);
  }
  LocalEdge edge;
  edge.from_stage = 0;
  edge.to_stage = 1;
  plan.edges.push_back(edge);
  for (int from = 0; from < parallelism; ++from) {
    for (int to = 0; to < parallelism; ++to) {
      plan.channels.push_back({static_cast<int>(plan.channels.size()), 0, from, to});
    }
  }
  return plan;
}

TEST_CASE(
    "the process that needs most counts: of few workers the supervisor, of many the one with most inputs") {
  const DescriptorNeed few = CountDescriptors(Spread(1));
  CHECK(few.process == "the supervisor");
  CHECK(few.count == 24 + 32 + 2 * 2);
  const DescriptorNeed many = CountDescriptors(Spread(100));
  CHECK(many.process == "worker sums[0]");
  CHECK(many.count == 24 + 2 * 4 + 100 * 5);
}

TEST_CASE("the limit stays, is raised to what is allowed, or the start is refused with the number") {
  const DescriptorNeed need{600, "worker sums[0]"};
  CHECK(*ChooseDescriptorLimit(need, 1024, 4096) == 1024);
  CHECK(*ChooseDescriptorLimit(need, 600, 600) == 600);
  CHECK(*ChooseDescriptorLimit(need, 256, 4096) == 4096);
  const auto refused = ChooseDescriptorLimit(need, 256, 512);
  REQUIRE(!refused.ok());
  CHECK(refused.status().code() == Code::kResourceExhausted);
  CHECK(refused.status().message() ==
        "worker sums[0] needs 600 open files, and at most 512 are allowed (ulimit -Hn, LimitNOFILE=): raise "
        "that, "
        "or lower the parallelism");
}

}  // namespace
}  // namespace streamrun
