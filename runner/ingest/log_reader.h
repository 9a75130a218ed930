// The reading end of an ingest log: records in order of their numbers, up to those that the writer has
// synced.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "runner/ingest/log_format.h"

namespace streamrun {

/// Records that were safe once and cannot be read any more.
struct LogDamage {
  uint64_t first = 0;  // numbers of those lost: [first, end)
  uint64_t end = 0;
  std::string file;  // where they stood; empty: the file is gone
  uint64_t offset = 0;
  std::string raw;  // the bytes there
};

class LogReader {
 public:
  LogReader(Env* env, std::string directory) : env_(env), directory_(std::move(directory)) {}

  /// Goes to record `seq`; nothing: to the first there is. kNotFound: the log begins behind it. `limit` as in
  /// Next.
  Status Seek(std::optional<uint64_t> seq, uint64_t limit);

  struct Item {
    std::optional<LogRecord> record;  // views are good until the next call
    std::optional<LogDamage> damage;  // the next call goes on behind it
  };
  /// The next record below `limit`, a number that the writer has published; neither: there is none.
  Result<Item> Next(uint64_t limit);
  /// Number of the record that Next gives.
  uint64_t next() const { return next_; }

 private:
  Status OpenSegment(uint64_t first);
  Result<bool> GoToSegmentOf(uint64_t seq);
  Status Fill(size_t at_least);
  void ForgetBlock();
  Result<Item> FindBehindDamage(uint64_t limit);

  Env* env_;
  const std::string directory_;
  std::unique_ptr<ReadableFile> file_;
  std::string path_;
  uint64_t segment_first_ = 0;
  uint64_t file_offset_ = 0;  // of block_'s end
  std::string block_;
  size_t at_ = 0;             // in block_
  uint64_t block_limit_ = 0;  // from this record on block_ may hold what a writer that died had not synced
  uint64_t next_ = 0;
};

}  // namespace streamrun
