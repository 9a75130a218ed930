// What the Arrow encoder and decoder share: the frame around a message and the names of streamrun's metadata.
// docs/formats/arrow.md describes both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "arrow/arrow_generated.h"
#include "core/base/status.h"

namespace streamrun::arrow_ipc {

namespace fb = streamrun::arrowfb;

inline constexpr size_t kBodyAlignment = 64;
inline constexpr uint32_t kContinuation = 0xffffffff;

inline constexpr std::string_view kOriginColumn = "__origin_offset";
inline constexpr std::string_view kChangeColumn = "__change";

// Keys of custom metadata.
inline constexpr const char* kEventTime = "streamrun.event_time";
inline constexpr const char* kWindowStart = "streamrun.window_start";
inline constexpr const char* kWindowEnd = "streamrun.window_end";
inline constexpr const char* kSchemaChanges = "streamrun.changes";
inline constexpr const char* kHasOrigin = "streamrun.origin_column";
inline constexpr const char* kHasChange = "streamrun.change_column";
inline constexpr const char* kColumnIndex = "streamrun.index";
inline constexpr const char* kPrunedPrefix = "streamrun.pruned.";
inline constexpr const char* kSplit = "streamrun.split";
inline constexpr const char* kExtensionName = "ARROW:extension:name";
inline constexpr const char* kExtensionData = "ARROW:extension:metadata";

/// The verified flatbuffer of an encapsulated message and its body.
struct Frame {
  const fb::Message* message = nullptr;
  std::string_view body;
};

/// Bytes of marker, length and metadata, rounded up so that the body starts at a multiple of 64.
inline size_t HeaderSize(size_t metadata) {
  return (8 + metadata + kBodyAlignment - 1) / kBodyAlignment * kBodyAlignment;
}
/// Writes marker, length, metadata and zeroes up to HeaderSize.
void PutHeader(const uint8_t* metadata, size_t size, uint8_t* out);

/// Checks frame and flatbuffer; `message` must be 8-byte aligned.
Result<Frame> ReadFrame(std::string_view message);

Status Corrupt(std::string_view what);

}  // namespace streamrun::arrow_ipc
