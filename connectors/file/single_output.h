// What the file sink does at run time when its path has no columns: one file, or parts one after the other.
#pragma once

#include <memory>

#include "connectors/file/file_output.h"

namespace streamrun {

std::unique_ptr<Sink> CreateSingleSink(FileSinkConfig config);

}  // namespace streamrun
