// `--set a.b.c=value`: replaces or adds one scalar of a tree.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/component/config_value.h"
#include "core/component/diagnostics.h"

namespace streamrun {

/// Path segments are keys; in a list they are indexes from 0, and the list's length appends. Missing mappings
/// on the way are made. The value is one scalar without quotes (never null, never structure). Problems have
/// the file
/// "--set a.b.c" and no line.
void ApplyOverrides(ConfigValue* root, const std::vector<std::pair<std::string, std::string>>& overrides,
                    Diagnostics& diagnostics);

}  // namespace streamrun
