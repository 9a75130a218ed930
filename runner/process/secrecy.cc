#include "runner/process/secrecy.h"

#include <sys/prctl.h>

#include <algorithm>

#include "core/base/logging.h"

namespace streamrun {

namespace {

bool HoldsSecret(const ConfigValue& value) {
  return value.secret() || std::ranges::any_of(value.items(), HoldsSecret) ||
         std::ranges::any_of(value.entries(),
                             [](const ConfigValue::Entry& entry) { return HoldsSecret(entry.second); });
}

}  // namespace

void KeepSecrets(const ConfigValue& configuration) {
  if (!HoldsSecret(configuration)) return;
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) LogWarning("cannot keep secrets out of core dumps");
}

}  // namespace streamrun
