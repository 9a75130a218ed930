#include "core/stream/spilled_run.h"

#include <cstring>

#include "core/base/crc32c.h"

namespace streamrun {

namespace {

struct Header {
  uint32_t checksum;  // of the rest of the header and all that follows
  uint32_t rows;
  uint64_t message_bytes;
  // Whether the message has the columns of origins and of change kinds: batches of one run may differ.
  uint32_t origin;
  uint32_t changes;
};

uint32_t Checksum(const Header& header, const void* times, const void* message) {
  const auto* rest = reinterpret_cast<const char*>(&header) + sizeof(header.checksum);
  const uint32_t seed = Crc32c(rest, sizeof(Header) - sizeof(header.checksum));
  return Crc32c(message, header.message_bytes, Crc32c(times, header.rows * sizeof(int64_t), seed));
}

Status ReadAll(ReadableFile& file, uint64_t place, size_t length, void* out) {
  auto* bytes = static_cast<char*>(out);
  while (length > 0) {
    SR_ASSIGN_OR_RETURN(const size_t count, file.ReadAt(place, length, bytes));
    if (count == 0)
      return Status::Corruption("a file of waiting rows is shorter than what was written to it");
    place += count;
    bytes += count;
    length -= count;
  }
  return Status::Ok();
}

}  // namespace

Result<SpilledRun::Block> SpilledRun::Read(uint64_t* place) const {
  if (*place >= size_) return Block{};
  Header header;
  SR_RETURN_IF_ERROR(ReadAll(*file_, *place, sizeof header, &header));
  // Before the lengths are believed.
  const uint64_t left = size_ - *place - sizeof header;
  if (header.message_bytes > left || header.rows * sizeof(int64_t) > left - header.message_bytes) {
    return Status::Corruption("a file of waiting rows holds other bytes than were written to it");
  }
  Block block;
  block.times.resize(header.rows);
  const size_t times_bytes = header.rows * sizeof(int64_t);
  SR_RETURN_IF_ERROR(ReadAll(*file_, *place + sizeof header, times_bytes, block.times.data()));
  BufferBuilder message;
  message.Resize(header.message_bytes);
  SR_RETURN_IF_ERROR(
      ReadAll(*file_, *place + sizeof header + times_bytes, header.message_bytes, message.data()));
  if (Checksum(header, block.times.data(), message.data()) != header.checksum) {
    return Status::Corruption("a file of waiting rows holds other bytes than were written to it");
  }
  *place += sizeof header + times_bytes + header.message_bytes;
  IpcLayout layout = layout_;
  layout.origin = header.origin != 0;
  layout.changes = header.changes != 0;
  SR_ASSIGN_OR_RETURN(block.batch, DecodeIpcBatch(message.Finish(), layout));
  return block;
}

Result<std::unique_ptr<SpilledRunWriter>> SpilledRunWriter::Create(Env* env, const std::string& path) {
  auto writer = std::make_unique<SpilledRunWriter>();
  writer->env_ = env;
  writer->path_ = path;
  SR_ASSIGN_OR_RETURN(writer->file_, env->OpenForWrite(path, WriteMode::kReplace));
  return writer;
}

Status SpilledRunWriter::Append(const BatchPtr& batch, const std::vector<int64_t>& times) {
  if (layout_.schema == nullptr) {
    layout_.schema = batch->schema();
    for (int c = 0; c < layout_.schema->size(); ++c) {
      if (!batch->pruned(c)) layout_.live.push_back(c);
    }
  }
  layout_.origin = static_cast<bool>(batch->origin());
  layout_.changes = batch->changes() != nullptr;
  const BufferPtr message = EncodeIpcBatch(*batch, layout_);
  Header header{0, static_cast<uint32_t>(times.size()), message->size(), layout_.origin, layout_.changes};
  header.checksum = Checksum(header, times.data(), message->data());
  SR_RETURN_IF_ERROR(file_->Append({reinterpret_cast<const char*>(&header), sizeof header}));
  SR_RETURN_IF_ERROR(
      file_->Append({reinterpret_cast<const char*>(times.data()), times.size() * sizeof(int64_t)}));
  return file_->Append(message->view());
}

Result<std::shared_ptr<const SpilledRun>> SpilledRunWriter::Finish() {
  auto run = std::make_shared<SpilledRun>();
  run->size_ = file_->size();
  run->layout_ = layout_;
  SR_RETURN_IF_ERROR(file_->Close());
  SR_ASSIGN_OR_RETURN(run->file_, env_->OpenForRead(path_));
  SR_RETURN_IF_ERROR(env_->Remove(path_));
  return std::shared_ptr<const SpilledRun>(std::move(run));
}

}  // namespace streamrun
