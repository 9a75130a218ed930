#include "core/stream/fate.h"

namespace streamrun {

std::string_view FateName(Fate fate) {
  static constexpr std::array<std::string_view, kFateCount> kNames = {
      "forwarded", "absorbed", "filtered",      "late",    "duplicate",
      "unmatched", "expired",  "dead_lettered", "dropped", "lost"};
  return kNames[static_cast<size_t>(fate)];
}

}  // namespace streamrun
