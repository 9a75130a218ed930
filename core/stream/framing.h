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
  /// Longest record in bytes, without separator. Longer ones are skipped and go to FailRecord ("record.too_long")
  /// with their first kFailedPrefix bytes.
  size_t max_record = 1 << 20;
  /// Newline framing: a '\n' between two of these does not end the record (CSV quotes); 0 for none.
  char quote = 0;
};

/// Bytes of a record that could not be framed which FailRecord shows.
inline constexpr size_t kFailedPrefix = 1024;

/// Bytes from `data` on that are whole newline-ended records of at most `max_record` bytes each; ends before the
/// first longer or unfinished record. Looks at few bytes: it hops by max_record and searches backwards.
size_t WholeRecords(const uint8_t* data, size_t size, size_t max_record);

/// Not thread-safe. One per stream (file, connection).
class RecordFramer {
 public:
  /// `origin`: byte offset of the first byte (newline), sequence number of the first record (length framing).
  explicit RecordFramer(FramingOptions options, int64_t origin = 0) : options_(options), begin_(origin) {}

  /// At least `count` writable bytes behind what was filled; valid until the next call of any method.
  uint8_t* Space(size_t count) { return gathered_.Ensure(count); }
  /// `count` bytes were written to Space().
  void Filled(size_t count) { gathered_.Advance(count); }
  /// The stream ended. What is left over is a last record without a separator when `complete` and newline framing;
  /// otherwise, unless nothing is left, it goes to FailRecord ("record.truncated") at the next Emit.
  void End(bool complete) { end_ = complete ? EndKind::kComplete : EndKind::kCut; }

  /// Emits the whole records gathered so far as one chunk with `prototype`'s split, ordinal and header (bytes,
  /// record_ends and offset are filled in); records that are too long go to FailRecord. True: a chunk was emitted
  /// and there may be another one. False: fill in more.
  bool Emit(SourceOutput& out, const Chunk& prototype);

  /// Takes the first line (without '\n') away from the stream: the header of a CSV file. False while it is not
  /// complete; call it before any Emit. A line longer than max_record is an error.
  Result<bool> TakeLine(std::string* line);

  /// Bytes filled in that were neither emitted nor skipped: the unfinished record.
  size_t pending() const { return gathered_.size() + (block_ ? block_->size() - cursor_ : 0); }
  /// Origin of the first byte or record that was not emitted or skipped: where to continue.
  int64_t position() const { return begin_; }
  /// A record that is too long is being skipped; position() is within it.
  bool skipping() const { return skipping_; }

 private:
  enum class EndKind : uint8_t { kOpen, kComplete, kCut };

  bool EmitLines(SourceOutput& out, const Chunk& prototype);
  bool EmitFrames(SourceOutput& out, const Chunk& prototype);
  bool CutBlock(SourceOutput& out, const Chunk& prototype);
  size_t FindRecordEnd();
  size_t WholeInBlock() const;
  void SkipToNewline();
  void SkipFrame();
  void FinishLast(SourceOutput& out, const Chunk& prototype);
  void DropFront(size_t count);
  void FailTooLong(SourceOutput& out, const Chunk& prototype, const uint8_t* data, size_t size);

  FramingOptions options_;
  int64_t begin_;            // origin of the first byte not yet given out
  BufferBuilder gathered_;   // bytes behind block_
  size_t scanned_ = 0;       // bytes of gathered_ known to hold no record end
  bool in_quotes_ = false;   // state at scanned_
  BufferPtr block_;          // whole records being given out
  size_t cursor_ = 0;        // how much of block_ was
  bool skipping_ = false;    // newline: until the next '\n'
  uint64_t skip_bytes_ = 0;  // length framing: bytes of a too long record still to come
  EndKind end_ = EndKind::kOpen;
};

}  // namespace streamrun
