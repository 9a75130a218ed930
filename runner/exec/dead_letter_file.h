// This worker's dead letters on disk, and how much room they may take.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/stream/codec.h"
#include "core/stream/sink.h"
#include "runner/exec/dead_letter_files.h"

namespace streamrun {

/// What all dead-letter files of a pipeline may take together (`settings.dead_letter`).
struct DeadLetterRoom {
  int64_t max_bytes = 0;
  bool drop_oldest = false;  // else no letter is taken beyond it
  int workers = 1;           // who share what earlier generations have left of it
};

/// JSON lines, a file created with the first of them. A sink under the epoch like any other: what stands
/// behind the length that a checkpoint knows is void after a restart. Files of earlier attempts in this
/// worker's place count towards its share. Not thread-safe.
class DeadLetterFile {
 public:
  DeadLetterFile(Env* env, std::string directory, const DeadLetterName& name, const DeadLetterRoom& room);

  /// kInvalidArgument: there is no room, nor will there be in another attempt; none of these was written.
  Status Write(const BatchPtr& letters);
  /// Its files and their lengths; empty handle when there are none.
  Result<Prepared> Prepare();
  /// Letters that had to make room for newer ones.
  int64_t dropped() const { return dropped_; }

 private:
  struct Part {
    std::string file;  // in the directory
    uint64_t size = 0;
    bool own = true;  // of this attempt
  };
  Status MeasureRoom();
  Status MakeRoom(int64_t bytes);
  Status DropOldest();
  Status Roll();

  Env* env_;
  const std::string directory_;
  DeadLetterName name_;  // of file_, and of the next one
  const DeadLetterRoom room_;
  std::optional<int64_t> share_;  // bytes; once it was asked for
  int64_t of_earlier_ = 0;        // bytes of earlier generations
  std::unique_ptr<Encoder> encoder_;
  std::vector<Part> closed_;  // oldest first
  std::unique_ptr<WritableFile> file_;
  int64_t dropped_ = 0;
};

}  // namespace streamrun
