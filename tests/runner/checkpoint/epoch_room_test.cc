// Which epochs a disk has room for, and what becomes of the space that is set aside.
#include "runner/checkpoint/epoch_room.h"

#include <doctest/doctest.h>

#include "tests/sim/crash_env.h"

namespace streamrun {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST_CASE("what is done before an epoch, by what is free") {
  struct Row {
    const char* name;
    uint64_t free, last_epoch, reserve;
    bool reserved, last;
    RoomStep step;
  };
  // Beside twice the last epoch a manifest needs a quarter of a MiB.
  const Row rows[] = {
      {"plenty, nothing set aside yet", 900 * kMiB, 10 * kMiB, 64 * kMiB, false, false, RoomStep::kReserve},
      {"plenty, and it is set aside", 900 * kMiB, 10 * kMiB, 64 * kMiB, true, false, RoomStep::kTake},
      {"no reserve is wanted", 900 * kMiB, 10 * kMiB, 0, false, false, RoomStep::kTake},
      {"room for the epoch, not for the reserve", 84 * kMiB, 10 * kMiB, 64 * kMiB, false, false,
       RoomStep::kSkip},
      {"room for both", 85 * kMiB, 10 * kMiB, 64 * kMiB, false, false, RoomStep::kReserve},
      {"the reserve counts as taken", 21 * kMiB, 10 * kMiB, 64 * kMiB, true, false, RoomStep::kTake},
      {"less than twice the last epoch", 20 * kMiB, 10 * kMiB, 64 * kMiB, true, false, RoomStep::kSkip},
      {"a full disk", 0, 0, 64 * kMiB, true, false, RoomStep::kSkip},
      {"a full disk without a reserve", 0, 0, 0, false, false, RoomStep::kSkip},
      {"the last epoch has room", 21 * kMiB, 10 * kMiB, 64 * kMiB, true, true, RoomStep::kTake},
      {"the last epoch takes the reserve", 20 * kMiB, 10 * kMiB, 64 * kMiB, true, true,
       RoomStep::kGiveReserve},
      {"the last epoch makes no reserve", 900 * kMiB, 10 * kMiB, 64 * kMiB, false, true, RoomStep::kTake},
      {"the last epoch is tried in any case", 0, 10 * kMiB, 64 * kMiB, false, true, RoomStep::kTake},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    RoomFacts facts;
    facts.space = {1000 * kMiB, row.free};
    facts.last_epoch = row.last_epoch;
    facts.reserve = row.reserve;
    facts.reserved = row.reserved;
    facts.last = row.last;
    CHECK(NextRoomStep(facts) == row.step);
  }
}

TEST_CASE("a small disk gives a sixteenth of itself") {
  CHECK(ReserveOn({16 * kMiB, 16 * kMiB}, 64 * kMiB) == kMiB);
  CHECK(ReserveOn({2048 * kMiB, 0}, 64 * kMiB) == 64 * kMiB);
  CHECK(ReserveOn({2048 * kMiB, 0}, 0) == 0);
}

// A disk that is as full as a test says; what is set aside counts.
class SmallDisk final : public CrashEnv {
 public:
  Result<DiskSpace> Space(const std::string&) override {
    const auto reserve = Info("/s/reserve");
    const uint64_t held = reserve.ok() ? reserve->size : 0;
    return DiskSpace{16 * kMiB, others > 16 * kMiB - held ? 0 : 16 * kMiB - held - others};
  }
  uint64_t others = 0;  // bytes that belong to somebody else
};

TEST_CASE(
    "the reserve is made at the first epoch, kept over a full disk, given to the stop, and made again") {
  SmallDisk disk;
  REQUIRE(disk.MakeDirectories("/s", 0700).ok());
  EpochRoom room(&disk, "/s", 64 * kMiB);
  const auto reserved = [&] { return disk.Info("/s/reserve").ok(); };
  CHECK(room.Admit(BarrierKind::kPeriodic, 0).ok());
  REQUIRE(reserved());
  CHECK(disk.Info("/s/reserve")->size == kMiB);

  disk.others = 15 * kMiB;
  const Status skipped = room.Admit(BarrierKind::kPeriodic, kMiB);
  CHECK(skipped.code() == Code::kResourceExhausted);
  CHECK(skipped.message() == "/s has 0.0 MiB free, 2.2 MiB are wanted (twice the last epoch)");
  CHECK(reserved());

  CHECK(room.Admit(BarrierKind::kStop, kMiB).ok());
  CHECK(!reserved());
  const Status again = room.Admit(BarrierKind::kPeriodic, kMiB);
  CHECK(again.message() ==
        "/s has 1.0 MiB free, 3.2 MiB are wanted (twice the last epoch and a reserve of 1.0 MiB)");

  disk.others = 0;
  CHECK(room.Admit(BarrierKind::kPeriodic, kMiB).ok());
  CHECK(reserved());
  room.Give();
  room.Give();
  CHECK(!reserved());
}

TEST_CASE("where nothing can be set aside epochs are taken all the same") {
  CrashEnv disk;  // of endless room, as it says, but not for this file
  REQUIRE(disk.MakeDirectories("/s", 0700).ok());
  disk.SetCapacity(kMiB);
  EpochRoom room(&disk, "/s", 64 * kMiB);
  CHECK(room.Admit(BarrierKind::kPeriodic, 0).ok());
  CHECK(!disk.Info("/s/reserve").ok());
}

}  // namespace
}  // namespace streamrun
