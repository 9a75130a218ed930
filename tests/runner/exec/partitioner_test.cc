// The sending end of an edge: which lane an event takes, what waits for company, and what a full channel
// does.
#include "runner/exec/partitioner.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "runner/harness/virtual_env.h"

namespace streamrun {
namespace {

class Lane final : public OutChannel {
 public:
  Result<bool> TrySend(const Event& event) override {
    if (full) return false;
    if (const auto* rows = std::get_if<Rows>(&event)) {
      seen += " r" + std::to_string(rows->batch->rows());
      if (rows->ordinal != kNoOrdinal) seen += "@" + std::to_string(rows->ordinal);
    }
    if (const auto* w = std::get_if<Watermark>(&event)) seen += " w" + std::to_string(w->time);
    if (std::holds_alternative<EndOfStream>(event)) seen += " end";
    return true;
  }
  std::string Take() { return std::exchange(seen, ""); }
  bool full = false;
  std::string seen;
};

Rows Some(int64_t rows, Ordinal ordinal = kNoOrdinal) {
  static const SchemaPtr schema = std::make_shared<const Schema>();
  return Rows{std::make_shared<const Batch>(schema, rows, std::vector<ColumnPtr>()), ordinal};
}

struct Rig {
  explicit Rig(Partitioning how, int lanes) : lane(static_cast<size_t>(lanes)) {
    edge.partitioning = how;
    partitioner = std::make_unique<Partitioner>(edge, std::vector<ExpressionPtr>(), KeyGroups(128),
                                                5 * kMillisecond, &env);
    for (int i = 0; i < lanes; ++i) partitioner->AddChannel(i, &lane[static_cast<size_t>(i)]);
  }
  void Push(const Event& event) { REQUIRE(partitioner->Push(event).ok()); }
  void Send(bool everything) { REQUIRE(partitioner->Send(everything).ok()); }
  VirtualEnv env;
  LocalEdge edge;
  std::vector<Lane> lane;
  std::unique_ptr<Partitioner> partitioner;
};

TEST_CASE("round robin keeps the batches of one ordinal in one lane") {
  Rig rig(Partitioning::kRoundRobin, 2);
  for (const Ordinal o : {4, 4, 5, 6}) rig.Push(Some(1, o));
  rig.Send(true);
  rig.Send(true);
  CHECK(rig.lane[0].Take() == " r2@4 r1@6");
  CHECK(rig.lane[1].Take() == " r1@5");
}

TEST_CASE("the least loaded lane gets the next batch, and a slow lane does not stop the others") {
  Rig rig(Partitioning::kLeastLoaded, 3);
  rig.lane[1].full = true;
  for (int i = 0; i < 9; ++i) {
    CHECK(rig.partitioner->HasRoom());
    rig.Push(Some(1, static_cast<Ordinal>(i)));
    rig.Send(true);
  }
  rig.lane[1].full = false;
  rig.Send(true);
  rig.Send(true);
  const std::string slow = rig.lane[1].Take();
  CHECK(std::count(slow.begin(), slow.end(), 'r') <= 2);
  const std::string a = rig.lane[0].Take();
  const std::string b = rig.lane[2].Take();
  CHECK(std::count(a.begin(), a.end(), 'r') + std::count(b.begin(), b.end(), 'r') >= 7);
}

TEST_CASE("batches of one ordinal stay together whatever the load") {
  Rig rig(Partitioning::kLeastLoaded, 2);
  for (const Ordinal o : {4, 4, 4, 5}) rig.Push(Some(1, o));
  rig.Send(true);
  rig.Send(true);
  const std::string a = rig.lane[0].Take();
  const std::string b = rig.lane[1].Take();
  CHECK((a == " r3@4" ? b == " r1@5" : a == " r1@5" && b == " r3@4"));
}

TEST_CASE("a broadcast gives every lane everything") {
  Rig rig(Partitioning::kBroadcast, 3);
  rig.Push(Some(2));
  rig.Push(EndOfStream{});
  for (Lane& lane : rig.lane) CHECK(lane.Take() == " r2 end");
}

TEST_CASE("rows wait for company until linger has passed, a watermark stays behind them") {
  Rig rig(Partitioning::kSingle, 1);
  CHECK(rig.partitioner->Deadline() == kMaxTimestamp);
  rig.Push(Some(1));
  rig.Push(Watermark{7});
  CHECK(rig.lane[0].Take() == "");
  CHECK(rig.partitioner->Deadline() == rig.env.MonotonicNow() + 5 * kMillisecond);
  CHECK_FALSE(rig.partitioner->Empty());
  rig.Send(true);
  CHECK(rig.lane[0].Take() == " r1 w7");
  CHECK(rig.partitioner->Empty());
}

TEST_CASE("a watermark without rows lingers no longer than rows do") {
  Rig rig(Partitioning::kRoundRobin, 2);
  rig.Push(Watermark{7});
  CHECK(rig.partitioner->Deadline() == rig.env.MonotonicNow() + 5 * kMillisecond);
  rig.env.Advance(2 * kMillisecond);
  rig.Push(Watermark{8});
  CHECK(rig.partitioner->Deadline() == rig.env.MonotonicNow() + 3 * kMillisecond);
  rig.Send(true);
  CHECK(rig.lane[1].Take() == " w8");
}

TEST_CASE("a full channel holds events in order, stops the producer and loses nothing") {
  Rig rig(Partitioning::kSingle, 1);
  rig.lane[0].full = true;
  rig.Push(Some(1, 0));
  CHECK(rig.partitioner->HasRoom());
  rig.Push(Some(2, 1));
  rig.Push(Some(3, 2));
  CHECK(rig.partitioner->Blocked());
  CHECK_FALSE(rig.partitioner->HasRoom());
  rig.env.Advance(9 * kMillisecond);
  CHECK(rig.partitioner->Deadline() == kMaxTimestamp);  // woken by the channel, not by the clock
  rig.lane[0].full = false;
  rig.Push(EndOfStream{});
  CHECK(rig.lane[0].Take() == " r1@0 r2@1 r3@2 end");
  CHECK(rig.partitioner->HasRoom());
  std::vector<ChannelCounters> counters;
  rig.partitioner->AppendCounters(&counters);
  CHECK(counters[0].rows == 6);
  CHECK(counters[0].full_us == 9 * kMillisecond);
}

}  // namespace
}  // namespace streamrun
