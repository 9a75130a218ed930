#include "runner/exec/epoch.h"

#include "core/base/failpoint.h"

namespace streamrun {

Status EpochProgress::Pass(const Barrier& barrier, NodeSnapshot node,
                           const std::vector<ChannelCounters>& received) {
  if (barrier.epoch != building_.epoch) {
    SR_RETURN_IF_ERROR(WriteHeld());
    building_ = TaskSnapshot{};
    building_.epoch = barrier.epoch;
    building_.kind = barrier.kind;
    building_.stage = stage_;
    building_.instance = instance_;
    building_.attempt = attempt_;
  }
  building_.nodes.push_back(std::move(node));
  building_.channels.insert(building_.channels.end(), received.begin(), received.end());
  return building_.nodes.size() == nodes_ ? Complete() : Status::Ok();
}

Status EpochProgress::Complete() {
  if (letters_ != nullptr) {
    SR_ASSIGN_OR_RETURN(building_.dead_letters, letters_->Prepare());
  }
  SR_RETURN_IF_ERROR(SR_FAILPOINT("letters.prepared"));
  complete_ = std::move(building_);
  building_ = TaskSnapshot{};
  return WriteHeld();
}

Status EpochProgress::WriteLetters(const BatchPtr& letters, uint64_t passed) {
  if (letters_ == nullptr) return Status::Ok();
  if (building_.epoch != 0 && passed == building_.epoch) {
    held_.push_back(letters);
    return Status::Ok();
  }
  return letters_->Write(letters);
}

Status EpochProgress::WriteHeld() {
  for (const BatchPtr& letters : std::exchange(held_, {})) SR_RETURN_IF_ERROR(letters_->Write(letters));
  return Status::Ok();
}

Status EpochProgress::Abort(uint64_t epoch) {
  if (complete_ && complete_->epoch <= epoch) complete_.reset();
  if (building_.epoch == 0 || building_.epoch > epoch) return Status::Ok();
  building_ = TaskSnapshot{};
  return WriteHeld();
}

}  // namespace streamrun
