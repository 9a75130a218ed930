// Cuts a stream of bytes into chunks of whole records: what byte sources over a stream share (followed and
// compressed files, stdin, sockets).
//
//   RecordFramer framer(options);
//   uint8_t* space = framer.Space(256 * 1024);
//   framer.Filled(read(fd, space, 256 * 1024));   // at the end: framer.End(true)
//   while (framer.Emit(out, prototype)) ...       // one chunk a call
//
// Bytes are read straight into the buffer that becomes the chunk; only the unfinished record behind the last
// separator is copied. Memory is bounded by max_record plus what is filled between two calls of Emit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "core/data/buffer.h"
#include "core/stream/source.h"

namespace streamrun {

enum class Framing : uint8_t {
  kNewline,       // a record ends at '\n'; a '\r' before it is left to the format
  kLengthBig,     // u32 length in network byte order before each record
  kLengthLittle,  // u32 length, little endian
};

struct FramingOptions {
  Framing framing = Framing::kNewline;
  /// Longest record in bytes, without separator. Longer ones are skipped and go to FailRecord
  /// ("record.too_long") with their first kFailedPrefix bytes.
  size_t max_record = 1 << 20;
  /// Newline framing: a '\n' in a field that begins with `quote` does not end the record (CSV, RFC 4180
  /// section 2); 0 for none. Fields begin at `separator`.
  char quote = 0;
  char separator = ',';
};

/// Bytes of a record that could not be framed which FailRecord shows.
inline constexpr size_t kFailedPrefix = 1024;

/// Bytes from `data` on that are whole newline-ended records of at most `max_record` bytes each; ends before
/// the first longer or unfinished record. Looks at few bytes: it hops by max_record and searches backwards.
size_t WholeRecords(const uint8_t* data, size_t size, size_t max_record);

/// Newline-ended records in one piece of memory, given out a run at a time. Only the last one may lack its
/// newline.
class RecordBlock {
 public:
  RecordBlock() = default;
  /// `origin`: byte offset of the first byte of `bytes`, behind which Buffer::kPadding bytes are readable.
  RecordBlock(BufferPtr bytes, int64_t origin) : bytes_(std::move(bytes)), origin_(origin) {}

  bool empty() const { return bytes_ == nullptr || cursor_ == bytes_->size(); }
  size_t size() const { return empty() ? 0 : bytes_->size() - cursor_; }
  /// Origin of what is given out next.
  int64_t position() const { return origin_ + static_cast<int64_t>(cursor_); }
  /// Emits the longest run of records of at most `max_record` bytes, after reporting those in front of it
  /// that are longer. False: nothing is left. `prototype` as in RecordFramer::Emit.
  bool Emit(SourceOutput& out, const Chunk& prototype, size_t max_record);

 private:
  BufferPtr bytes_;
  int64_t origin_ = 0;
  size_t cursor_ = 0;
};

/// Reports a record that is too long by its first bytes.
void FailTooLong(SourceOutput& out, const Chunk& prototype, int64_t origin, const uint8_t* data, size_t size,
                 size_t max_record);

/// Not thread-safe. One per stream (file, connection).
class RecordFramer {
 public:
  /// `origin`: byte offset of the first byte (newline), sequence number of the first record (length framing).
  explicit RecordFramer(FramingOptions options, int64_t origin = 0) : options_(options), begin_(origin) {}

  /// At least `count` writable bytes behind what was filled; valid until the next call of any method.
  uint8_t* Space(size_t count) { return gathered_.Ensure(count); }
  /// `count` bytes were written to Space().
  void Filled(size_t count) { gathered_.Advance(count); }
  /// The stream ended. What is left over is a last record without a separator when `complete` and newline
  /// framing; otherwise, unless nothing is left, it goes to FailRecord ("record.truncated") at the next Emit.
  void End(bool complete) { end_ = complete ? EndKind::kComplete : EndKind::kCut; }

  /// Emits the whole records gathered so far as one chunk with `prototype`'s split, ordinal and header
  /// (bytes, record_ends and offset are filled in); records that are too long go to FailRecord. True: a chunk
  /// was emitted and there may be another one. False: fill in more.
  bool Emit(SourceOutput& out, const Chunk& prototype);

  /// Takes the first line (without '\n') away from the stream: the header of a CSV file. False while it is
  /// not complete; call it before any Emit. A line longer than max_record is an error.
  Result<bool> TakeLine(std::string* line);

  /// Bytes filled in that were neither emitted nor skipped: the unfinished record.
  size_t pending() const { return gathered_.size() + block_.size(); }
  /// Origin of the first byte or record that was not emitted or skipped: where to continue.
  int64_t position() const { return block_.empty() ? begin_ : block_.position(); }
  /// A record that is too long is being skipped; position() is within it.
  bool skipping() const { return skipping_ || skip_bytes_ > 0; }
  /// Newline framing: the stream begins within a record that is too long and was reported, as skipping() said
  /// where this position was taken.
  void ResumeSkipping() { skipping_ = true; }

 private:
  enum class EndKind : uint8_t { kOpen, kComplete, kCut };

  enum class Place : uint8_t { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };

  bool EmitLines(SourceOutput& out, const Chunk& prototype);
  bool EmitFrames(SourceOutput& out, const Chunk& prototype);
  bool CutBlock(SourceOutput& out, const Chunk& prototype);
  bool EmitLast(SourceOutput& out, const Chunk& prototype);
  size_t LastRecordEnd(SourceOutput& out, const Chunk& prototype);
  size_t LastQuotedRecordEnd(SourceOutput& out, const Chunk& prototype);
  bool SkipToNewline();
  bool BeginLongFrame(SourceOutput& out, const Chunk& prototype, size_t at, uint32_t length);
  void DropFront(size_t count);
  void GiveUpRecord(SourceOutput& out, const Chunk& prototype);
  void FailCut(SourceOutput& out, const Chunk& prototype);

  FramingOptions options_;
  int64_t begin_;                     // origin of the front of gathered_
  BufferBuilder gathered_;            // bytes behind block_
  size_t scanned_ = 0;                // bytes of gathered_ known to hold no record end
  Place place_ = Place::kFieldStart;  // quoted fields: where scanned_ stands
  RecordBlock block_;                 // whole records being given out
  bool skipping_ = false;             // newline: until the next '\n'
  uint64_t skip_bytes_ = 0;           // length framing: bytes of a too long record still to come
  EndKind end_ = EndKind::kOpen;
};

}  // namespace streamrun
