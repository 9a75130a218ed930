#include "connectors/http/stage_segment.h"

#include <cstring>

#include "core/base/crc32c.h"

namespace streamrun::http {
namespace {

constexpr size_t kFrameHead = 8;
constexpr size_t kSentRecord = 8;
constexpr uint64_t kMostSent = uint64_t{1} << 30;

// Little endian, as every machine that this runs on.
void PutU32(std::string* out, uint32_t value) { out->append(reinterpret_cast<const char*>(&value), 4); }

uint32_t GetU32(const char* bytes) {
  uint32_t value = 0;
  std::memcpy(&value, bytes, 4);
  return value;
}

std::string SentRecord(uint32_t body) {
  std::string record;
  PutU32(&record, body);
  PutU32(&record, Crc32c(&body, sizeof body));
  return record;
}

}  // namespace

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::Create(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, env->OpenForWrite(path, WriteMode::kCreate));
  SR_RETURN_IF_ERROR(file->Append(kSegmentMagic));
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(file)));
}

Status SegmentWriter::Append(const BatchBody& body) {
  std::string frame(kFrameHead, '\0');
  frame.reserve(kFrameHead + 4 + body.ends.size() * 4 + body.bytes.size());
  PutU32(&frame, static_cast<uint32_t>(body.ends.size()));
  for (const uint32_t end : body.ends) PutU32(&frame, end);
  frame += body.bytes;
  const auto length = static_cast<uint32_t>(frame.size() - kFrameHead);
  const uint32_t crc = Crc32c(frame.data() + kFrameHead, length);
  std::memcpy(frame.data(), &length, 4);
  std::memcpy(frame.data() + 4, &crc, 4);
  ++bodies_;
  return file_->Append(frame);
}

Result<std::unique_ptr<SegmentReader>> SegmentReader::Open(Env* env, const std::string& path, uint64_t size) {
  SR_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, env->OpenForRead(path));
  SR_ASSIGN_OR_RETURN(const FileInfo info, file->Info());
  if (info.size < size) {
    return Status::Corruption(path + " has " + std::to_string(info.size) + " bytes, its checkpoint says " +
                              std::to_string(size));
  }
  std::unique_ptr<SegmentReader> reader(new SegmentReader(std::move(file), path, size));
  std::string magic;
  SR_RETURN_IF_ERROR(reader->ReadExactly(0, kSegmentMagic.size(), &magic));
  if (magic != kSegmentMagic) return reader->Damaged("this is no segment of an http sink");
  reader->position_ = kSegmentMagic.size();
  return reader;
}

Status SegmentReader::Damaged(const std::string& why) const {
  return Status::Corruption(path_ + ", offset " + std::to_string(position_) + ": " + why);
}

Status SegmentReader::ReadExactly(uint64_t offset, size_t length, std::string* out) const {
  if (offset + length > size_) return Damaged("it is cut off");
  out->resize(length);
  for (size_t done = 0; done < length;) {
    SR_ASSIGN_OR_RETURN(const size_t count, file_->ReadAt(offset + done, length - done, out->data() + done));
    if (count == 0) return Damaged("it is cut off");
    done += count;
  }
  return Status::Ok();
}

Result<std::optional<BatchBody>> SegmentReader::Next() {
  if (position_ == size_) return std::optional<BatchBody>();
  std::string head, frame;
  SR_RETURN_IF_ERROR(ReadExactly(position_, kFrameHead, &head));
  const uint32_t length = GetU32(head.data());
  SR_RETURN_IF_ERROR(ReadExactly(position_ + kFrameHead, length, &frame));
  if (Crc32c(frame.data(), frame.size()) != GetU32(head.data() + 4)) return Damaged("its checksum is wrong");
  const uint64_t records = length >= 4 ? GetU32(frame.data()) : 0;
  if (records == 0 || 4 + records * 4 > length) return Damaged("a body without records");
  BatchBody body;
  for (uint64_t i = 1; i <= records; ++i) body.ends.push_back(GetU32(frame.data() + i * 4));
  body.bytes = frame.substr(4 + records * 4);
  position_ += kFrameHead + length;
  return std::optional<BatchBody>(std::move(body));
}

Result<std::unique_ptr<SentLog>> SentLog::Open(Env* env, const std::string& path) {
  auto log = std::make_unique<SentLog>();
  Result<std::string> before = env->ReadFile(path, kMostSent);
  if (!before.ok() && before.status().code() != Code::kNotFound) return before.status();
  size_t whole = 0;
  for (; before.ok() && whole + kSentRecord <= before->size(); whole += kSentRecord) {
    const uint32_t body = GetU32(before->data() + whole);
    if (std::string_view(*before).substr(whole, kSentRecord) != SentRecord(body)) break;
    log->sent_.insert(body);
  }
  SR_ASSIGN_OR_RETURN(log->file_, env->OpenForWrite(path, WriteMode::kAppend));
  if (before.ok() && whole < before->size()) SR_RETURN_IF_ERROR(log->file_->Truncate(whole));
  return log;
}

Status SentLog::Add(uint32_t body) {
  sent_.insert(body);
  return file_->Append(SentRecord(body));
}

}  // namespace streamrun::http
