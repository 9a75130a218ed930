// Every interleaving of two workers and two epochs with one fault (a worker dies, refuses, or does not answer
// in time) anywhere: RELIABILITY 6 (1), invariants I1 and I2 of 1.4.
#include "runner/checkpoint/coordinator.h"

#include <doctest/doctest.h>
#include <deque>
#include <string>

namespace streamrun {
namespace {

using Kind = Coordinator::Action::Kind;

struct FromWorker {
  enum class Kind { kPlaces, kAck, kCommitted } kind;
  uint64_t epoch;
};

// One world: the coordinator, what is on its way to it, and what workers and disk know. A worker answers as
// soon as it is asked; that it might have died before it did is one of its deaths.
struct World {
  World(int workers, CheckpointTimes times)
      : coordinator(std::vector<bool>(static_cast<size_t>(workers), true), 0, times),
        up(static_cast<size_t>(workers)),
        alive(static_cast<size_t>(workers), true),
        durable(static_cast<size_t>(workers), 0),
        committed(static_cast<size_t>(workers), 0) {}

  Coordinator coordinator;
  std::vector<std::deque<FromWorker>> up;
  std::vector<bool> alive;
  std::vector<uint64_t> durable;    // newest epoch whose part is on disk, of the running worker
  std::vector<uint64_t> committed;  // newest epoch that the worker committed
  uint64_t current = 0;             // decided
  uint64_t finished = 0;            // marker
  uint64_t triggered = 0;
  int faults = 1;
  int finishes = 0;
  Timestamp now = 0;
};

class Search {
 public:
  explicit Search(int epochs) : epochs_(epochs) {}

  // All worlds that can follow.
  void Explore(const World& world) {
    ++visited_;
    REQUIRE(visited_ < 20'000'000);
    if (world.finishes >= epochs_) return;
    bool moved = false;
    for (size_t w = 0; w < world.alive.size(); ++w) {
      if (!world.up[w].empty()) moved = true, Answer(world, w);
      if (!world.alive[w] && world.up[w].empty()) moved = true, Restart(world, w);
      if (world.faults > 0 && world.alive[w]) Kill(world, w);
    }
    if (world.faults > 0) PassTimeout(world);
    // With nothing on its way, only the next epoch may be awaited: else somebody waits for ever.
    if (!moved) {
      REQUIRE(world.coordinator.phase() == Coordinator::Phase::kIdle);
      NextEpoch(world);
    }
  }

  int64_t visited() const { return visited_; }

 private:
  void Answer(World world, size_t w) {
    const FromWorker message = world.up[w].front();
    world.up[w].pop_front();
    const int worker = static_cast<int>(w);
    switch (message.kind) {
      case FromWorker::Kind::kPlaces:
        world.coordinator.Places(worker, message.epoch, {{0, w}});
        break;
      case FromWorker::Kind::kAck:
        if (world.faults > 0) Refuse(world, worker, message.epoch);
        world.coordinator.Ack(worker, message.epoch);
        break;
      case FromWorker::Kind::kCommitted:
        world.coordinator.Committed(worker, message.epoch, world.now);
        break;
    }
    Act(world);
    Explore(world);
  }

  void Refuse(World world, int worker, uint64_t epoch) {
    --world.faults;
    world.coordinator.Nack(worker, epoch, world.now);
    Act(world);
    Explore(world);
  }

  // What it said before it died is still heard, however much that was.
  void Kill(World world, size_t w) {
    --world.faults;
    world.alive[w] = false;
    for (;;) {
      Explore(world);
      if (world.up[w].empty()) return;
      world.up[w].pop_back();
    }
  }

  // Its death is noticed, and a new one is restored from what is decided.
  void Restart(World world, size_t w) {
    const int worker = static_cast<int>(w);
    world.coordinator.Gone(worker, world.now);
    Act(world);
    world.alive[w] = true;
    world.durable[w] = world.committed[w] = world.current;
    world.coordinator.Back(worker, world.now);
    Act(world);
    Explore(world);
  }

  void PassTimeout(World world) {
    const auto phase = world.coordinator.phase();
    if (phase != Coordinator::Phase::kPlaces && phase != Coordinator::Phase::kAcks) return;
    --world.faults;
    world.now = world.coordinator.Deadline();
    world.coordinator.Tick(world.now);
    Act(world);
    Explore(world);
  }

  void NextEpoch(World world) {
    REQUIRE(world.coordinator.Deadline() != kMaxTimestamp);
    world.now = world.coordinator.Deadline();
    world.coordinator.Tick(world.now);
    Act(world);
    Explore(world);
  }

  static void Act(World& world) {
    for (auto actions = world.coordinator.Take(); !actions.empty(); actions = world.coordinator.Take()) {
      for (const Coordinator::Action& action : actions) Do(world, action);
    }
  }

  static void Do(World& world, const Coordinator::Action& action) {
    switch (action.kind) {
      case Kind::kTrigger:
        CHECK(action.epoch > world.triggered);   // numbers are never used again
        CHECK(world.finished == world.current);  // I2: at most one epoch is decided and not committed
        world.triggered = action.epoch;
        return Ask(world, [&](size_t w) {
          world.up[w].push_back({FromWorker::Kind::kPlaces, action.epoch});
        });
      case Kind::kBound:
        CHECK(action.bounds.size() == 1);
        CHECK(action.bounds.front().next == world.alive.size() - 1);  // the furthest of all
        return Ask(world, [&](size_t w) {
          world.durable[w] = action.epoch;
          world.up[w].push_back({FromWorker::Kind::kAck, action.epoch});
        });
      case Kind::kAbort:
        CHECK(action.epoch > world.current);  // what is decided is never given up
        return;
      case Kind::kDecide:
        for (const uint64_t durable : world.durable) CHECK(durable >= action.epoch);
        CHECK(action.epoch > world.current);  // I1
        world.current = action.epoch;
        return world.coordinator.Decided(action.epoch, world.now);
      case Kind::kCommit:
        CHECK(world.current == action.epoch);  // I3 relies on it: never before the decision
        return Ask(world, [&](size_t w) {
          world.committed[w] = action.epoch;
          world.up[w].push_back({FromWorker::Kind::kCommitted, action.epoch});
        });
      case Kind::kFinish:
        for (const uint64_t committed : world.committed) CHECK(committed == action.epoch);
        world.finished = action.epoch;
        ++world.finishes;
        return;
    }
  }

