// Reads files once, from begin to the end they had when the run began.
#pragma once

#include <memory>

#include "connectors/file/split_list.h"
#include "core/component/definition.h"
#include "core/stream/source.h"

namespace streamrun {

struct BoundedFileOptions {
  ListOptions list;
  uint64_t split_bytes = 1 << 20;
  FormatTraits format;
};

std::unique_ptr<Source> CreateBoundedFileSource(BoundedFileOptions options);

}  // namespace streamrun
