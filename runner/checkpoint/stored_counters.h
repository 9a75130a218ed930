// Counters as JSON, in manifests and in control messages alike (docs/formats/checkpoint.md).
#pragma once

#include "core/base/status.h"
#include "runner/checkpoint/stored_json.h"
#include "runner/exec/counters.h"

namespace streamrun {

StoredJson ToJson(const NodeCounters& counters);
StoredJson ToJson(const ChannelCounters& counters);
StoredJson ToJson(const TaskCounters& counters);
/// kCorruption when a member is missing or of another type.
Status ReadCounters(const StoredJson& json, NodeCounters* out);
Status ReadCounters(const StoredJson& json, ChannelCounters* out);
Status ReadCounters(const StoredJson& json, TaskCounters* out);

}  // namespace streamrun
