// Arrow IPC framing of schemas and batches (Arrow columnar format 1.0, "Serialization and IPC").
//
// One encapsulated message per call: continuation marker, metadata length, flatbuffer, padding, body. Any
// Arrow library reads them. Types Arrow lacks travel as extension types (docs/formats/arrow.md). No
// dictionaries, no compression.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/data/batch.h"

namespace streamrun {

/// Encodes the columns `live` (indexes into the schema; others are pruned and not sent). Origin and change
/// kinds travel as extra columns "__origin_offset" (int64) and "__change" (int8) when present in the batch,
/// the split in the message's custom metadata; a channel announces them with these flags.
struct IpcLayout {
  SchemaPtr schema;
  std::vector<int> live;
  bool origin = false;
  bool changes = false;
};

/// The schema message of a layout.
std::string EncodeIpcSchema(const IpcLayout& layout);
/// The schema of a message: types, names and the streamrun marks (event time, window bounds) from its
/// metadata.
Result<IpcLayout> DecodeIpcSchema(std::string_view message);

/// A record batch message in one contiguous, 64-byte aligned buffer.
BufferPtr EncodeIpcBatch(const Batch& batch, const IpcLayout& layout);
/// Reads a record batch message; columns point into `message` (no copy). Every length, offset, null count and
/// offsets buffer is checked before use: a hostile message gives kCorruption, never a bad read. Text is
/// checked to be UTF-8 only when `check_utf8`. A message at an address that is not a multiple of 8 costs one
/// copy.
Result<BatchPtr> DecodeIpcBatch(const BufferPtr& message, const IpcLayout& layout, bool check_utf8 = false);

/// The IPC file format ("ARROW1"): kIpcFileBegin, a stream, kIpcEndOfStream, the footer.
inline constexpr std::string_view kIpcFileBegin{"ARROW1\0\0", 8};
inline constexpr std::string_view kIpcEndOfStream{"\xff\xff\xff\xff\0\0\0\0", 8};
/// Where a record batch message lies in the file.
struct IpcBlock {
  uint64_t offset;
  uint32_t metadata;  // bytes in front of the body
  uint64_t body;
};
IpcBlock LocateIpcBatch(uint64_t offset, std::string_view message);
/// Footer, its length and the closing magic.
std::string EncodeIpcFooter(const IpcLayout& layout, const std::vector<IpcBlock>& blocks);

/// Bytes of the first message of an Arrow IPC stream (8-byte aligned), 0 at its end; to take streams apart.
Result<size_t> IpcMessageSize(std::string_view stream);

}  // namespace streamrun
