#include "connectors/http/gzip_body.h"

#include <algorithm>

namespace streamrun::http {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib.h: 15 bits, gzip header and trailer
constexpr size_t kStep = size_t{64} << 10;

Bytef* Input(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib does not write there
}

}  // namespace

Inflater::Inflater(size_t max_bytes) : max_bytes_(max_bytes) {
  SR_CHECK(inflateInit2(&stream_, kGzipWindow) == Z_OK);
}

Inflater::~Inflater() { inflateEnd(&stream_); }

Inflater::Outcome Inflater::Write(std::string_view bytes, BufferBuilder* out) {
  taken_ += bytes.size();
  stream_.next_in = Input(bytes);
  stream_.avail_in = static_cast<uInt>(bytes.size());
  for (;;) {
    if (ended_) {
      if (stream_.avail_in == 0) return Outcome::kOk;
      inflateReset(&stream_);  // another member follows
      ended_ = false;
    }
    const size_t allowed = std::min(max_bytes_, std::max(kFreeBytes, taken_ * kMaxRatio));
    // One byte more than allowed tells too large from just right.
    const size_t room = std::min(kStep, allowed + 1 - out->size());
    stream_.next_out = out->Ensure(room);
    stream_.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    out->Advance(room - stream_.avail_out);
    if (out->size() > allowed) return Outcome::kTooLarge;
    if (result == Z_STREAM_END) {
      ended_ = true;
    } else if (result == Z_BUF_ERROR || (result == Z_OK && stream_.avail_in == 0 && stream_.avail_out > 0)) {
      return Outcome::kOk;  // it wants more input
    } else if (result != Z_OK) {
      return Outcome::kDamaged;
    }
  }
}

std::string Deflate(std::string_view bytes) {
  z_stream stream = {};
  SR_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) ==
           Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = Input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  SR_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> InflateAll(std::string_view bytes, size_t max_bytes) {
  z_stream stream = {};
  SR_CHECK(inflateInit2(&stream, kGzipWindow) == Z_OK);
  std::string out(max_bytes, '\0');
  stream.next_in = Input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  if (result != Z_STREAM_END) return Status::Corruption("a compressed body is damaged");
  return out;
}

}  // namespace streamrun::http
