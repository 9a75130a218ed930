// Which values of a pipeline file are secret because the component's field says so.
#pragma once

#include "core/component/config_value.h"

namespace streamrun {

/// Marks them in the tree, so that no print, finding or hash shows them. Components that do not exist are
/// passed over.
void MarkSecretFields(ConfigValue* root);

}  // namespace streamrun
