// A whole local plan, one task a worker, stepped in turn over channels in memory that hold one event: every
// row arrives once, in order where order is promised, and the ledger closes. GCC 12 sees uninitialised
// members when a variant of structs moves through an optional (GCC bug 105562 and kin).
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "runner/exec/task.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/base/env.h"
#include "runner/harness/memory_channel.h"
#include "tests/runner/planned.h"

namespace streamrun {
namespace {

struct Outcome {
  std::string written;
  int64_t rows_in = 0, rows_out = 0;
};

// The last epoch: a barrier through everything that has ended, then every sink commits.
void PublishOutput(const std::vector<std::unique_ptr<Task>>& tasks) {
  std::map<int, Ordinal> furthest;
  for (const auto& task : tasks) {
    for (const Task::Place& place : task->Trigger({1, BarrierKind::kFinal})) {
      furthest[place.node] = std::max(furthest[place.node], place.next);
    }
  }
  std::vector<Task::Place> bounds;
  for (const auto& [node, next] : furthest) bounds.push_back({node, next});
  size_t passed = 0, committed = 0;
  for (int round = 0; committed < tasks.size(); ++round) {
    REQUIRE_MESSAGE(round < 2000, "the last epoch is stuck");
    for (const auto& task : tasks) {
      task->SetBound(1, bounds);
      const Result<StepResult> step = task->Step();
      REQUIRE_MESSAGE(step.ok(), step.status().message());
      if (const auto snapshot = task->TakeSnapshot()) {
        CHECK(snapshot->epoch == 1);
        if (++passed == tasks.size()) {
          for (const auto& each : tasks) each->Commit(1);
        }
      }
      committed += task->TakeCommitted().has_value();
    }
  }
}

Outcome Run(const std::string& settings, const std::string& filter, int64_t rows) {
  const std::string folder =
      std::filesystem::temp_directory_path() / ("streamrun_task_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  {
    std::ofstream in(folder + "/in.jsonl");
    for (int64_t i = 0; i < rows; ++i)
      in << "{\"k\":" << i << ",\"pad\":\"" << std::string(80, 'x') << "\"}\n";
  }
  const std::string text =
      "pipeline: p\nsettings: {" + settings + "}\nsources:\n  a: {connector: file, path: " + folder +
      "/in.jsonl, format: json, schema: {k: bigint, pad: text}, on_error: fail}\noperators:\n  f: {operator: "
      "filter, input: a, where: k % 10 <> 3" +
      filter +
      "}\n  m: {operator: map, input: f, keep: [k]}\nsinks:\n  out: {connector: file, path: " + folder +
      "/out.jsonl, input: m, format: json}\n";
  const PlanPtr plan = PlanOf(text);
  const LocalPlanPtr local = CutPlan(plan);

  std::vector<MemoryChannel> pipes(local->channels.size(), MemoryChannel(1));
  std::map<int, InChannel*> in;
  std::map<int, OutChannel*> out;
  for (const Channel& c : local->channels) {
    in[c.id] = &pipes[static_cast<size_t>(c.id)];
    out[c.id] = &pipes[static_cast<size_t>(c.id)];
  }
  std::vector<std::unique_ptr<Task>> tasks;
  for (const Stage& stage : local->stages) {
    for (int i = 0; i < stage.parallelism; ++i) {
      TaskOptions task;
      task.env = Env::Default();
      task.run_directory = folder;
      auto made = CreateTask(local, stage.id, i, in, out, task);
      REQUIRE(made.ok());
      tasks.push_back(std::move(*made));
      const Status opened = tasks.back()->Open();
      REQUIRE_MESSAGE(opened.ok(), opened.message());
    }
  }
  std::vector<bool> done(tasks.size(), false);
  int64_t rounds = 0, quiet = 0;
  while (std::find(done.begin(), done.end(), false) != done.end()) {
    REQUIRE_MESSAGE(++quiet < 2000, "stuck");
    REQUIRE(++rounds < 10'000'000);
    for (size_t t = 0; t < tasks.size(); ++t) {
      if (done[t]) continue;
      const Result<StepResult> step = tasks[t]->Step();
      REQUIRE_MESSAGE(step.ok(), step.status().message());
      if (*step != StepResult::kWait) quiet = 0;
      done[t] = *step == StepResult::kDone;
    }
  }
  PublishOutput(tasks);
  Outcome outcome;
  for (const auto& task : tasks) {
    for (const NodeCounters& c : task->Counters().nodes) {
      if (plan->node(c.node).source) outcome.rows_in += c.rows_in;
      if (plan->node(c.node).sink) outcome.rows_out += c.rows_out;
    }
  }
  const auto written = Env::Default()->ReadFile(folder + "/out.jsonl", 1 << 26);
  REQUIRE(written.ok());
  outcome.written = *written;
  std::filesystem::remove_all(folder);
  return outcome;
}

TEST_CASE("every row arrives once and in the order of the file, however the plan is cut") {
  constexpr int64_t kRows = 60'000;  // some six chunks
  std::string expected;
  for (int64_t i = 0; i < kRows; ++i) {
    if (i % 10 != 3) expected += "{\"k\":" + std::to_string(i) + "}\n";
  }
  const std::pair<std::string, std::string> cuts[] = {
      {"", ""},
      {"parallelism: 3", ""},
      {"engine: {local: {fuse: none}}", ""},
      {"", ", parallelism: 3"},
      {"parallelism: 3", ", parallelism: 2"},
      {"parallelism: 2", ", parallelism: 1"},
      {"parallelism: 2", ", process: own"},
  };
  for (const auto& cut : cuts) {
    const auto& settings = cut.first;
    const auto& filter = cut.second;
    CAPTURE(settings);
    CAPTURE(filter);
    const Outcome outcome = Run(settings, filter, kRows);
    CHECK(outcome.written == expected);
    CHECK(outcome.rows_in == kRows);
    CHECK(outcome.rows_out == kRows - kRows / 10);
  }
}

}  // namespace
}  // namespace streamrun
