// gzip (RFC 1952) for bodies: what peers send is inflated within limits, what goes out is deflated whole.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/data/buffer.h"

namespace streamrun::http {

/// Inflates a body that comes in pieces. Refuses one that grows beyond a size, or by a factor that no honest
/// data has, before the memory is taken.
class Inflater {
 public:
  enum class Outcome { kOk, kTooLarge, kDamaged };

  /// Beyond kFreeBytes, output is at most kMaxRatio times the input (logs reach 30, a run of zeros 1,030).
  static constexpr size_t kMaxRatio = 200;
  static constexpr size_t kFreeBytes = size_t{1} << 20;

  explicit Inflater(size_t max_bytes);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Appends what `bytes` give to `out`, whose content is what this inflater wrote before.
  Outcome Write(std::string_view bytes, BufferBuilder* out);
  /// The body is over: true when its last gzip member was whole. An empty body is none.
  bool Complete() const { return ended_ && taken_ > 0; }

 private:
  const size_t max_bytes_;
  z_stream stream_ = {};
  size_t taken_ = 0;
  bool ended_ = false;  // between members
};

/// One gzip member with the same bytes for the same input (no time, no name).
std::string Deflate(std::string_view bytes);
/// The content of what Deflate gave; kCorruption when it is damaged or would be longer than `max_bytes`.
Result<std::string> InflateAll(std::string_view bytes, size_t max_bytes);

}  // namespace streamrun::http
