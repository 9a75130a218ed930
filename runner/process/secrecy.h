// A process that holds a secret leaves no core behind.
#pragma once

#include "core/component/config_value.h"

namespace streamrun {

/// When a value of the configuration is secret, from here on this process dumps no core and nobody of the
/// same user reads its memory (PR_SET_DUMPABLE in prctl(2); RELIABILITY 7). An exec ends that: each process
/// says it for itself.
void KeepSecrets(const ConfigValue& configuration);

}  // namespace streamrun
