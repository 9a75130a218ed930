// Whether the next epoch fits onto the disk of the state directory, and the space that is set aside there so
// that the last one still does when the disk is full (RELIABILITY 1.7).
#pragma once

#include <cstdint>
#include <string>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/stream/event.h"

namespace streamrun {

/// What is known before an epoch begins.
struct RoomFacts {
  DiskSpace space;
  uint64_t last_epoch = 0;  // bytes that the newest epoch put into the state directory
  uint64_t reserve = 0;     // bytes to set aside, from ReserveOn
  bool reserved = false;    // they are
  bool last = false;        // a stop or the end of the input: no later epoch makes up for it
};

enum class RoomStep : uint8_t {
  kTake,
  kReserve,      // set the space aside, then take it
  kGiveReserve,  // use the space that was set aside for this one
  kSkip,         // the pipeline runs on without it
};

/// An epoch wants twice what the last one took; no other one than the last touches the reserve.
RoomStep NextRoomStep(const RoomFacts& facts);
/// The bytes that must be free for it.
uint64_t RoomWanted(const RoomFacts& facts);
/// A sixteenth of a small disk instead of `wanted`.
uint64_t ReserveOn(const DiskSpace& space, uint64_t wanted);

/// The file `reserve` of a state directory. Used by the supervisor's thread.
class EpochRoom {
 public:
  EpochRoom(Env* env, std::string state_directory, uint64_t reserve);

  /// Before an epoch begins: Ok, or kResourceExhausted with what is missing, and the epoch is skipped. Makes
  /// the reserve and gives it back as that needs.
  Status Admit(BarrierKind kind, uint64_t last_epoch);
  /// Space is needed now, or never again. Does nothing when there is no reserve.
  void Give();

 private:
  void Reserve(uint64_t bytes);

  Env* env_;
  const std::string directory_;
  const std::string path_;
  const uint64_t wanted_;
  bool warned_ = false;  // that nothing can be set aside here
};

}  // namespace streamrun
