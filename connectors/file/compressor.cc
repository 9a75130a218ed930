#include "connectors/file/compressor.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace streamrun {

namespace {

constexpr size_t kRoom = 64 * 1024;

class GzipCompressor final : public Compressor {
 public:
  GzipCompressor() {
    SR_CHECK(deflateInit2(&z_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) ==
             Z_OK);
  }
  ~GzipCompressor() override { deflateEnd(&z_); }

  void Write(std::string_view bytes, std::string* out) override {
    while (!bytes.empty()) {
      const size_t part = std::min<size_t>(bytes.size(), 1u << 30);
      z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      z_.avail_in = static_cast<uInt>(part);
      Run(Z_NO_FLUSH, out);
      bytes.remove_prefix(part);
    }
  }
  void Flush(std::string* out) override { Run(Z_SYNC_FLUSH, out); }
  void Finish(std::string* out) override {
    Run(Z_FINISH, out);
    deflateReset(&z_);
  }

 private:
  // Until deflate leaves room in its output, which means that it took all input (zlib.h, deflate).
  void Run(int mode, std::string* out) {
    do {
      const size_t old = out->size();
      out->resize(old + kRoom);
      z_.next_out = reinterpret_cast<Bytef*>(out->data() + old);
      z_.avail_out = kRoom;
      deflate(&z_, mode);
      out->resize(old + kRoom - z_.avail_out);
    } while (z_.avail_out == 0);
  }

  z_stream z_{};
};

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor() : z_(ZSTD_createCCtx()) {
    SR_CHECK(z_ != nullptr);
    ZSTD_CCtx_setParameter(z_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdCompressor() override { ZSTD_freeCCtx(z_); }

  void Write(std::string_view bytes, std::string* out) override { Run(bytes, ZSTD_e_continue, out); }
  void Flush(std::string* out) override { Run({}, ZSTD_e_flush, out); }
  void Finish(std::string* out) override { Run({}, ZSTD_e_end, out); }

 private:
  void Run(std::string_view bytes, ZSTD_EndDirective mode, std::string* out) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    size_t left = 1;
    while (mode == ZSTD_e_continue ? in.pos < in.size : left != 0) {
      const size_t old = out->size();
      out->resize(old + kRoom);
      ZSTD_outBuffer to{out->data() + old, kRoom, 0};
      left = ZSTD_compressStream2(z_, &to, &in, mode);
      SR_CHECK(!ZSTD_isError(left));
      out->resize(old + to.pos);
    }
  }

  ZSTD_CCtx* z_;
};

}  // namespace

std::unique_ptr<Compressor> CreateCompressor(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipCompressor>();
    case Compression::kZstd:
      return std::make_unique<ZstdCompressor>();
    case Compression::kNone:
      break;
  }
  return nullptr;
}

}  // namespace streamrun
