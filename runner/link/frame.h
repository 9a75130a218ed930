// The fixed header in front of every message of a data channel (docs/formats/frames.md).
//
// It comes from another process: DecodeFrameHeader checks every byte before anything is used.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/stream/event.h"

namespace streamrun {

/// Values are on the wire.
enum class FrameKind : uint8_t {
  kHello = 1,      // payload: the schema message of the channel (empty when it carries Encoded)
  kRows = 2,       // payload: one Arrow IPC record batch message
  kEncoded = 3,    // payload: record bytes; a third part holds `records` ends (u32 little endian each)
  kWatermark = 4,  // time, ordinal = next_ordinal
  kIdle = 5,
  kActive = 6,
  kBarrier = 7,      // epoch, flags = BarrierKind
  kEndOfStream = 8,  // flags bit 0: complete
};
inline constexpr uint8_t kLastFrameKind = 8;
/// "hello", "rows", ...
std::string_view FrameKindName(FrameKind kind);

inline constexpr size_t kFrameHeaderSize = 80;
inline constexpr uint16_t kFrameVersion = 1;
using FrameBytes = std::array<uint8_t, kFrameHeaderSize>;

struct FrameHeader {
  FrameKind kind = FrameKind::kHello;
  uint8_t flags = 0;
  uint32_t channel = 0;
  uint32_t records = 0;     // rows or records in the payload
  uint64_t generation = 0;  // starts of the supervisor
  uint64_t attempt = 0;     // starts of the region
  uint64_t seq = 0;         // from 0 (the HELLO), one more each frame
  uint64_t epoch = 0;       // of a barrier, else 0
  Ordinal ordinal = 0;      // of the rows; a watermark's next_ordinal
  Timestamp time = 0;       // of a watermark, else 0
  uint64_t payload = 0;     // length of the second message part in bytes, 0: there is none
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

FrameBytes EncodeFrameHeader(const FrameHeader& header);

/// kCorruption with a sentence for a wrong length, magic, checksum, version, kind, flag or a field that the
/// kind must leave 0. Sequence, attempt and channel are for the caller to compare.
Result<FrameHeader> DecodeFrameHeader(std::string_view bytes);

}  // namespace streamrun
