// What the file sink does at run time: one file, or parts one after the other.
//
// Bytes that a checkpoint counts on are named by its handle, as a list of parts (sink_part.h): those that are
// full and wait for their name, the one under way, and those of workers that are no more, which wait for the
// end with the others. After a restart each instance finds among all handles what is its own: worker k's
// files belong to instance k, or k modulo the parallelism when there are fewer now.
#pragma once

#include <memory>
#include <string>

#include "connectors/file/byte_stream.h"
#include "core/stream/sink.h"

namespace streamrun {

enum class IfExists : uint8_t { kReplace, kAppend, kFail };

struct FileSinkConfig {
  struct Roll {
    int64_t size = 0;
    Duration age = 0;
  };
  std::string path;
  IfExists if_exists = IfExists::kReplace;
  CompressionChoice compression = CompressionChoice::kAuto;
  Roll roll;
  bool sync = true;

  bool rolls() const { return roll.size > 0 || roll.age > 0; }
};

std::unique_ptr<Sink> CreateFileSink(FileSinkConfig config);

}  // namespace streamrun
