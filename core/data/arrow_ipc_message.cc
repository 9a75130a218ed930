#include "core/data/arrow_ipc_message.h"

#include <cstring>

#include "core/data/arrow_ipc.h"

namespace streamrun {

namespace arrow_ipc {

namespace {

// A schema nests a field in a message, a list's element in the field; metadata beside them.
constexpr flatbuffers::uoffset_t kMaxDepth = 16;
constexpr flatbuffers::uoffset_t kMaxTables = 1'000'000;

// Continuation marker and metadata length; the size of the metadata.
Result<size_t> MetadataSize(std::string_view message) {
  if (message.size() < 8) return Corrupt("shorter than its header");
  uint32_t marker;
  int32_t size;
  std::memcpy(&marker, message.data(), 4);
  std::memcpy(&size, message.data() + 4, 4);
  if (marker != kContinuation) return Corrupt("no continuation marker");
  if (size <= 0 || size % 8 != 0 || static_cast<size_t>(size) > message.size() - 8) {
    return Corrupt("metadata length out of range");
  }
  return static_cast<size_t>(size);
}

}  // namespace

Status Corrupt(std::string_view what) { return Status::Corruption("Arrow message: " + std::string(what)); }

void PutHeader(const uint8_t* metadata, size_t size, uint8_t* out) {
  const size_t total = HeaderSize(size);
  const auto padded = static_cast<int32_t>(total - 8);
  std::memcpy(out, &kContinuation, 4);
  std::memcpy(out + 4, &padded, 4);
  std::memcpy(out + 8, metadata, size);
  std::memset(out + 8 + size, 0, total - 8 - size);
}

Result<Frame> ReadFrame(std::string_view message) {
  SR_ASSIGN_OR_RETURN(const size_t size, MetadataSize(message));
  const auto* metadata = reinterpret_cast<const uint8_t*>(message.data()) + 8;
  flatbuffers::Verifier verifier(metadata, size, kMaxDepth, kMaxTables);
  if (!fb::VerifyMessageBuffer(verifier)) return Corrupt("broken flatbuffer");
  Frame frame;
  frame.message = fb::GetMessage(metadata);
  if (frame.message->version() != fb::MetadataVersion_V5 &&
      frame.message->version() != fb::MetadataVersion_V4) {
    return Corrupt("metadata version is neither 4 nor 5");
  }
  const std::string_view rest = message.substr(8 + size);
  const int64_t body = frame.message->body_length();
  if (body < 0 || static_cast<uint64_t>(body) > rest.size()) return Corrupt("body length out of range");
  frame.body = rest.substr(0, static_cast<size_t>(body));
  return frame;
}

}  // namespace arrow_ipc

Result<size_t> IpcMessageSize(std::string_view stream) {
  uint32_t size = 0;
  if (stream.size() >= 8) std::memcpy(&size, stream.data() + 4, 4);
  // "end of stream": marker and a length of 0.
  if (stream.empty() || (stream.size() >= 8 && size == 0)) return size_t{0};
  if (reinterpret_cast<uintptr_t>(stream.data()) % 8 != 0) {
    return arrow_ipc::Corrupt("a stream must lie 8-byte aligned");
  }
  SR_ASSIGN_OR_RETURN(const arrow_ipc::Frame frame, arrow_ipc::ReadFrame(stream));
  return static_cast<size_t>(frame.body.data() + frame.body.size() - stream.data());
}

}  // namespace streamrun
