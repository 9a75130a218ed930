// The segments that the tables of one worker consist of, kept under names of their own, so that each epoch
// links them however long the epochs live that they were written for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "runner/checkpoint/segment.h"

namespace streamrun {

/// Used by one thread at a time. What it holds is worth nothing to a later process.
class LiveSegments {
 public:
  /// `directory`: the worker's own. Empty: every snapshot is whole.
  LiveSegments(Env* env, std::string directory);

  /// Empties the directory. False: files cannot be linked there, and changes cannot be stored.
  bool Begin();

  /// Writes a table into the directory of its epoch, as `<prefix><name>.<epoch>.seg`, and links what it goes
  /// on from. Its chain, oldest first, each file durable but not its name. kUnavailable: changes of a
  /// snapshot that was not stored.
  Result<std::vector<SegmentInfo>> Store(const std::string& epoch_directory, uint64_t epoch,
                                         const std::string& prefix, const TableSnapshot& table);
  /// Tables that were not stored for this epoch are no more.
  void Keep(uint64_t epoch);
  /// Joins chains whose changes have grown to the size of what they change (then at most half of what is
  /// stored is old) or to more than memory should hold, or that have too many links. A chain that cannot be
  /// joined stays as it is and is tried again when it has doubled.
  void Join();

 private:
  struct Chain {
    uint64_t epoch = 0;  // stored last
    std::vector<SegmentInfo> segments;
    uint64_t tried = 0;  // bytes of changes when joining failed
  };

  std::string Path(const std::string& file) const { return directory_ + "/" + file; }
  Result<SegmentInfo> Write(const std::string& epoch_directory, uint64_t epoch, const std::string& prefix,
                            const TableSnapshot& table);
  Status StoreWhole(const std::string& epoch_directory, uint64_t epoch, const std::string& prefix,
                    const TableSnapshot& table, Chain* chain);
  Status StoreChanges(const std::string& epoch_directory, uint64_t epoch, const std::string& prefix,
                      const TableSnapshot& table, Chain* chain);
  Status JoinChain(const std::string& table, Chain* chain);
  void Drop(const std::vector<SegmentInfo>& segments);

  Env* env_;
  const std::string directory_;
  bool links_ = false;
  std::map<std::string, Chain> chains_;  // by prefix and name
};

}  // namespace streamrun
