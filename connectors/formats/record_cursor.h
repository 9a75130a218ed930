// Cuts a chunk into records for formats whose records are lines.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/stream/source.h"

namespace streamrun {

/// Walks over the records of one chunk: lines, or what the transport framed. A byte order mark at offset 0 is
/// skipped. The chunk must stay valid.
class RecordCursor {
 public:
  void Begin(const Chunk& chunk) {
    begin_ = chunk.bytes->as<char>();
    end_ = begin_ + chunk.bytes->size();
    at_ = begin_;
    offset_ = chunk.offset;
    ends_ = chunk.record_ends ? chunk.record_ends->as<uint32_t>() : nullptr;
    frames_ = chunk.record_ends ? chunk.record_ends->size() / sizeof(uint32_t) : 0;
    frame_ = 0;
    if (offset_ == 0 && end_ - at_ >= 3 && std::string_view(at_, 3) == "\xef\xbb\xbf") at_ += 3;
  }

  bool framed() const { return ends_ != nullptr; }
  bool AtEnd() const { return framed() ? frame_ == frames_ : at_ == end_; }
  /// Bytes of the chunk that are behind.
  size_t position() const { return static_cast<size_t>(at_ - begin_); }
  const char* at() const { return at_; }
  const char* end() const { return end_; }
  /// Origin of the record that Next will give.
  int64_t offset() const {
    return framed() ? offset_ + static_cast<int64_t>(frame_) : offset_ + static_cast<int64_t>(position());
  }

  /// The next record without its separator ("\n" or "\r\n"; a frame as it is).
  std::string_view Next() {
    if (framed()) {
      const char* start = at_;
      at_ = begin_ + ends_[frame_++];
      return {start, static_cast<size_t>(at_ - start)};
    }
    const char* start = at_;
    const char* newline = static_cast<const char*>(std::memchr(at_, '\n', static_cast<size_t>(end_ - at_)));
    const char* stop = newline != nullptr ? newline : end_;
    at_ = newline != nullptr ? newline + 1 : end_;
    if (stop > start && stop[-1] == '\r') --stop;
    return {start, static_cast<size_t>(stop - start)};
  }
  /// Lines only: a reader has taken everything up to `at`, the start of a record.
  void MoveTo(const char* at) { at_ = at; }

 private:
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  const char* at_ = nullptr;
  int64_t offset_ = 0;
  const uint32_t* ends_ = nullptr;
  size_t frames_ = 0;
  size_t frame_ = 0;
};

}  // namespace streamrun
