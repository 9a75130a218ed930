// What a sink whose path has columns has begun to write since its last epoch: rows of the next attempt may
// not have the same values, or come in another order, so what is void then would stay for ever.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/file/sink_part.h"
#include "core/base/env.h"

namespace streamrun {

/// A note for each file, made durable before its first byte: one line of JSON, in order of time, in a file of
/// its own in the sink's stage directory. Without a directory nothing is noted.
class BegunFiles {
 public:
  BegunFiles() = default;
  BegunFiles(Env* env, std::string stage_directory) : env_(env), directory_(std::move(stage_directory)) {}

  /// Notes of instance `instance` and of those that are no more and whose files fall to it, of `parallelism`.
  /// `same_run`: a run goes on from an epoch, perhaps from one before its end. Otherwise notes of a run that
  /// came to its end mean nothing.
  Result<std::vector<SinkPart>> Read(int instance, int parallelism, bool same_run);
  /// From now on these are the notes; what others left behind is gone. Durable.
  Status Replace(const std::vector<SinkPart>& notes);
  /// One more. `part.length` and `inode` are what the file had before, inode 0: it was not there.
  Status Add(const SinkPart& part);
  /// The run came to its end.
  Status End();

 private:
  Status Append(const std::string& line);
  static std::string PathOf(const std::string& directory);

  Env* env_ = nullptr;
  std::string directory_;
  std::unique_ptr<WritableFile> file_;
  std::vector<std::string> others_;  // files of instances that are no more
};

/// Undoes what was written of noted files that no restored epoch counts: cuts them back to what was there
/// before, or removes them. `published`: also under their final names. Durable: the notes may go.
Status UndoBegun(Env* env, const std::vector<SinkPart>& notes, bool published);

}  // namespace streamrun
