// How much memory an operator's state may take, and what happens when it wants more: the same two fields for
// every operator that has a limit.
#pragma once

#include <string>
#include <utility>

#include "core/component/bind_context.h"
#include "core/component/config_spec.h"

namespace streamrun {

/// What an operator's Config is derived from.
struct StateLimit {
  enum class WhenFull : uint8_t { kFail, kSpill };
  int64_t max_state = 0;
  WhenFull when_full = WhenFull::kFail;

  bool spills() const { return when_full == WhenFull::kSpill; }
  /// Above which the operator itself fails; 0: never.
  int64_t fails_above() const { return spills() ? 0 : max_state; }
  /// BoundOperator::spill_above.
  int64_t spills_above() const { return spills() ? max_state : 0; }
};

template <typename Config>
void AddStateLimit(ConfigSpec<Config>& spec) {
  spec.Size(
          "max_state", &Config::max_state,
          "Memory that the state of one worker may take; `when_full` says what happens above. 0B: no limit.")
      .AtLeast(0);
  spec.OneOf(
      "when_full", static_cast<StateLimit::WhenFull Config::*>(&Config::when_full),
      {{"fail", StateLimit::WhenFull::kFail}, {"spill", StateLimit::WhenFull::kSpill}},
      "fail: above max_state the node fails, rather than the machine. spill: what was not used for long "
      "goes to a file in the state directory and comes back when it is needed; slower, and bounded by the "
      "disk.");
}

/// False after reporting a limit that says nothing. Code: "state.when_full".
inline bool CheckStateLimit(const StateLimit& limit, BindContext& context) {
  if (!limit.spills() || limit.max_state > 0) return true;
  context.diagnostics().ErrorAt(
      context.config()["when_full"], "state.when_full",
      "state is spilled when it needs more memory than max_state, and there is none", "add max_state: 1GiB");
  return false;
}

}  // namespace streamrun
