#include "connectors/file/byte_stream.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <vector>

namespace streamrun {

namespace {

constexpr size_t kInputBlock = 256 * 1024;

class PlainStream final : public ByteStream {
 public:
  PlainStream(ReadableFile& file, std::string path, uint64_t size)
      : file_(file), path_(std::move(path)), size_(size) {}

  Result<size_t> Read(uint8_t* out, size_t capacity) override {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(capacity, size_ - offset_));
    if (wanted == 0) return size_t{0};
    SR_ASSIGN_OR_RETURN(const size_t n, file_.ReadAt(offset_, wanted, reinterpret_cast<char*>(out)));
    if (n == 0 && size_ != UINT64_MAX) return ShrankError(path_, size_, offset_);
    offset_ += n;
    return n;
  }
  uint64_t consumed() const override { return offset_; }

 private:
  ReadableFile& file_;
  const std::string path_;
  const uint64_t size_;
  uint64_t offset_ = 0;
};

// Reads the stored bytes block by block for the decompressors.
class StoredInput {
 public:
  StoredInput(ReadableFile& file, std::string path)
      : file_(file), path_(std::move(path)), block_(kInputBlock) {}

  /// Makes at least one byte available unless the file is at its end. False at the end.
  Result<bool> Fill() {
    if (begin_ < end_) return true;
    offset_ += end_;
    begin_ = end_ = 0;
    SR_ASSIGN_OR_RETURN(end_, file_.ReadAt(offset_, block_.size(), block_.data()));
    return end_ > 0;
  }
  const char* data() const { return block_.data() + begin_; }
  size_t size() const { return end_ - begin_; }
  void Advance(size_t count) { begin_ += count; }
  uint64_t offset() const { return offset_ + begin_; }

  Status Damaged(std::string_view what) const {
    return Status::Corruption(path_ + " is damaged at byte " + std::to_string(offset()) + ": " +
                              std::string(what));
  }
  Status Truncated(std::string_view what) const {
    return Status::Corruption(path_ + " is truncated at byte " + std::to_string(offset()) +
                              ": it ends within " + std::string(what));
  }

 private:
  ReadableFile& file_;
  const std::string path_;
  std::vector<char> block_;
  uint64_t offset_ = 0;  // of the block's first byte
  size_t begin_ = 0;
  size_t end_ = 0;
};

// Common loop: Step() decompresses what it can; an error waits until the bytes before it were handed out.
class Decompressor : public ByteStream {
 public:
  Result<size_t> Read(uint8_t* out, size_t capacity) final {
    size_t made = 0;
    while (made == 0) {
      if (!error_.ok()) return error_;
      Result<bool> more = Step(out, capacity, &made);
      if (!more.ok()) {
        error_ = more.status();
      } else if (!*more) {
        break;
      }
    }
    return made;
  }
  uint64_t consumed() const final { return input_.offset(); }

 protected:
  Decompressor(ReadableFile& file, std::string path) : input_(file, std::move(path)) {}
  /// Writes *made bytes to out. False at the proper end of the file.
  virtual Result<bool> Step(uint8_t* out, size_t capacity, size_t* made) = 0;
  StoredInput input_;

 private:
  Status error_;
};

// gzip members one after the other (RFC 1952 section 2.2); zero bytes behind the last one are padding.
class GzipStream final : public Decompressor {
 public:
  GzipStream(ReadableFile& file, std::string path) : Decompressor(file, std::move(path)) {
    SR_CHECK(inflateInit2(&z_, 16 + MAX_WBITS) == Z_OK);
  }
  ~GzipStream() override { inflateEnd(&z_); }

