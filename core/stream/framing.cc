#include "core/stream/framing.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace streamrun {

namespace {

std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

const uint8_t* Newline(const uint8_t* data, size_t size) {
  if (size == 0) return nullptr;  // memchr wants a pointer even then
  return static_cast<const uint8_t*>(std::memchr(data, '\n', size));
}

uint32_t ReadLength(const uint8_t* p, Framing framing) {
  uint32_t value;
  std::memcpy(&value, p, 4);
  return framing == Framing::kLengthBig ? __builtin_bswap32(value) : value;
}

}  // namespace

size_t WholeRecords(const uint8_t* data, size_t size, size_t max_record) {
  size_t whole = 0;
  // If the last newline within max_record + 1 bytes is at p, every record up to p is short enough.
  while (whole < size) {
    const size_t window = std::min(size - whole, max_record + 1);
    const void* last = ::memrchr(data + whole, '\n', window);
    if (last == nullptr) break;
    whole = static_cast<size_t>(static_cast<const uint8_t*>(last) - data) + 1;
  }
  return whole;
}

void FailTooLong(SourceOutput& out, const Chunk& prototype, int64_t origin, const uint8_t* data, size_t size,
                 size_t max_record) {
  out.FailRecord(prototype.split, origin, View(data, std::min(size, kFailedPrefix)), "record.too_long",
                 "the record is longer than the limit of " + std::to_string(max_record) + " bytes");
}

bool RecordBlock::Emit(SourceOutput& out, const Chunk& prototype, size_t max_record) {
  while (!empty()) {
    const uint8_t* data = bytes_->data() + cursor_;
    const size_t left = size();
    size_t whole = WholeRecords(data, left, max_record);
    if (left - whole <= max_record) whole = left;  // what is behind is short: a last record without newline
    const int64_t origin = position();
    if (whole == 0) {
      const uint8_t* newline = Newline(data, left);
      const size_t record = newline ? static_cast<size_t>(newline - data) : left;
      FailTooLong(out, prototype, origin, data, record, max_record);
      cursor_ += record + (newline != nullptr);
      continue;
    }
    Chunk chunk = prototype;
    chunk.bytes = whole == bytes_->size() ? bytes_ : Buffer::Wrap(data, whole, bytes_);
    chunk.offset = origin;
    cursor_ += whole;
    if (cursor_ == bytes_->size()) bytes_ = nullptr;
    out.EmitChunk(std::move(chunk));
    return true;
  }
  bytes_ = nullptr;
  return false;
}

bool RecordFramer::Emit(SourceOutput& out, const Chunk& prototype) {
  return options_.framing == Framing::kNewline ? EmitLines(out, prototype) : EmitFrames(out, prototype);
}

Result<bool> RecordFramer::TakeLine(std::string* line) {
  const uint8_t* end = Newline(gathered_.data(), gathered_.size());
  const size_t length = end ? static_cast<size_t>(end - gathered_.data()) : gathered_.size();
  if (length > options_.max_record) {
    return Status::InvalidArgument("the first line, the header, is longer than " +
                                   std::to_string(options_.max_record) + " bytes");
  }
  if (end == nullptr && end_ == EndKind::kOpen) return false;
  line->assign(gathered_.view().substr(0, length));
  if (line->ends_with('\r')) line->pop_back();
  DropFront(length + (end != nullptr));
  return true;
}

// --- Newline framing -------------------------------------------------------------------------------------

bool RecordFramer::EmitLines(SourceOutput& out, const Chunk& prototype) {
  do {
    // Quoted records were measured when the block was cut.
    if (block_.Emit(out, prototype, options_.quote != 0 ? SIZE_MAX - 1 : options_.max_record)) return true;
  } while (CutBlock(out, prototype));
  return EmitLast(out, prototype);
}

// Moves all whole records of gathered_ into block_. False: there are none.
bool RecordFramer::CutBlock(SourceOutput& out, const Chunk& prototype) {
  if (gathered_.size() == 0 || !SkipToNewline() || gathered_.size() == 0) return false;
  const size_t end =
      options_.quote != 0 ? LastQuotedRecordEnd(out, prototype) : LastRecordEnd(out, prototype);
  if (end == 0) return false;
  BufferBuilder rest;
  rest.Append(gathered_.data() + end, gathered_.size() - end);
  gathered_.Resize(end);
  block_ = RecordBlock(gathered_.Finish(), begin_);
  begin_ += static_cast<int64_t>(end);
  gathered_ = std::move(rest);
  scanned_ -= end;
  return true;
}

size_t RecordFramer::LastRecordEnd(SourceOutput& out, const Chunk& prototype) {
  const void* last = ::memrchr(gathered_.data() + scanned_, '\n', gathered_.size() - scanned_);
  scanned_ = gathered_.size();
  if (last != nullptr) return static_cast<size_t>(static_cast<const uint8_t*>(last) - gathered_.data()) + 1;
  if (gathered_.size() > options_.max_record) GiveUpRecord(out, prototype);
  return 0;
}

// The same where quotes hide newlines; it stops before a record that is too long, so block_ never holds one.
size_t RecordFramer::LastQuotedRecordEnd(SourceOutput& out, const Chunk& prototype) {
  size_t end = 0;  // of the last whole record; the next one begins here
  while (true) {
    const bool ended =
        scanned_ > end && place_ == Place::kFieldStart && gathered_.data()[scanned_ - 1] == '\n';
    if (scanned_ - end - ended > options_.max_record) {
      if (end > 0) {  // give out what is before it; it is looked at again
        scanned_ = end;
        place_ = Place::kFieldStart;
        return end;
      }
      GiveUpRecord(out, prototype);
      if (skipping_ && !SkipToNewline()) return 0;
      continue;
    }
    if (ended) end = scanned_;
    if (scanned_ == gathered_.size()) return end;
    const char c = static_cast<char>(gathered_.data()[scanned_++]);
    if (place_ == Place::kQuoted) {
      if (c == options_.quote) place_ = Place::kQuoteInQuoted;
    } else if (c == '\n' || c == options_.separator) {
      place_ = Place::kFieldStart;
    } else if (c == options_.quote && place_ != Place::kPlain) {
      place_ = Place::kQuoted;  // opens a field, or is a doubled quote within one
    } else {
      place_ = Place::kPlain;
    }
  }
}

