// The configuration of a retry policy, the same for every connector that tries again.
#pragma once

#include "core/component/config_spec.h"
#include "core/stream/retry_policy.h"

namespace streamrun {

/// Pauses alone, for peers that are called for ever.
inline ConfigSpec<RetryOptions> BackOffFields() {
  ConfigSpec<RetryOptions> spec;
  spec.DurationField("initial", &RetryOptions::initial, "First pause.").AtLeast(kMillisecond);
  spec.DurationField("max", &RetryOptions::max, "Longest pause, unless the peer asks for more.")
      .AtLeast(kMillisecond);
  spec.Double("multiplier", &RetryOptions::multiplier, "Each pause is so many times the last one.")
      .AtLeast(1)
      .AtMost(100);
  spec.Double("jitter", &RetryOptions::jitter, "Share of a pause that chance takes off.")
      .AtLeast(0)
      .AtMost(1);
  return spec;
}

/// With the limits at which records become dead letters.
inline ConfigSpec<RetryOptions> RetryFields() {
  ConfigSpec<RetryOptions> spec = BackOffFields();
  spec.Integer("max_attempts", &RetryOptions::max_attempts,
               "After so many attempts the records are dead letters; 0: never give up.")
      .AtLeast(0);
  spec.DurationField("max_elapsed", &RetryOptions::max_elapsed,
                     "After so long the records are dead letters; 0: never give up.")
      .AtLeast(0);
  return spec;
}

/// Reports and returns false when the pauses contradict each other. `map`: the value of `retry:`.
inline bool CheckBackOff(const RetryOptions& retry, const ConfigValue& map, Diagnostics& diagnostics) {
  if (retry.initial <= retry.max) return true;
  diagnostics.ErrorAt(map["initial"].present() ? map["initial"] : map["max"], "config.conflict",
                      "'initial' is longer than 'max'");
  return false;
}

}  // namespace streamrun
