// What the file sink does at run time. A path without columns is one file, or parts one after the other
// (single_output.h); one with columns is a set of those, by what the columns say (partitioned_output.h).
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
  // With columns in the path.
  bool keep_columns = true;
  std::string null_name = "__null__";
  int64_t max_open = 100;
  int64_t max_files = 10'000;

  bool rolls() const { return roll.size > 0 || roll.age > 0; }
  /// `path` with the place for the part number that `roll` needs.
  std::string full_path() const;
  bool partitioned() const;
};

std::unique_ptr<Sink> CreateFileSink(FileSinkConfig config);

}  // namespace streamrun
