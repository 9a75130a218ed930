// Record batch messages out: sizes first, then one allocation and one copy of every column's bytes.
#include <cstring>

#include "core/data/arrow_ipc.h"
#include "core/data/arrow_ipc_message.h"

namespace streamrun {

using namespace arrow_ipc;  // NOLINT: the private half of this file set

namespace {

size_t Padded(size_t size) { return (size + kBodyAlignment - 1) / kBodyAlignment * kBodyAlignment; }

class BatchWriter {
 public:
  BatchWriter(const Batch& batch, const IpcLayout& layout) : batch_(batch), layout_(layout) {}

  BufferPtr Write() {
    for (const int index : layout_.live) {
      SR_CHECK(!batch_.pruned(index));
      AddColumn(*batch_.column(index), batch_.rows());
    }
    const auto rows = static_cast<size_t>(batch_.rows());
    if (layout_.origin) AddHidden(batch_.origin().offsets.get(), rows * 8);
    if (layout_.changes) AddHidden(batch_.changes().get(), rows);
    BuildMetadata();
    const size_t header = HeaderSize(builder_.GetSize());
    BufferBuilder out;
    out.Resize(header + body_);
    PutHeader(builder_.GetBufferPointer(), builder_.GetSize(), out.data());
    CopyBody(out.data() + header);
    return out.Finish();
  }

 private:
  struct Part {
    const uint8_t* data;  // null: zeroes
    size_t size;
  };

  void AddPart(const uint8_t* data, size_t size) {
    parts_.push_back({data, size});
    buffers_.emplace_back(static_cast<int64_t>(body_), static_cast<int64_t>(size));
    body_ += Padded(size);
  }

  void AddColumn(const Column& column, int64_t rows) {
    nodes_.emplace_back(rows, column.null_count());
    AddPart(column.validity(), column.has_nulls() ? static_cast<size_t>(rows + 7) / 8 : 0);
    const auto* values = column.values<uint8_t>();
    switch (column.type().layout()) {
      case Layout::kBits:
        return AddPart(values, static_cast<size_t>(rows + 7) / 8);
      case Layout::kFixed:
        return AddPart(values, static_cast<size_t>(rows * column.type().byte_width()));
      case Layout::kVarlen: {
        AddPart(values, static_cast<size_t>(rows + 1) * 4);
        return AddPart(column.data_buffer()->data(), static_cast<size_t>(column.values<int32_t>()[rows]));
      }
      case Layout::kList:
        AddPart(values, static_cast<size_t>(rows + 1) * 4);
        return AddColumn(*column.child(), column.values<int32_t>()[rows]);
    }
  }

  void AddHidden(const Buffer* values, size_t size) {
    nodes_.emplace_back(batch_.rows(), 0);
    AddPart(nullptr, 0);
    AddPart(values == nullptr ? nullptr : values->data(), size);
  }

  void BuildMetadata() {
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fb::KeyValue>>> metadata;
    if (layout_.origin && batch_.origin()) {
      const auto key = builder_.CreateString(kSplit);
      const auto value = builder_.CreateString(*batch_.origin().split);
      const std::vector<flatbuffers::Offset<fb::KeyValue>> pairs = {fb::CreateKeyValue(builder_, key, value)};
      metadata = builder_.CreateVector(pairs);
    }
    const auto nodes = builder_.CreateVectorOfStructs(nodes_);
    const auto buffers = builder_.CreateVectorOfStructs(buffers_);
    const auto record = fb::CreateRecordBatch(builder_, batch_.rows(), nodes, buffers);
    builder_.Finish(fb::CreateMessage(builder_, fb::MetadataVersion_V5, fb::MessageHeader_RecordBatch,
                                      record.Union(), static_cast<int64_t>(body_), metadata));
  }

  void CopyBody(uint8_t* out) const {
    for (const Part& part : parts_) {
      if (part.size == 0) continue;
      if (part.data == nullptr) {
        std::memset(out, 0, part.size);
      } else {
        std::memcpy(out, part.data, part.size);
      }
      // Zeroed padding: nothing of old memory leaves the process.
      const size_t padded = Padded(part.size);
      std::memset(out + part.size, 0, padded - part.size);
      out += padded;
    }
  }

  const Batch& batch_;
  const IpcLayout& layout_;
  std::vector<Part> parts_;
  std::vector<fb::FieldNode> nodes_;
  std::vector<fb::Buffer> buffers_;
  size_t body_ = 0;
  flatbuffers::FlatBufferBuilder builder_;
};

}  // namespace

BufferPtr EncodeIpcBatch(const Batch& batch, const IpcLayout& layout) {
  return BatchWriter(batch, layout).Write();
}

}  // namespace streamrun
