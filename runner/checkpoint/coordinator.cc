#include "runner/checkpoint/coordinator.h"

#include <algorithm>

namespace streamrun {

namespace {

int Rank(BarrierKind kind) {
  switch (kind) {
    case BarrierKind::kStop:
      return 3;
    case BarrierKind::kFinal:
      return 2;
    case BarrierKind::kSavepoint:
    case BarrierKind::kReload:
      return 1;
    case BarrierKind::kPeriodic:
      break;
  }
  return 0;
}

Timestamp After(Timestamp now, Duration delay) {
  return delay >= kMaxTimestamp - now ? kMaxTimestamp : now + delay;
}

}  // namespace

Coordinator::Coordinator(std::vector<bool> sources, uint64_t last_epoch, CheckpointTimes times)
    : sources_(std::move(sources)), times_(times), epoch_(last_epoch) {
  for (size_t w = 0; w < sources_.size(); ++w) away_.insert(static_cast<int>(w));
}

void Coordinator::Request(BarrierKind kind) {
  if (!wanted_ || Rank(kind) > Rank(*wanted_)) wanted_ = kind;
}

Timestamp Coordinator::Deadline() const {
  if (phase_ == Phase::kPlaces || phase_ == Phase::kAcks) return give_up_;
  if (phase_ != Phase::kIdle || !away_.empty()) return kMaxTimestamp;
  return wanted_ ? not_before_ : std::max(next_, not_before_);
}

void Coordinator::Tick(Timestamp now) {
  if ((phase_ == Phase::kPlaces || phase_ == Phase::kAcks) && now >= give_up_) GiveUp(now);
  if (phase_ == Phase::kIdle && away_.empty() && now >= Deadline()) Begin(now);
}

void Coordinator::Begin(Timestamp now) {
  ++epoch_;
  kind_ = wanted_.value_or(BarrierKind::kPeriodic);
  wanted_.reset();
  phase_ = Phase::kPlaces;
  give_up_ = After(now, times_.timeout);
  bounds_.clear();
  unacked_.clear();
  waiting_.clear();
  for (size_t w = 0; w < sources_.size(); ++w) {
    unacked_.insert(static_cast<int>(w));
    if (sources_[w]) waiting_.insert(static_cast<int>(w));
  }
  actions_.push_back({Action::Kind::kTrigger, epoch_, kind_, {}});
}

void Coordinator::Places(int worker, uint64_t epoch, const std::vector<Task::Place>& places) {
  if (phase_ != Phase::kPlaces || epoch != epoch_ || waiting_.erase(worker) == 0) return;
  for (const Task::Place& place : places) {
    const auto it = std::find_if(bounds_.begin(), bounds_.end(),
                                 [&](const Task::Place& b) { return b.node == place.node; });
    if (it == bounds_.end()) {
      bounds_.push_back(place);
    } else {
      it->next = std::max(it->next, place.next);
    }
  }
  if (waiting_.empty()) SendBounds();
}

void Coordinator::SendBounds() {
  phase_ = Phase::kAcks;
  if (!bounds_.empty()) actions_.push_back({Action::Kind::kBound, epoch_, kind_, bounds_});
  CheckAcks();
}

void Coordinator::Ack(int worker, uint64_t epoch) {
  if ((phase_ != Phase::kPlaces && phase_ != Phase::kAcks) || epoch != epoch_) return;
  unacked_.erase(worker);
  CheckAcks();
}

void Coordinator::CheckAcks() {
  if (phase_ != Phase::kAcks || !unacked_.empty()) return;
  phase_ = Phase::kDecided;
  actions_.push_back({Action::Kind::kDecide, epoch_, kind_, {}});
}

void Coordinator::Nack(int worker, uint64_t epoch, Timestamp now) {
  (void)worker;
  if ((phase_ == Phase::kPlaces || phase_ == Phase::kAcks) && epoch == epoch_) GiveUp(now);
}

void Coordinator::GiveUp(Timestamp now) {
  actions_.push_back({Action::Kind::kAbort, epoch_, kind_, {}});
  // What somebody asked for is still wanted.
  if (kind_ != BarrierKind::kPeriodic) Request(kind_);
  ++failed_;
  EndAt(now, times_.interval);
}

void Coordinator::EndAt(Timestamp now, Duration pause) {
  phase_ = Phase::kIdle;
  next_ = After(now, pause);
  not_before_ = After(now, times_.min_pause);
}

void Coordinator::Decided(uint64_t epoch, Timestamp now) {
  if (phase_ != Phase::kDecided || epoch != epoch_) return;
  phase_ = Phase::kCommitting;
  for (size_t w = 0; w < sources_.size(); ++w) waiting_.insert(static_cast<int>(w));
  actions_.push_back({Action::Kind::kCommit, epoch_, kind_, {}});
  CheckCommitted(now);
}

void Coordinator::NotDecided(uint64_t epoch, Timestamp now) {
  if (phase_ == Phase::kDecided && epoch == epoch_) GiveUp(now);
}

void Coordinator::Committed(int worker, uint64_t epoch, Timestamp now) {
  if (phase_ != Phase::kCommitting || epoch != epoch_) return;
  waiting_.erase(worker);
  CheckCommitted(now);
}

void Coordinator::CheckCommitted(Timestamp now) {
  if (!waiting_.empty()) return;
  failed_ = 0;
  actions_.push_back({Action::Kind::kFinish, epoch_, kind_, {}});
  EndAt(now, times_.interval);
  // Nothing follows the last epoch.
  if (kind_ == BarrierKind::kFinal || kind_ == BarrierKind::kStop) wanted_.reset(), next_ = kMaxTimestamp;
}

void Coordinator::Gone(int worker, Timestamp now) {
  away_.insert(worker);
  if (phase_ == Phase::kPlaces || phase_ == Phase::kAcks) GiveUp(now);
  // It goes on from an epoch before the end: its input has to come to its end again.
  if (wanted_ == BarrierKind::kFinal) wanted_.reset();
}

void Coordinator::Back(int worker, Timestamp now) {
  if (away_.erase(worker) == 0) return;
  if (phase_ == Phase::kCommitting) {
    waiting_.erase(worker);
    return CheckCommitted(now);
  }
  if (away_.empty() && phase_ == Phase::kIdle) EndAt(now, times_.interval);
}

}  // namespace streamrun
