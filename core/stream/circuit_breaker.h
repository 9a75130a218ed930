// Leaves a peer alone that keeps failing (M. Nygard, Release It!, "Circuit Breaker"): closed, calls go
// through; open, none do; half-open, one at a time is a probe. Time is an argument, so tests need no waiting.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace streamrun {

struct BreakerOptions {
  /// Failures in a row that open it; 0: it never opens.
  int64_t failures = 0;
  /// How long it stays open before a probe.
  Duration open = 30 * kSecond;
  /// Probes in a row that must succeed to close it.
  int64_t probes = 1;
};

/// Not thread-safe. Each call that Allow let begin ends with exactly one of OnSuccess, OnFailure, OnNeither.
class CircuitBreaker {
 public:
  enum class State : uint8_t { kClosed, kOpen, kHalfOpen };

  explicit CircuitBreaker(BreakerOptions options) : options_(options) {}

  /// May a call begin now? Monotonic time.
  bool Allow(Timestamp now);
  void OnSuccess();
  void OnFailure(Timestamp now);
  /// It ended without saying whether the peer is well ("too many requests").
  void OnNeither() { probing_ = false; }

  State state() const { return state_; }
  /// When an open one lets a probe through.
  Timestamp probe_at() const { return probe_at_; }

 private:
  void Open(Timestamp now);

  BreakerOptions options_;
  State state_ = State::kClosed;
  int64_t failed_ = 0;     // closed: in a row
  int64_t succeeded_ = 0;  // half-open: in a row
  bool probing_ = false;   // half-open: one is under way
  Timestamp probe_at_ = 0;
};

}  // namespace streamrun