// The record at the front of gathered_ is too long: its first line is reported and passed over. Where quotes
// hide newlines the lines behind it are taken as records again, because an unclosed quote is the likelier
// cause.
void RecordFramer::GiveUpRecord(SourceOutput& out, const Chunk& prototype) {
  const uint8_t* newline = Newline(gathered_.data(), gathered_.size());
  const size_t line = newline ? static_cast<size_t>(newline - gathered_.data()) : gathered_.size();
  FailTooLong(out, prototype, begin_, gathered_.data(), line, options_.max_record);
  skipping_ = newline == nullptr;
  DropFront(line + (newline != nullptr));
}

// False: the record that is being skipped is not at its end yet.
bool RecordFramer::SkipToNewline() {
  if (!skipping_) return true;
  const uint8_t* newline = Newline(gathered_.data(), gathered_.size());
  skipping_ = newline == nullptr && end_ == EndKind::kOpen;
  DropFront(newline ? static_cast<size_t>(newline - gathered_.data()) + 1 : gathered_.size());
  return !skipping_;
}

bool RecordFramer::EmitLast(SourceOutput& out, const Chunk& prototype) {
  if (end_ == EndKind::kOpen || gathered_.size() == 0) return false;
  if (end_ == EndKind::kCut) {
    FailCut(out, prototype);
    return false;
  }
  if (options_.quote != 0 && place_ == Place::kQuoted &&
      Newline(gathered_.data(), gathered_.size()) != nullptr) {
    // A quote that was never closed: its line fails, the lines behind it are read again.
    const size_t line = static_cast<size_t>(Newline(gathered_.data(), gathered_.size()) - gathered_.data());
    out.FailRecord(prototype.split, begin_, View(gathered_.data(), std::min(line, kFailedPrefix)),
                   "record.open_quote", "a quoted field is not closed before the end of the input");
    DropFront(line + 1);
    return EmitLines(out, prototype);
  }
  Chunk chunk = prototype;
  chunk.offset = begin_;
  begin_ += static_cast<int64_t>(gathered_.size());
  scanned_ = 0;
  chunk.bytes = gathered_.Finish();
  out.EmitChunk(std::move(chunk));
  return true;
}

// --- Length framing --------------------------------------------------------------------------------------

bool RecordFramer::EmitFrames(SourceOutput& out, const Chunk& prototype) {
  uint8_t* data = gathered_.data();
  const size_t size = gathered_.size();
  size_t in = 0;
  size_t kept = 0;  // payloads move to the front, over the lengths
  BufferBuilder ends;
  int64_t records = 0;
  while (true) {
    const size_t skipped = static_cast<size_t>(std::min<uint64_t>(skip_bytes_, size - in));
    skip_bytes_ -= skipped;
    in += skipped;
    if (size - in < 4) break;
    const uint32_t length = ReadLength(data + in, options_.framing);
    if (length > options_.max_record) {
      if (records > 0 || !BeginLongFrame(out, prototype, in + 4, length)) break;
      in += 4;
      continue;
    }
    if (size - in - 4 < length) break;
    std::memmove(data + kept, data + in + 4, length);
    kept += length;
    in += 4 + length;
    ends.Push(static_cast<uint32_t>(kept));
    ++records;
  }
  if (in > 0) {
    BufferBuilder rest;
    rest.Append(data + in, size - in);
    std::swap(gathered_, rest);
    if (records > 0) {
      rest.Resize(kept);
      Chunk chunk = prototype;
      chunk.bytes = rest.Finish();
      chunk.record_ends = ends.Finish();
      chunk.offset = begin_;
      begin_ += records;
      out.EmitChunk(std::move(chunk));
      return true;
    }
  }
  if (end_ != EndKind::kOpen && gathered_.size() > 0) FailCut(out, prototype);
  return false;
}

// Reports a frame that is too long once enough of it is there to show. False: wait for more of it.
bool RecordFramer::BeginLongFrame(SourceOutput& out, const Chunk& prototype, size_t at, uint32_t length) {
  const size_t shown = std::min<size_t>(length, kFailedPrefix);
  if (gathered_.size() - at < shown && end_ == EndKind::kOpen) return false;
  FailTooLong(out, prototype, begin_, gathered_.data() + at, std::min(shown, gathered_.size() - at),
              options_.max_record);
  skip_bytes_ = length;
  ++begin_;
  return true;
}

// --- Both ------------------------------------------------------------------------------------------------

void RecordFramer::DropFront(size_t count) {
  const size_t rest = gathered_.size() - count;
  if (rest > 0) std::memmove(gathered_.data(), gathered_.data() + count, rest);
  gathered_.Resize(rest);
  begin_ += static_cast<int64_t>(count);
  scanned_ = 0;
  place_ = Place::kFieldStart;
}

void RecordFramer::FailCut(SourceOutput& out, const Chunk& prototype) {
  out.FailRecord(prototype.split, begin_, View(gathered_.data(), std::min(gathered_.size(), kFailedPrefix)),
                 "record.truncated", "the input ended within this record");
  if (options_.framing == Framing::kNewline) begin_ += static_cast<int64_t>(gathered_.size());
  gathered_.Clear();
  scanned_ = 0;
}

}  // namespace streamrun