 protected:
  Result<bool> Step(uint8_t* out, size_t capacity, size_t* made) override {
    SR_ASSIGN_OR_RETURN(const bool more, input_.Fill());
    if (!more) {
      if (in_member_) return input_.Truncated("a gzip member");
      return false;
    }
    if (between_) {
      SR_ASSIGN_OR_RETURN(const bool padding, SkipPadding());
      if (padding) return true;
    }
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
    z_.avail_in = static_cast<uInt>(input_.size());
    z_.next_out = out;
    z_.avail_out = static_cast<uInt>(std::min<size_t>(capacity, 1u << 30));
    const uInt room = z_.avail_out;
    const int result = inflate(&z_, Z_NO_FLUSH);
    input_.Advance(input_.size() - z_.avail_in);
    *made = room - z_.avail_out;
    in_member_ = result != Z_STREAM_END;
    if (result == Z_STREAM_END) {
      between_ = true;
      inflateReset(&z_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return input_.Damaged(z_.msg ? z_.msg : "gzip data cannot be decompressed");
    }
    return true;
  }

 private:
  // True: padding was passed over. An error: something else than a member follows.
  Result<bool> SkipPadding() {
    if (*input_.data() == '\0') {
      size_t zeros = 0;
      while (zeros < input_.size() && input_.data()[zeros] == '\0') ++zeros;
      input_.Advance(zeros);
      padded_ = true;
      return true;
    }
    if (padded_ || *input_.data() != '\x1f') return input_.Damaged("no gzip member begins here");
    between_ = false;
    in_member_ = true;
    return false;
  }

  z_stream z_{};
  bool in_member_ = true;
  bool between_ = false;
  bool padded_ = false;
};

// Zstandard frames one after the other (RFC 8878 section 3.1); the library passes over skippable ones.
class ZstdStream final : public Decompressor {
 public:
  ZstdStream(ReadableFile& file, std::string path)
      : Decompressor(file, std::move(path)), z_(ZSTD_createDStream()) {
    SR_CHECK(z_ != nullptr);
  }
  ~ZstdStream() override { ZSTD_freeDStream(z_); }

 protected:
  Result<bool> Step(uint8_t* out, size_t capacity, size_t* made) override {
    SR_ASSIGN_OR_RETURN(const bool more, input_.Fill());
    // Without new input the decompressor may still hold output of the block it has read.
    if (!more && !holds_output_) {
      if (in_frame_) return input_.Truncated("a Zstandard frame");
      return false;
    }
    ZSTD_inBuffer in{input_.data(), input_.size(), 0};
    ZSTD_outBuffer to{out, capacity, 0};
    const size_t result = ZSTD_decompressStream(z_, &to, &in);
    input_.Advance(in.pos);
    *made = to.pos;
    if (ZSTD_isError(result)) return input_.Damaged(ZSTD_getErrorName(result));
    in_frame_ = result != 0;
    holds_output_ = to.pos == capacity && in_frame_;
    return true;
  }

 private:
  ZSTD_DStream* z_;
  bool in_frame_ = true;
  bool holds_output_ = false;
};

}  // namespace

Compression DetectCompression(std::string_view head) {
  if (head.starts_with("\x1f\x8b")) return Compression::kGzip;
  if (head.starts_with("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  const bool skippable = head.size() >= 4 && (static_cast<uint8_t>(head[0]) & 0xf0) == 0x50 &&
                         head.substr(1, 3) == "\x2a\x4d\x18";
  return skippable ? Compression::kZstd : Compression::kNone;
}

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kGzip:
      return "gzip";
    case Compression::kZstd:
      return "zstd";
  }
  return "none";
}

std::unique_ptr<ByteStream> OpenByteStream(ReadableFile& file, std::string path, Compression compression,
                                           uint64_t size) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipStream>(file, std::move(path));
    case Compression::kZstd:
      return std::make_unique<ZstdStream>(file, std::move(path));
    case Compression::kNone:
      break;
  }
  return std::make_unique<PlainStream>(file, std::move(path), size);
}

Status ShrankError(const std::string& path, uint64_t expected, uint64_t now) {
  // A new attempt would take the shorter file for the whole one.
  return Status(Code::kCorruption, path + " shrank while it was read: it had " + std::to_string(expected) +
                                       " bytes when the run began and now ends at byte " +
                                       std::to_string(now));
}

}  // namespace streamrun
