// The files of a sink as its checkpoint handles name them, and what a commit and a recovery do with them on
// disk. No state: everything stands in the handle, so any process can do it, any number of times.
#pragma once

#include <cstdint>
#include <map>
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
  /// Of a path with columns: the path behind its base with the values in it and SinkPath's marks. Otherwise
  /// empty.
  std::string series;

  bool staged() const { return path != written; }
};

/// What the handle of a path with columns says beside its parts.
struct SeriesFacts {
  /// The sink's path: under another one series have other names.
  std::string pattern;
  /// By worker: all parts begun until then have smaller numbers.
  std::map<int, uint64_t> next;
  /// Its input came to an end or was stopped: what starts without this epoch is another run.
  bool ended = false;
};

/// JSON: {"parts": [{"path": ..., "written": ..., ...}]}, with columns also "pattern" and "next".
std::string PrintHandle(const std::vector<SinkPart>& parts, const SeriesFacts* facts = nullptr);
/// kCorruption when `handle` is none. The empty one, of a pipe or device, has no parts. `facts` may be null
/// and keeps what the handle does not say.
Result<std::vector<SinkPart>> ParseHandle(const std::string& handle, SeriesFacts* facts = nullptr);

/// Renames a finished staged part to its name; its directory still has to be made durable. Done already is
/// fine: then the part is gone and a file of its length has the name. kCorruption when neither is there, or
/// it is too short; kAlreadyExists when the name is taken and `replace` is false.
Status PublishPart(Env* env, const SinkPart& part, bool replace);

/// Brings the file of a part back to what it was when the handle was made: cuts off what was written since,
/// and takes back a name that a later epoch gave it. kCorruption, with both sizes, when it is shorter.
Status RestorePart(Env* env, const SinkPart& part);

}  // namespace streamrun
