#include "runner/link/frame.h"

#include <bit>
#include <cstring>
#include <string>

#include "core/base/crc32c.h"

namespace streamrun {

static_assert(std::endian::native == std::endian::little, "frames are little endian and written as they lie");

namespace {

constexpr uint32_t kMagic = 0x31465253;  // "SRF1"

// The wire layout; every field lies at its natural alignment, so there is no padding.
struct Wire {
  uint32_t magic;
  uint16_t version;
  uint8_t kind;
  uint8_t flags;
  uint64_t generation;
  uint64_t attempt;
  uint32_t channel;
  uint32_t records;
  uint64_t seq;
  uint64_t epoch;
  uint64_t ordinal;
  int64_t time;
  uint64_t payload;
  uint32_t reserved;
  uint32_t crc;  // crc32c of everything before it
};
static_assert(sizeof(Wire) == kFrameHeaderSize);
static_assert(offsetof(Wire, crc) == kFrameHeaderSize - 4);

Status Damaged(const std::string& what) { return Status::Corruption("frame header: " + what); }

// What each kind may carry; anything else must be 0, so that a sender's mistake is seen at once.
struct KindRule {
  uint8_t max_flags;
  bool payload, records, epoch, ordinal, time;
};
constexpr KindRule kRules[kLastFrameKind + 1] = {
    {},
    {0, true, false, false, false, false},   // hello
    {0, true, true, false, true, false},     // rows
    {0, true, true, false, true, false},     // encoded
    {0, false, false, false, true, true},    // watermark
    {0, false, false, false, false, false},  // idle
    {0, false, false, false, false, false},  // active
    {4, false, false, true, false, false},   // barrier
    {1, false, false, false, false, false},  // end of stream
};

Status CheckFields(const FrameHeader& h) {
  const KindRule& rule = kRules[static_cast<size_t>(h.kind)];
  const auto unexpected = [&](const char* field) {
    return Damaged(std::string(field) + " is not part of frame kind " + std::string(FrameKindName(h.kind)));
  };
  if (h.flags > rule.max_flags) return unexpected("flags");
  if (!rule.payload && h.payload != 0) return unexpected("payload");
  if (!rule.records && h.records != 0) return unexpected("records");
  if (!rule.epoch && h.epoch != 0) return unexpected("epoch");
  if (!rule.ordinal && h.ordinal != 0) return unexpected("ordinal");
  if (!rule.time && h.time != 0) return unexpected("time");
  if ((h.kind == FrameKind::kHello) != (h.seq == 0))
    return Damaged("HELLO has sequence number 0, and nothing else");
  return Status::Ok();
}

}  // namespace

std::string_view FrameKindName(FrameKind kind) {
  static constexpr std::string_view kNames[] = {"unknown", "hello",  "rows",    "encoded",      "watermark",
                                                "idle",    "active", "barrier", "end_of_stream"};
  const auto at = static_cast<size_t>(kind);
  return at <= kLastFrameKind ? kNames[at] : kNames[0];
}

FrameBytes EncodeFrameHeader(const FrameHeader& h) {
  Wire wire{kMagic,
            kFrameVersion,
            static_cast<uint8_t>(h.kind),
            h.flags,
            h.generation,
            h.attempt,
            h.channel,
            h.records,
            h.seq,
            h.epoch,
            h.ordinal,
            h.time,
            h.payload,
            0,
            0};
  wire.crc = Crc32c(&wire, offsetof(Wire, crc));
  FrameBytes bytes;
  std::memcpy(bytes.data(), &wire, sizeof(wire));
  return bytes;
}

Result<FrameHeader> DecodeFrameHeader(std::string_view bytes) {
  if (bytes.size() != kFrameHeaderSize) {
    return Damaged("is " + std::to_string(bytes.size()) + " bytes long, expected " +
                   std::to_string(kFrameHeaderSize));
  }
  Wire wire;
  std::memcpy(&wire, bytes.data(), sizeof(wire));
  if (wire.magic != kMagic) return Damaged("does not begin with SRF1");
  if (wire.crc != Crc32c(&wire, offsetof(Wire, crc))) return Damaged("checksum does not match");
  if (wire.version != kFrameVersion) {
    return Damaged("version " + std::to_string(wire.version) + " is not known, expected " +
                   std::to_string(kFrameVersion));
  }
  if (wire.kind == 0 || wire.kind > kLastFrameKind)
    return Damaged("kind " + std::to_string(wire.kind) + " is not known");
  if (wire.reserved != 0) return Damaged("reserved bytes are not 0");
  FrameHeader h;
  h.kind = static_cast<FrameKind>(wire.kind);
  h.flags = wire.flags;
  h.channel = wire.channel;
  h.records = wire.records;
  h.generation = wire.generation;
  h.attempt = wire.attempt;
  h.seq = wire.seq;
  h.epoch = wire.epoch;
  h.ordinal = wire.ordinal;
  h.time = wire.time;
  h.payload = wire.payload;
  SR_RETURN_IF_ERROR(CheckFields(h));
  return h;
}

}  // namespace streamrun
