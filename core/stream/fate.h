// The fate of a row: every input row of a node has exactly one, so that the ledger balances.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace streamrun {

enum class Fate : uint8_t {
  kForwarded,     // went on, changed or not (derived by the host: what is left when the others are known)
  kAbsorbed,      // became part of state; what comes out later is `created`
  kFiltered,      // dropped on request
  kLate,          // behind the watermark and its allowance
  kDuplicate,     // seen before
  kUnmatched,     // found no partner
  kExpired,       // state it needed was past its time to live
  kDeadLettered,  // failed, and kept on the errors or rejected port or in the dead-letter file
  kDropped,       // failed and `on_error: drop` was written
  kLost,          // an input that cannot be replayed lost it in a crash
};
inline constexpr size_t kFateCount = 10;

/// "forwarded", "dead_lettered", ... as in metrics and status.
std::string_view FateName(Fate fate);

using FateCounts = std::array<int64_t, kFateCount>;

}  // namespace streamrun
