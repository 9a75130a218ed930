// The thread of a worker that makes snapshots durable, so that the data thread goes on with the next epoch's
// rows meanwhile.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/base/env.h"
#include "runner/checkpoint/live_segments.h"
#include "runner/checkpoint/manifest.h"
#include "runner/exec/snapshot.h"

namespace streamrun {

/// Writes the tables of `snapshot` as segments into `directory`, syncs what sinks prepared, and the
/// directory. `name`: of the worker, begins every file's name. `output_lost`: what sinks or dead letters
/// wrote could not be synced. The kernel may have dropped it and says so only once (fsyncgate), so the files
/// must be written anew from the last checkpoint, not synced again. `live` knows the segments that snapshots
/// go on from.
Result<Fragment> StoreSnapshot(Env* env, const std::string& directory, const std::string& name,
                               TaskSnapshot snapshot, LiveSegments* live, bool* output_lost);

class SnapshotWriter {
 public:
  /// `done` is called by the writer's thread, once a snapshot.
  using Done = std::function<void(uint64_t epoch, const Result<Fragment>& fragment, bool output_lost)>;
  /// `live` is used by the writer's thread alone from now on.
  SnapshotWriter(Env* env, std::string name, LiveSegments live, Done done);
  /// Waits for the snapshot under way.
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  /// Takes the snapshot; waits until the one before it is stored.
  void Write(std::string directory, TaskSnapshot snapshot);

 private:
  struct Job {
    std::string directory;
    TaskSnapshot snapshot;
  };
  void Run();

  Env* env_;
  const std::string name_;
  LiveSegments live_;
  const Done done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::optional<Job> job_;
  std::thread thread_;
};

}  // namespace streamrun
