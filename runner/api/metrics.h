// A snapshot as Prometheus text (exposition format 0.0.4). Names use base units; counters never go back, also
// not over restarts (DECISIONS 27, 31).
#pragma once

#include <string>

#include "runner/process/status.h"

namespace streamrun {

std::string RenderMetrics(const PipelineStatus& status);

}  // namespace streamrun
