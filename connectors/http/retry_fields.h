// The configuration of a retry policy and of a circuit breaker.
#pragma once

#include "core/component/config_spec.h"
#include "core/stream/circuit_breaker.h"
#include "core/stream/retry_policy.h"

namespace streamrun::http {

inline ConfigSpec<RetryOptions> RetryFields() {
  ConfigSpec<RetryOptions> spec;
  spec.DurationField("initial", &RetryOptions::initial, "First pause.").AtLeast(kMillisecond);
  spec.DurationField("max", &RetryOptions::max,
                     "Longest pause, unless the server asks for more (Retry-After).")
      .AtLeast(kMillisecond);
  spec.Double("multiplier", &RetryOptions::multiplier, "Each pause is so many times the last one.")
      .AtLeast(1)
      .AtMost(100);
  spec.Double("jitter", &RetryOptions::jitter, "Share of a pause that chance takes off.")
      .AtLeast(0)
      .AtMost(1);
  spec.Integer("max_attempts", &RetryOptions::max_attempts,
               "After so many attempts the records are dead letters; 0: never give up.")
      .AtLeast(0);
  spec.DurationField("max_elapsed", &RetryOptions::max_elapsed,
                     "After so long the records are dead letters; 0: never give up.")
      .AtLeast(0);
  return spec;
}

}  // namespace streamrun::http
