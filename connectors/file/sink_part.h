// The files of a sink as its checkpoint handles name them, and what a commit and a recovery do with them on
// disk. No state: everything stands in the handle, so any process can do it, any number of times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

struct SinkPart {
  /// The name it has for readers.
  std::string path;
  /// Where its bytes are until a commit gives it that name; the same for a file that grows where it is.
  std::string written;
  /// Bytes that count; what is behind them is void.
  uint64_t length = 0;
  /// A rename keeps it: tells the file from another one of the same name.
  uint64_t inode = 0;
  /// The worker whose name and number it bears.
  int worker = 0;
  uint64_t number = 0;
  int64_t records = 0;
  /// Nothing will be written to it any more.
  bool finished = false;

  bool staged() const { return path != written; }
};

/// JSON: {"parts": [{"path": ..., "written": ..., ...}]}.
std::string PrintHandle(const std::vector<SinkPart>& parts);
/// kCorruption when `handle` is none. The empty one, of a pipe or device, has no parts.
Result<std::vector<SinkPart>> ParseHandle(const std::string& handle);

/// Renames a finished staged part to its name; its directory still has to be made durable. Done already is
/// fine: then the part is gone and a file of its length has the name. kCorruption when neither is there, or
/// it is too short; kAlreadyExists when the name is taken and `replace` is false.
Status PublishPart(Env* env, const SinkPart& part, bool replace);

/// Brings the file of a part back to what it was when the handle was made: cuts off what was written since,
/// and takes back a name that a later epoch gave it. kCorruption, with both sizes, when it is shorter.
Status RestorePart(Env* env, const SinkPart& part);

}  // namespace streamrun
