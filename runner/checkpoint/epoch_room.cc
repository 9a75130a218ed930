#include "runner/checkpoint/epoch_room.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/base/logging.h"

namespace streamrun {

namespace {

// Manifest, CURRENT and their directories; an epoch without state takes this.
constexpr uint64_t kLeast = 256 << 10;

std::string InMebibytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

}  // namespace

uint64_t ReserveOn(const DiskSpace& space, uint64_t wanted) { return std::min(wanted, space.size / 16); }

uint64_t RoomWanted(const RoomFacts& facts) {
  const uint64_t epoch = 2 * facts.last_epoch + kLeast;
  return facts.reserved || facts.last ? epoch : epoch + facts.reserve;
}

RoomStep NextRoomStep(const RoomFacts& facts) {
  const bool fits = facts.space.free >= RoomWanted(facts);
  if (facts.last) return fits || !facts.reserved ? RoomStep::kTake : RoomStep::kGiveReserve;
  if (!fits) return RoomStep::kSkip;
  return facts.reserved || facts.reserve == 0 ? RoomStep::kTake : RoomStep::kReserve;
}

EpochRoom::EpochRoom(Env* env, std::string state_directory, uint64_t reserve)
    : env_(env), directory_(std::move(state_directory)), path_(directory_ + "/reserve"), wanted_(reserve) {}

Status EpochRoom::Admit(BarrierKind kind, uint64_t last_epoch) {
  const auto space = env_->Space(directory_);
  // Who cannot say how much room there is has no reason to hold anything up.
  if (!space.ok()) return Status::Ok();
  RoomFacts facts;
  facts.space = *space;
  facts.last_epoch = last_epoch;
  facts.reserve = ReserveOn(*space, wanted_);
  facts.last = kind == BarrierKind::kStop || kind == BarrierKind::kFinal;
  const auto file = env_->Info(path_);
  facts.reserved = file.ok() && file->size >= facts.reserve;
  switch (NextRoomStep(facts)) {
    case RoomStep::kTake:
      break;
    case RoomStep::kReserve:
      Reserve(facts.reserve);
      break;
    case RoomStep::kGiveReserve:
      Give();
      break;
    case RoomStep::kSkip:
      return Status::ResourceExhausted(directory_ + " has " + InMebibytes(facts.space.free) + " free, " +
                                       InMebibytes(RoomWanted(facts)) + " are wanted (twice the last epoch" +
                                       (facts.reserved || facts.reserve == 0
                                            ? ")"
                                            : " and a reserve of " + InMebibytes(facts.reserve) + ")"));
  }
  return Status::Ok();
}

// Where it cannot be had though there is room (a quota, a limit on the size of files), epochs do without.
void EpochRoom::Reserve(uint64_t bytes) {
  const Status status = env_->Preallocate(path_, bytes);
  if (!status.ok() && !std::exchange(warned_, true)) {
    LogWarning("no space can be set aside for a stop on a full disk: " + status.message());
  }
}

void EpochRoom::Give() { (void)env_->Remove(path_).ok(); }

}  // namespace streamrun
