// The bytes that an event of encoded records becomes on a stream.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/socket/socket_config.h"
#include "core/stream/event.h"

namespace streamrun::socket {

/// Record `i` of `records`, without the newline that ends it in a text format.
inline std::string_view BareRecord(const Encoded& records, int64_t i) {
  const auto* ends = records.record_ends->as<uint32_t>();
  const uint32_t begin = i == 0 ? 0 : ends[i - 1];
  std::string_view record = records.bytes->view().substr(begin, ends[i] - begin);
  if (record.ends_with('\n')) record.remove_suffix(1);
  return record;
}

/// Newline framing sends the records as they are; length framing puts 4 bytes in front of each and takes the
/// newline away.
class Frames {
 public:
  explicit Frames(const Endpoint& endpoint)
      : length_(endpoint.frame == Frame::kLength), big_(endpoint.order == ByteOrder::kBig) {}

  /// Holds on to the buffers of `records` until Clear.
  void Set(const Encoded& records) {
    bytes_owner_ = records.bytes;
    ends_owner_ = records.record_ends;
    if (!length_) {
      bytes_ = records.bytes->view();
      ends_ = records.record_ends->as<uint32_t>();
      return;
    }
    framed_.clear();
    framed_ends_.clear();
    framed_.reserve(records.bytes->size() + static_cast<size_t>(records.records()) * 4);
    for (int64_t i = 0; i < records.records(); ++i) {
      AppendFrame(BareRecord(records, i), framed_);
      framed_ends_.push_back(static_cast<uint32_t>(framed_.size()));
    }
    bytes_ = framed_;
    ends_ = framed_ends_.data();
  }
  void Clear() {
    bytes_ = {};
    ends_ = nullptr;
    ends_owner_ = bytes_owner_ = nullptr;
  }

  std::string_view bytes() const { return bytes_; }
  /// Where the record that byte `at` is in begins; `at` itself at the start of one and at the end.
  size_t RecordStart(size_t at) const {
    if (at == 0 || at >= bytes_.size()) return at;
    const uint32_t* end = ends_ + ends_owner_->size() / 4;
    const uint32_t* after = std::upper_bound(ends_, end, static_cast<uint32_t>(at));
    return after == ends_ ? 0 : *(after - 1);
  }
  /// What a connection begins with.
  std::string Preamble(const std::string& preamble) const {
    if (!length_ || preamble.empty()) return preamble;
    std::string framed;
    AppendFrame(std::string_view(preamble).substr(0, preamble.size() - (preamble.ends_with('\n') ? 1 : 0)),
                framed);
    return framed;
  }

 private:
  void AppendFrame(std::string_view record, std::string& out) const {
    auto length = static_cast<uint32_t>(record.size());
    if (big_) length = __builtin_bswap32(length);
    out.append(reinterpret_cast<const char*>(&length), 4);
    out.append(record);
  }

  bool length_;
  bool big_;
  BufferPtr bytes_owner_, ends_owner_;
  std::string framed_;
  std::vector<uint32_t> framed_ends_;
  std::string_view bytes_;
  const uint32_t* ends_ = nullptr;
};

}  // namespace streamrun::socket
