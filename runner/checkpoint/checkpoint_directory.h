// The checkpoints of a pipeline on disk, and the order of writes, fsyncs and renames that makes an epoch
// count or not, whatever crashes (RELIABILITY 1.3, 1.4, 1.8).
//
//   CURRENT                     number of the epoch that counts, 0: none yet
//   EPOCH_HIGH                  greatest number that ever counted
//   ckpt/<epoch>.tmp/           being written
//   ckpt/<epoch>/manifest       whole
//   ckpt/<epoch>/committed      every sink has committed it
//   ckpt/<epoch>/<segment files>
//   ckpt/<epoch>.del/           being removed
//   savepoint/<name>/           copies of an epoch, never removed by itself
//
// Used by the supervisor's thread; workers only write files into TemporaryDirectory(epoch). All methods work
// through Env, so that a simulated disk can lose what was not made durable.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/stream/retained_epochs.h"
#include "runner/checkpoint/manifest.h"

namespace streamrun {

class CheckpointDirectory {
 public:
  CheckpointDirectory(Env* env, std::string state_directory, int retain = kRetainedEpochs);

  struct Found {
    /// The epoch to go on from; nothing: begin anew.
    std::optional<Manifest> current;
    bool committed = false;  // its marker is there
    /// Numbers go on behind this one.
    uint64_t epoch_high = 0;
  };
  /// Looks at what an earlier generation left: verifies CURRENT, the manifest, and every file's presence,
  /// size and checksum, then removes what never came to count (*.tmp, epochs above CURRENT). Changes nothing
  /// when it refuses: kCorruption for damage or a missing CURRENT beside checkpoints, with a message that
  /// names the epochs that could be restored with --restore and says that --reset-state starts empty.
  Result<Found> Recover();

  std::string TemporaryDirectory(uint64_t epoch) const;
  std::string EpochDirectory(uint64_t epoch) const;
  std::string SavepointDirectory(const std::string& name) const { return SavepointPath() + "/" + name; }

  /// ckpt/<epoch>.tmp, empty; one that an older generation left is removed first.
  Status Begin(uint64_t epoch);
  /// All fragments are durable: manifest, rename, then the decision: CURRENT. After Ok the epoch will be
  /// committed, whatever crashes; after an error it is unknown and the process must end, unless IsUndecided.
  Status Decide(const Manifest& manifest);
  /// Decide failed before anything had changed: the epoch is as it was before and may be abandoned.
  bool IsUndecided(uint64_t epoch) const;
  /// Every sink has committed: the marker, then removal of epochs that are no longer needed (all but the
  /// newest `retain`), oldest first.
  Status MarkCommitted(uint64_t epoch);
  Status Abandon(uint64_t epoch);

  /// Epochs that are whole, ascending, with their manifests unread.
  Result<std::vector<uint64_t>> Epochs() const;
  /// Reads and verifies (presence, size, checksum of every file) the checkpoint in a directory.
  Result<Manifest> Verify(const std::string& directory) const;

  /// Names of savepoints that are whole, in order.
  Result<std::vector<std::string>> Savepoints() const;
  /// May a savepoint be made under this name? kInvalidArgument says which names there are, kAlreadyExists.
  Status CheckNewSavepoint(const std::string& name) const;
  /// A copy (hard links where the file system can, else bytes) of a committed epoch under savepoint/<name>;
  /// kAlreadyExists when there is one.
  Status CopyToSavepoint(uint64_t epoch, const std::string& name);
  /// Greatest number that any sink may have seen, as far as it can still be told from damaged state.
  Result<uint64_t> GreatestNumber() const;
  /// What `choice` means: a number is an epoch, anything else a savepoint. kInvalidArgument names those that
  /// there are.
  Result<std::string> Choose(const std::string& choice) const;
  /// Makes the epoch or savepoint in `directory` the current one under the next number above epoch_high, so
  /// that no sink takes its output for committed. Returns the new epoch.
  Result<uint64_t> Restore(const std::string& directory) { return Restore(directory, nullptr); }
  /// The same with a change: `edit` may write segments into `written` and say so in the manifest, whose epoch
  /// is the new one. Segments that the manifest names and nobody wrote are those of `directory`.
  using Edit = std::function<Status(const std::string& written, Manifest* manifest)>;
  Result<uint64_t> Restore(const std::string& directory, const Edit& edit);
  /// Forgets every checkpoint (--reset-state); epoch_high survives.
  Status Reset();

 private:
  std::string CheckpointPath() const { return path_ + "/ckpt"; }
  std::string SavepointPath() const { return path_ + "/savepoint"; }
  Result<uint64_t> EpochHigh() const;
  Result<bool> IsCommitted(const std::string& directory, uint64_t epoch) const;
  /// Makes ckpt/ when it is not there.
  Status Prepare();
  Status MakeCurrent(uint64_t epoch);
  /// The same error; for damage with what the user can do about it.
  Status Refusal(const Status& why) const;
  Status RemoveLeftovers(uint64_t current);
  Status RemoveEpoch(uint64_t epoch);
  Status RemoveHidden(const std::string& path);
  Status CopyFiles(const Manifest& manifest, const std::string& from, const std::string& to) const;

  Env* env_;
  std::string path_;
  int retain_;
};

}  // namespace streamrun
