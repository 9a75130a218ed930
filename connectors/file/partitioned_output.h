// What the file sink does at run time when its path has columns: rows come with the file each goes to
// (routed_records.h), and there is a series of parts for each (series_set.h).
#pragma once

#include <memory>

#include "connectors/file/file_output.h"

namespace streamrun {

std::unique_ptr<Sink> CreatePartitionedSink(FileSinkConfig config);

}  // namespace streamrun
