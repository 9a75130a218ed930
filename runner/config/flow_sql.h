// SQL inside YAML flow collections is a trap: `{total: coalesce(sum(price), 0), n: 1}` parses without
// complaint into three keys, because `, ` separates entries. This finds what such a split leaves behind.
#pragma once

#include "core/component/config_value.h"
#include "core/component/diagnostics.h"

namespace streamrun {

/// Looks at the entries of one flow map or list (not at nested ones) and reports the first split as
/// "yaml.flow_sql". True when it did: the entries are then not what the author meant.
bool FindSplitSql(const ConfigValue& flow, Diagnostics& diagnostics);

}  // namespace streamrun
