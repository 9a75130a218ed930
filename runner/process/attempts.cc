#include "runner/process/attempts.h"

#include <utility>

namespace streamrun {

void Attempts::Begin() {
  failure_ = Status::Ok();
  failed_ = opening_ = false;
  next_at_ = kMaxTimestamp;
  started_ = env_->MonotonicNow();
}

void Attempts::Work() {
  worked_ = true;
  started_ = env_->MonotonicNow();
}

void Attempts::Fail(Status failure, bool opening) {
  failure_ = std::move(failure);
  opening_ = opening;
  failed_ = true;
}

bool Attempts::IsOfTheEnvironment() const {
  return opening_ && !worked_ && failure_.fault() != Fault::kInternal;
}

void Attempts::GiveUp(const std::string& why) {
  exit_code_ = IsOfTheEnvironment() ? 3 : 1;
  last_failure_ = failure_.message();
  LogError(last_failure_ + (why.empty() ? "" : "; giving up: " + why));
}

bool Attempts::Another(bool progressed, std::initializer_list<LogField> fields) {
  // Damaged data is as damaged the next time.
  const bool lasts = failure_.code() == Code::kCorruption || IsOfTheEnvironment();
  if (failure_.fault() == Fault::kUser || (lasts && !failure_.retryable())) {
    GiveUp();
    return false;
  }
  const Timestamp now = env_->MonotonicNow();
  const auto decision = policy_.OnFailure(now, started_, progressed, env_->Random64());
  if (!decision.restart) {
    GiveUp(decision.reason);
    return false;
  }
  last_failure_ = failure_.message();
  next_at_ = now + decision.delay;
  ++restarts_;
  LogWarning(last_failure_ + "; restarting in " + std::to_string(decision.delay / kMillisecond) + " ms",
             fields);
  return true;
}

}  // namespace streamrun
