// The writing end of an ingest log: records gather in memory, one commit appends and syncs them together
// (group commit, RELIABILITY 2.2).
//
// Records of a unit (LogRecord::open, ended by a mark) are committed together; of one that a crash cut
// nothing is left. The marks that the source still wants stand in FIRST.keys, which is there for good before
// the file FIRST.seg is, so that older files may go.
//
// There is no ledger beside the log: where it ends is found by reading its last file, where it is read stands
// in checkpoints. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "runner/ingest/log_format.h"

namespace streamrun {

class LogWriter {
 public:
  /// Opens or makes the log in `directory`. Bytes behind the last whole record were never acknowledged: they
  /// are cut off. Bad bytes with a whole record behind them are damage; they stay for the reader to judge.
  /// `fresh`: nobody goes on from an earlier run; a log whose input had come to its end is then begun anew.
  static Result<std::unique_ptr<LogWriter>> Open(Env* env, std::string directory, uint64_t segment_bytes,
                                                 bool fresh);

  /// Takes a record; its number is given here.
  void Add(LogRecord record);
  size_t pending_bytes() const { return pending_.size(); }
  uint64_t pending_records() const { return next_ - synced_; }

  /// What Source::Marks gave for the last file, and the marks in it since.
  std::vector<std::string> TakeMarks() { return std::move(marks_); }
  /// `marks`: Source::Marks, asked before each new file.
  void KeepMarks(std::function<std::string()> marks) { keep_ = std::move(marks); }

  enum class Committed : uint8_t {
    kDone,
    kFull,  // no space: the log is as before, the records are kept; try again later
  };
  /// All that was added is on stable storage afterwards. After an error nobody knows what is: the process
  /// must end without acknowledging anything more (fsyncgate).
  Result<Committed> Commit();

  /// Records with lower numbers are safe.
  uint64_t synced() const { return synced_; }
  /// The last record says that the input ended.
  bool ended() const { return ended_; }
  /// Bytes of all its files.
  Result<uint64_t> Bytes() const;

 private:
  LogWriter(Env* env, std::string directory, uint64_t segment_bytes)
      : env_(env), directory_(std::move(directory)), segment_bytes_(segment_bytes) {}
  Status Recover(bool fresh);
  Status RecoverSegment(uint64_t first);
  Status RecoverMarks();
  Status WriteMarks();
  Result<Committed> Roll();
  std::string PathOf(uint64_t first) const { return directory_ + "/" + LogSegmentName(first); }

  Env* env_;
  const std::string directory_;
  const uint64_t segment_bytes_;
  std::unique_ptr<WritableFile> file_;
  uint64_t file_bytes_ = 0;  // synced
  uint64_t next_ = 0;
  uint64_t synced_ = 0;
  BufferBuilder pending_;
  bool ended_ = false;
  bool pending_end_ = false;
  std::function<std::string()> keep_;
  std::vector<std::string> marks_;
};

/// First numbers of the files of a log, ascending.
Result<std::vector<uint64_t>> ListLogSegments(Env* env, const std::string& directory);

}  // namespace streamrun
