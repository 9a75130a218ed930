// The part of a file sink that is being written: a file writer, and what its handle says of it.
#pragma once

#include <memory>
#include <string>

#include "connectors/file/file_writer.h"
#include "connectors/file/sink_part.h"
#include "core/stream/event.h"

namespace streamrun {

/// What `auto` means for a file of this name.
Compression CompressionOf(CompressionChoice choice, std::string_view path);

/// Used by one thread.
class PartFile {
 public:
  /// `worker`, `number`: whose part it is; `records`: how many are in it already.
  static Result<std::unique_ptr<PartFile>> Open(Env* env, FileWriterOptions options, int worker,
                                                uint64_t number, int64_t records = 0);

  Status Write(std::string_view bytes, int64_t records) {
    records_ += records;
    return writer_->Write(bytes);
  }
  /// Writes records from `begin` on up to the one that takes the file to `limit` bytes (0: all), at least
  /// one. Gives the number of the record behind them.
  Result<int64_t> WriteUpTo(uint64_t limit, const Encoded& records, int64_t begin);
  Status Flush() { return writer_->Flush(); }
  /// FileWriter::EndFrame: Describe is true of the file after it.
  Status EndFrame() { return writer_->EndFrame(); }
  Status Close() { return writer_->Close(); }

  const std::string& path() const { return writer_->path(); }
  const std::string& written() const { return writer_->written(); }
  uint64_t size() const { return writer_->size(); }
  int64_t records() const { return records_; }
  uint64_t number() const { return number_; }
  /// Monotonic time at which it was opened.
  Timestamp opened() const { return opened_; }
  SinkPart Describe(bool finished) const;

 private:
  PartFile(std::unique_ptr<FileWriter> writer, int worker, uint64_t number)
      : writer_(std::move(writer)), worker_(worker), number_(number) {}

  std::unique_ptr<FileWriter> writer_;
  const int worker_;
  const uint64_t number_;
  uint64_t inode_ = 0;
  int64_t records_ = 0;
  Timestamp opened_ = 0;
};

}  // namespace streamrun
