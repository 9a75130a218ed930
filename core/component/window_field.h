// The `window:` field that windowed operators share.
#pragma once

#include "core/component/config_value.h"
#include "core/component/diagnostics.h"
#include "core/window/window_spec.h"

namespace streamrun {

/// Reads {tumbling: 10s}, {sliding: {size: 1h, every: 1m}}, {cumulative: {size: 1d, every: 1h}},
/// {session: 30m}, {count: 100}, {count: {rows: 100, every: 10}} with offset, zone, time and as beside it. A
/// tumbling size may be calendar units: 1 day (with a zone), 1 month, 1 year. False after reporting.
bool ReadWindow(const ConfigValue& value, WindowSpec* out, Diagnostics& diagnostics);

/// "tumbling 10s": for explain and messages.
std::string DescribeWindow(const WindowSpec& window);

}  // namespace streamrun
