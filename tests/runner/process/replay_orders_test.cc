// Which orders a run takes in, which it drops, and when an epoch may begin.
#include "runner/process/replay_orders.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

namespace streamrun {
namespace {

struct StateDir {
  std::string path = (std::filesystem::temp_directory_path() / "sr-orders-XXXXXX").string();
  StateDir() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~StateDir() { std::filesystem::remove_all(path); }

  void Give(uint64_t number, const std::string& node) const {
    ReplayLine line;
    line.node = node;
    line.token = std::to_string(number);
    line.entry.input = 0;
    line.row = "{}";
    REQUIRE(WriteReplayOrder(Env::Default(), path, number, 1, {line}).ok());
  }
};

// Two nodes in a row; the second one keeps state.
struct TestPlan {
  TestPlan() {
    plan.nodes.resize(2);
    plan.nodes[0].name = "a";
    plan.nodes[1].name = "b";
    plan.nodes[1].inputs.push_back({0, 0});
    plan.order = {0, 1};
    auto op = std::make_shared<Stateful>();
    op->states.push_back({"t", std::make_shared<const Schema>(), std::make_shared<const Schema>(), 1});
    plan.nodes[1].op = op;
  }
  struct Stateful : BoundOperator {
    std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>&) const override { return {}; }
    std::unique_ptr<Operator> Create() const override { return nullptr; }
  };
  Plan plan;
};

Manifest Checkpoint(uint64_t replayed, bool b_ended) {
  Manifest manifest;
  manifest.replayed = replayed;
  StoredNode node;
  node.snapshot.node = "b";
  node.snapshot.ended = b_ended;
  manifest.fragments.emplace_back().nodes.push_back(node);
  return manifest;
}

TEST_CASE("a run goes on with every order that its checkpoint does not have in it") {
  StateDir dir;
  TestPlan test;
  for (uint64_t number = 1; number <= 3; ++number) dir.Give(number, "a");
  ReplayOrders orders(Env::Default(), dir.path);
  REQUIRE(orders.GoOn(test.plan, Checkpoint(1, false)).ok());
  CHECK(orders.accepted() == 3);
  CHECK(orders.applied() == 3);
  CHECK_FALSE(orders.wanted());
}

TEST_CASE("orders that cannot be applied are dropped and leave the others") {
  StateDir dir;
  TestPlan test;
  dir.Give(1, "gone");
  dir.Give(2, "b");
  ReplayOrders orders(Env::Default(), dir.path);
  REQUIRE(orders.GoOn(test.plan, Checkpoint(0, false)).ok());
  CHECK(orders.accepted() == 2);
  CHECK(orders.Above(0)->size() == 1);
  // Its last results were given: nothing that came now could correct them.
  REQUIRE(orders.GoOn(test.plan, Checkpoint(0, true)).ok());
  CHECK(orders.accepted() == 0);
  CHECK(orders.Above(0)->empty());
  CHECK(ReplayObstacle(test.plan, Checkpoint(0, true), {"a"})
            .starts_with("node 'b' has given its last results"));
}

TEST_CASE("orders follow a node that was renamed") {
  StateDir dir;
  TestPlan test;
  dir.Give(1, "old a");
  dir.Give(2, "old b");
  test.plan.nodes[0].renamed_from = "old a";
  test.plan.nodes[1].renamed_from = "old b";
  ReplayOrders orders(Env::Default(), dir.path);
  REQUIRE(orders.GoOn(test.plan, Checkpoint(0, false)).ok());
  CHECK(orders.accepted() == 2);
  CHECK(orders.Above(0)->size() == 2);
  Manifest ended = Checkpoint(0, true);
  ended.fragments[0].nodes[0].snapshot.node = "old b";
  CHECK(ReplayObstacle(test.plan, ended, {"old a"}).starts_with("node 'b' has given its last results"));
}

std::string Tokens(const std::string& state, uint64_t number) {
  const auto reader = ReplayReader::Open(Env::Default(), ReplayPath(state, number));
  if (!reader.ok()) return reader.status().code() == Code::kNotFound ? "gone" : reader.status().ToString();
  std::string tokens = (*reader)->order().settled ? "settled" : "whole";
  for (;;) {
    const auto line = (*reader)->Next();
    REQUIRE(line.ok());
    if (!*line) return tokens;
    tokens += " " + (*line)->token + ((*line)->row ? " row" : "");
  }
}

TEST_CASE("what no checkpoint could apply again is cut down to tokens, and goes with its run") {
  StateDir dir;
  Env* env = Env::Default();
  for (uint64_t number = 1; number <= 5; ++number) dir.Give(number, "a");
  REQUIRE(DropReplayOrder(env, dir.path, 3).ok());
  ReplayOrders orders(env, dir.path);
  REQUIRE(orders.Settle(2, 0).ok());
  CHECK(Tokens(dir.path, 1) == "settled 1");
  CHECK(Tokens(dir.path, 2) == "settled 2");
  CHECK(Tokens(dir.path, 4) == "whole 4 row");
  CHECK_FALSE(std::filesystem::exists(dir.path + "/replay/3.dropped"));
  CHECK(VerifyReplayOrder(env, dir.path, 1).ok());
  CHECK(orders.Above(0)->size() == 4);
  // All kept checkpoints are of a run that began behind epoch 1, in which the letters stood.
  REQUIRE(orders.Settle(5, 1).ok());
  CHECK(Tokens(dir.path, 1) == "gone");
  CHECK(Tokens(dir.path, 4) == "gone");
  CHECK(Tokens(dir.path, 5) == "settled 5");
  CHECK(*NextReplayNumber(env, dir.path) == 6);
}

TEST_CASE("a damaged order stops the start") {
  StateDir dir;
  TestPlan test;
  dir.Give(1, "a");
  Env* env = Env::Default();
  const std::string text = *env->ReadFile(ReplayPath(dir.path, 1), 1 << 20);
  REQUIRE(env->WriteFileAtomically(ReplayPath(dir.path, 1), text + "{}\n").ok());
  ReplayOrders orders(env, dir.path);
  CHECK(orders.GoOn(test.plan, Checkpoint(0, false)).code() == Code::kCorruption);
}

TEST_CASE("what begins anew takes nothing in, and its own orders get new numbers") {
  StateDir dir;
  for (uint64_t number = 1; number <= 3; ++number) dir.Give(number, "a");
  ReplayOrders orders(Env::Default(), dir.path);
  REQUIRE(orders.DropAbove(1, "begins anew").ok());
  CHECK(orders.applied() == 3);
  CHECK(orders.Above(0)->size() == 1);
  CHECK(*NextReplayNumber(Env::Default(), dir.path) == 4);
}

TEST_CASE("while some workers have applied an order and others have not, no epoch begins") {
  StateDir dir;
  TestPlan test;
  ReplayOrders orders(Env::Default(), dir.path);
  REQUIRE(orders.GoOn(test.plan, Checkpoint(0, false)).ok());
  dir.Give(1, "a");
  orders.Add(test.plan, 1);
  orders.Choose(test.plan, Checkpoint(0, false));
  CHECK(orders.wanted());
  CHECK(orders.accepted() == 0);
  CHECK(orders.Begin({0, 1, 2}) == 1);
  CHECK(orders.under_way());
  CHECK(orders.accepted() == 1);  // for a worker that starts now
  CHECK(orders.applied() == 0);
  CHECK_FALSE(orders.Answered(0, 1));
  CHECK_FALSE(orders.Answered(0, 1));
  CHECK_FALSE(orders.Answered(1, 0));
  CHECK_FALSE(orders.Gone(1));
  CHECK(orders.under_way());
  CHECK(orders.Answered(2, 1));
  CHECK_FALSE(orders.under_way());
  CHECK(orders.applied() == 1);
  CHECK_FALSE(orders.Gone(2));
}

TEST_CASE("a pipeline with an end takes letters in as long as a restart would not be seen") {
  StateDir dir;
  TestPlan test;
  ReplayOrders orders(Env::Default(), dir.path);
  REQUIRE(orders.GoOn(test.plan, Checkpoint(0, false)).ok());
  const std::vector<std::string> nodes = {"b"};
  struct Bounded : BoundSource {
    std::unique_ptr<Source> Create(const FormatTraits&) const override { return nullptr; }
  };
  auto source = std::make_shared<Bounded>();
  source->bounded = true;
  test.plan.nodes[0].source = source;
  Manifest part = Checkpoint(0, false);
  part.fragments.push_back(Checkpoint(0, true).fragments[0]);
  CHECK(ReplayDelay(test.plan, Checkpoint(0, false), nodes).empty());
  CHECK(ReplayDelay(test.plan, part, nodes) == "node 'b' has come to its end");
  test.plan.paths.push_back({0, 1, Delivery::kAtLeastOnce, ""});
  CHECK(ReplayDelay(test.plan, Checkpoint(0, false), nodes).find("'a' to 'b'") != std::string::npos);
  // One that waits holds up those behind it: a checkpoint has one number.
  dir.Give(1, "b");
  dir.Give(2, "b");
  orders.Add(test.plan, 2);
  orders.Choose(test.plan, Checkpoint(0, false));
  CHECK_FALSE(orders.wanted());
  CHECK(orders.Above(0)->size() == 2);
  test.plan.paths.clear();
  orders.Add(test.plan, 2);
  orders.Choose(test.plan, Checkpoint(0, false));
  CHECK(orders.Begin({0}) == 2);
  // No restart could apply it any more.
  dir.Give(3, "a");
  orders.Add(test.plan, 3);
  orders.Choose(test.plan, Checkpoint(2, true));
  CHECK(orders.Above(0)->size() == 2);
}

}  // namespace
}  // namespace streamrun
