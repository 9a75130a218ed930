// Bodies on disk between Prepare and their answers, byte by byte as they will be sent
// (docs/formats/http_stage.md):
//   NAME.seg   frames: u32 length, u32 crc32c of the rest, u32 records, u32 end of each record, body
//   NAME.sent  the numbers of the bodies that were delivered: u32 number, u32 crc32c of it. Not synced: what
//   is missing
//              is sent again with the same key
//   NAME.done  all of it was delivered; NAME.seg is gone
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "connectors/http/batch_body.h"
#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun::http {

inline constexpr std::string_view kSegmentMagic = "srhttp1\n";

/// Not thread-safe.
class SegmentWriter {
 public:
  /// kAlreadyExists when there is such a file.
  static Result<std::unique_ptr<SegmentWriter>> Create(Env* env, const std::string& path);
  Status Append(const BatchBody& body);
  Status Close() { return file_->Close(); }
  uint64_t size() const { return file_->size(); }
  int64_t bodies() const { return bodies_; }

 private:
  explicit SegmentWriter(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
  std::unique_ptr<WritableFile> file_;
  int64_t bodies_ = 0;
};

/// Not thread-safe.
class SegmentReader {
 public:
  /// Reads up to `size` bytes; kCorruption when the file is shorter.
  static Result<std::unique_ptr<SegmentReader>> Open(Env* env, const std::string& path, uint64_t size);
  /// The next body; nothing at the end. kCorruption names the path and the offset.
  Result<std::optional<BatchBody>> Next();
  /// Bytes of whole frames read so far.
  uint64_t position() const { return position_; }

 private:
  SegmentReader(std::unique_ptr<ReadableFile> file, std::string path, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}
  Status Damaged(const std::string& why) const;
  Status ReadExactly(uint64_t offset, size_t length, std::string* out) const;

  std::unique_ptr<ReadableFile> file_;
  const std::string path_;
  const uint64_t size_;
  uint64_t position_ = 0;
};

/// Which bodies of a segment were delivered. Not thread-safe.
class SentLog {
 public:
  /// What an earlier process wrote counts; a torn end does not.
  static Result<std::unique_ptr<SentLog>> Open(Env* env, const std::string& path);
  bool Contains(uint32_t body) const { return sent_.contains(body); }
  Status Add(uint32_t body);

 private:
  std::unique_ptr<WritableFile> file_;
  std::set<uint32_t> sent_;
};

}  // namespace streamrun::http