  template <typename F>
  static void Ask(World& world, const F& ask) {
    for (size_t w = 0; w < world.alive.size(); ++w) {
      if (world.alive[w]) ask(w);
    }
  }

  const int epochs_;
  int64_t visited_ = 0;
};

World Started(int workers) {
  CheckpointTimes times;
  times.interval = kSecond;
  World world(workers, times);
  for (int w = 0; w < workers; ++w) world.coordinator.Back(w, 0);
  CHECK(world.coordinator.Take().empty());
  return world;
}

TEST_CASE("every interleaving of two workers, two epochs and one fault keeps the invariants") {
  Search search(2);
  search.Explore(Started(2));
  MESSAGE(search.visited() << " states");
}

TEST_CASE("a stop goes before the end, and the end before what is due by time") {
  World world = Started(1);
  world.coordinator.Request(BarrierKind::kFinal);
  world.coordinator.Request(BarrierKind::kStop);
  world.coordinator.Request(BarrierKind::kSavepoint);
  world.coordinator.Tick(world.coordinator.Deadline());
  const auto actions = world.coordinator.Take();
  REQUIRE(actions.size() == 1);
  CHECK(actions[0].kind == Kind::kTrigger);
  CHECK(actions[0].barrier == BarrierKind::kStop);
}

TEST_CASE("a stop that was given up is tried again, after a pause") {
  World world = Started(1);
  world.coordinator.Request(BarrierKind::kStop);
  const Timestamp first = world.coordinator.Deadline();
  world.coordinator.Tick(first);
  world.coordinator.Take();
  world.coordinator.Nack(0, 1, first);
  CHECK(world.coordinator.failed() == 1);
  CHECK(world.coordinator.Take().front().kind == Kind::kAbort);
  CHECK(world.coordinator.Deadline() > first);
  world.coordinator.Tick(world.coordinator.Deadline());
  const auto again = world.coordinator.Take();
  REQUIRE(again.size() == 1);
  CHECK(again[0].epoch == 2);
  CHECK(again[0].barrier == BarrierKind::kStop);
}

// Sources that are restored before their end would otherwise be cut off there by an epoch that is final.
TEST_CASE("the end is no longer wanted when a worker goes that had come to it") {
  for (const bool triggered : {false, true}) {
    World world = Started(2);
    world.coordinator.Request(BarrierKind::kFinal);
    const Timestamp now = world.coordinator.Deadline();
    if (triggered) {
      world.coordinator.Tick(now);
      CHECK(world.coordinator.Take().front().barrier == BarrierKind::kFinal);
    }
    world.coordinator.Gone(1, now);
    world.coordinator.Take();
    world.coordinator.Back(1, now);
    world.coordinator.Tick(world.coordinator.Deadline());
    const auto next = world.coordinator.Take();
    REQUIRE(next.size() == 1);
    CHECK(next[0].barrier == BarrierKind::kPeriodic);
  }
}

TEST_CASE("a stop is wanted whoever goes") {
  World world = Started(2);
  world.coordinator.Request(BarrierKind::kStop);
  world.coordinator.Gone(1, 0);
  world.coordinator.Back(1, 0);
  world.coordinator.Tick(world.coordinator.Deadline());
  CHECK(world.coordinator.Take().front().barrier == BarrierKind::kStop);
}

TEST_CASE("what the disk could not decide is given up, and what was asked for is asked for again") {
  Coordinator coordinator({true}, 7, {});
  coordinator.Back(0, 0);
  coordinator.Request(BarrierKind::kStop);
  coordinator.Tick(coordinator.Deadline());
  coordinator.Places(0, 8, {});
  coordinator.Ack(0, 8);
  coordinator.Take();
  REQUIRE(coordinator.phase() == Coordinator::Phase::kDecided);
  coordinator.NotDecided(7, kSecond);  // another one
  REQUIRE(coordinator.phase() == Coordinator::Phase::kDecided);
  coordinator.NotDecided(8, kSecond);
  const auto abort = coordinator.Take();
  REQUIRE(abort.size() == 1);
  CHECK(abort[0].kind == Coordinator::Action::Kind::kAbort);
  CHECK(coordinator.failed() == 1);
  coordinator.Tick(coordinator.Deadline());
  const auto again = coordinator.Take();
  REQUIRE(again.size() == 1);
  CHECK(again[0].epoch == 9);
  CHECK(again[0].barrier == BarrierKind::kStop);
}

TEST_CASE("without an interval only what is asked for is taken") {
  CheckpointTimes times;
  times.interval = CheckpointTimes::kNever;
  Coordinator coordinator({true}, 7, times);
  coordinator.Back(0, 0);
  CHECK(coordinator.Deadline() == kMaxTimestamp);
  coordinator.Request(BarrierKind::kFinal);
  CHECK(coordinator.Deadline() < kMaxTimestamp);
  coordinator.Tick(coordinator.Deadline());
  CHECK(coordinator.Take().front().epoch == 8);
}

}  // namespace
}  // namespace streamrun
