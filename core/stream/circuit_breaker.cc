#include "core/stream/circuit_breaker.h"

namespace streamrun {

bool CircuitBreaker::Allow(Timestamp now) {
  if (state_ == State::kOpen && now >= probe_at_) {
    state_ = State::kHalfOpen;
    succeeded_ = 0;
    probing_ = false;
  }
  if (state_ == State::kClosed) return true;
  if (state_ == State::kOpen || probing_) return false;
  probing_ = true;
  return true;
}

void CircuitBreaker::OnSuccess() {
  failed_ = 0;
  // A call that began before it opened says nothing about now.
  if (state_ == State::kOpen) return;
  probing_ = false;
  if (state_ == State::kHalfOpen && ++succeeded_ >= options_.probes) state_ = State::kClosed;
}

void CircuitBreaker::OnFailure(Timestamp now) {
  if (state_ == State::kHalfOpen) return Open(now);
  if (state_ == State::kClosed && options_.failures > 0 && ++failed_ >= options_.failures) Open(now);
}

void CircuitBreaker::Open(Timestamp now) {
  state_ = State::kOpen;
  probe_at_ = now + options_.open;
  failed_ = 0;
  probing_ = false;
}

}  // namespace streamrun
