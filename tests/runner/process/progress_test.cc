// Progress and summary texts.
#include "runner/process/progress.h"

#include <doctest/doctest.h>

namespace streamrun {
namespace {

PipelineStatus Example() {
  PipelineStatus s;
  s.pipeline = "bids";
  s.phase = Phase::kFinished;
  s.elapsed = 2'500'000;
  s.dead_letter_directory = "/state/dlq";
  NodeStatus source;
  source.name = "bids";
  source.kind = "source";
  source.place = "file bids.jsonl";
  source.now.rows_in = 1'000'003;
  source.now.rows_out = 1'000'000;
  source.now.bytes_in = 200 * 1024 * 1024;
  source.now.fates[static_cast<size_t>(Fate::kDeadLettered)] = 3;
  source.total_bytes = 400 * 1024 * 1024;
  source.dead_letters = 3;
  NodeStatus filter;
  filter.name = "dear";
  filter.kind = "operator";
  filter.now.rows_in = 1'000'000;
  filter.now.rows_out = 400'000;
  filter.now.fates[static_cast<size_t>(Fate::kFiltered)] = 600'000;
  filter.ports = {{"ok", 400'000}};
  s.nodes = {source, filter};
  s.dead_letters = 3;
  StageStatus stage;
  stage.name = "bids+dear";
  stage.rows = 1'000'003;
  stage.bytes = 200 * 1024 * 1024;
  stage.workers.resize(2);
  s.stages = {stage};
  return s;
}

TEST_CASE("the summary says where every row went") {
  PipelineStatus s = Example();
  CHECK(RenderSummary(s) ==
        "bids finished after 2.50 s\n"
        "\n"
        "  node  kind        rows in   rows out  what became of the others\n"
        "  bids  source    1,000,003  1,000,000  3 dead-lettered; file bids.jsonl (200.0 MiB)\n"
        "  dear  operator  1,000,000    400,000  600,000 filtered\n"
        "\n"
        "  ledger balances: every row is accounted for\n"
        "  dead letters: 3 rows in /state/dlq\n");
  s.phase = Phase::kFailed;
  s.residue = 12;
  s.nodes[1].residue = 12;
  s.restarts = 1;
  s.last_failure = "worker x[0/1]: killed by signal 9 (Killed)";
  s.remarks = {"restarted: 'out' may have received rows twice"};
  const std::string text = RenderSummary(s);
  CHECK(text.starts_with("bids failed after 2.50 s and 1 restart\n"));
  CHECK(text.find("600,000 filtered, 12 under way\n") != std::string::npos);
  CHECK(text.find("  ledger: 12 rows were still under way\n") != std::string::npos);
  CHECK(text.find("  restarted: 'out' may have received rows twice\n") != std::string::npos);
  CHECK(text.find("  failed: worker x[0/1]: killed by signal 9 (Killed)\n") != std::string::npos);
}

TEST_CASE("the live block shows rates since the last snapshot and the time left, cut to the terminal") {
  PipelineStatus before = Example();
  before.phase = Phase::kRunning;
  before.elapsed = 1'500'000;
  before.stages[0].rows = 3;
  before.stages[0].bytes = 100 * 1024 * 1024;
  before.nodes[0].now.bytes_in = 100 * 1024 * 1024;
  PipelineStatus now = Example();
  now.phase = Phase::kRunning;
  CHECK(RenderLive(now, &before, 200) ==
        "bids running 2.50 s, about 2.00 s left, 3 dead letters\n"
        "  bids+dear x2     1.00 M rows/s    100.0 MiB/s       1,000,003 rows\n");
  for (const int width : {10, 40}) {
    const std::string text = RenderLive(now, &before, width);
    CHECK(text.find('\n') == static_cast<size_t>(width));
  }
  CHECK(RenderLine(now, &before) ==
        "bids running 2.50 s, about 2.00 s left, 3 dead letters; bids+dear 1,000,003 rows, 1.00 M rows/s, "
        "100.0 MiB/s");
}

TEST_CASE("after a restart counts fall back and rates are zero, not negative") {
  PipelineStatus before = Example();
  before.elapsed = 1'500'000;
  PipelineStatus now = Example();
  now.stages[0].rows = 5;
  CHECK(RenderLine(now, &before).find("5 rows, 0 rows/s") != std::string::npos);
}

TEST_CASE("numbers are written for people") {
  CHECK(GroupDigits(0) == "0");
  CHECK(GroupDigits(999) == "999");
  CHECK(GroupDigits(1000) == "1,000");
  CHECK(GroupDigits(-1234567) == "-1,234,567");
  CHECK(HumanBytes(0) == "0 B");
  CHECK(HumanBytes(1023) == "1023 B");
  CHECK(HumanBytes(1536) == "1.5 KiB");
  CHECK(HumanDuration(420 * kMillisecond) == "0.42 s");
  CHECK(HumanDuration(59'900 * kMillisecond) == "59.9 s");
  CHECK(HumanDuration(185 * kSecond) == "3 m 05 s");
  CHECK(HumanDuration(2 * kHour + 3 * kMinute) == "2 h 03 m");
}

}  // namespace
}  // namespace streamrun
