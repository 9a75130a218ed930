// The dead-letter files of all workers of a pipeline: their names, and what of them counts after a restart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

/// Who wrote a file, and which of its own it is: "<generation>.<attempt>-<stage>-<instance>[.<part>].jsonl".
struct DeadLetterName {
  uint64_t generation = 0;
  uint64_t attempt = 0;
  int stage = 0;
  int instance = 0;
  int part = 0;

  std::string Print() const;
  static std::optional<DeadLetterName> Parse(std::string_view file);
};

/// One of the files.
struct StoredLetters {
  std::string file;  // in the directory
  DeadLetterName name;
  uint64_t size = 0;  // bytes
};
/// All of them, the oldest first; none when there is no directory.
Result<std::vector<StoredLetters>> ListDeadLetters(Env* env, const std::string& directory);
/// What they take together.
int64_t BytesOf(const std::vector<StoredLetters>& letters);
/// Letters in a file: its lines.
Result<int64_t> CountDeadLetters(Env* env, const std::string& path);
/// Removes a file; returns how many letters were in it.
Result<int64_t> DropDeadLetters(Env* env, const std::string& path);

/// What a checkpoint knows of one worker's letters.
struct KeptLetters {
  DeadLetterName worker;
  std::string handle;  // DeadLetterFile::Prepare
};

/// Makes the letters of `stages` (empty: of all) what they were at a checkpoint, before its rows are read
/// again: files of its workers are cut to the lengths it knows or removed, those of workers that started
/// later are removed, and those of earlier runs stay. Without `kept` none counts.
Status TrimDeadLetters(Env* env, const std::string& directory, const std::vector<int>& stages,
                       const std::vector<KeptLetters>& kept);

/// How much of a file stays when a run goes on from that checkpoint now: TrimDeadLetters without doing it.
Result<uint64_t> SettledLength(const StoredLetters& file, const std::vector<KeptLetters>& kept);

/// Removes the oldest files until all take no more than `room` bytes; before workers start. Returns how many
/// letters were in them.
Result<int64_t> DropOldestLetters(Env* env, const std::string& directory, int64_t room);

}  // namespace streamrun
