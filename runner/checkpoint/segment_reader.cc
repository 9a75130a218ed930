// Segments in. Nothing is believed: not lengths, not counts, not the order of records.
#include "core/base/crc32c.h"
#include "runner/checkpoint/segment_format.h"

namespace streamrun {

namespace segment_format {

Result<std::unique_ptr<Reader>> Reader::Open(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(auto file, env->OpenForRead(path));
  return Open(std::move(file), path);
}

Result<std::unique_ptr<Reader>> Reader::Open(std::unique_ptr<ReadableFile> file, std::string path) {
  std::unique_ptr<Reader> reader(new Reader(std::move(file), std::move(path)));
  SR_RETURN_IF_ERROR(reader->Begin());
  return reader;
}

Status Reader::Damaged(std::string_view what) const {
  return Status::Corruption(path_ + " is damaged at byte " + std::to_string(record_at_) + ": " +
                            std::string(what));
}

Status Reader::Begin() {
  SR_ASSIGN_OR_RETURN(const FileInfo info, file_->Info());
  size_ = info.size;
  if (size_ < kFileHeaderSize) return Damaged("it is shorter than its header");
  SR_ASSIGN_OR_RETURN(const BufferPtr header, ReadExactly(kFileHeaderSize));
  if (const Status sound = CheckFileHeader(header->view()); !sound.ok()) {
    return Status(sound.code(), path_ + " " + sound.message());
  }
  SR_ASSIGN_OR_RETURN(const Record shape, ReadRecord());
  if (shape.kind != RecordKind::kShape) return Damaged("the shape is missing");
  if (const Status sound = ParseShape(shape.payload->view(), &shape_); !sound.ok()) {
    return Damaged(sound.message());
  }
  SR_ASSIGN_OR_RETURN(const Record schema, ReadRecord());
  if (schema.kind != RecordKind::kSchema) return Damaged("the schema is missing");
  auto layout = DecodeIpcSchema(schema.payload->view());
  if (!layout.ok()) return Damaged(layout.status().message());
  if (layout->live != LayoutOf(layout->schema).live || layout->origin || layout->changes) {
    return Damaged("the schema is not one of state");
  }
  rows_layout_ = std::move(*layout);
  shape_.schema = rows_layout_.schema;
  const Status sound = CheckShape(shape_);
  return sound.ok() ? sound : Damaged(sound.message());
}

Result<BufferPtr> Reader::ReadExactly(size_t length) {
  if (length > size_ - at_) return Damaged("it ends in the middle of a record");
  BufferBuilder bytes;
  bytes.Resize(length);
  for (size_t have = 0; have < length;) {
    SR_ASSIGN_OR_RETURN(const size_t n, file_->ReadAt(at_ + have, length - have,
                                                      reinterpret_cast<char*>(bytes.data()) + have));
    if (n == 0) return Damaged("it became shorter while it was read");
    have += n;
  }
  at_ += length;
  return bytes.Finish();
}

Result<Reader::Record> Reader::ReadRecord() {
  record_at_ = at_;
  SR_ASSIGN_OR_RETURN(const BufferPtr head, ReadExactly(kRecordHeaderSize));
  const auto header = DecodeRecordHeader(head->view());
  if (!header.ok()) return Damaged(header.status().message());
  const size_t padding = (kAlignment - header->length % kAlignment) % kAlignment;
  Record record;
  record.kind = header->kind;
  SR_ASSIGN_OR_RETURN(record.payload, ReadExactly(header->length));
  SR_ASSIGN_OR_RETURN(const BufferPtr rest, ReadExactly(padding));
  if (rest->view() != std::string(padding, '\0')) return Damaged("its padding is not zero");
  if (RecordCrc(header->length, header->kind, record.payload->view()) != header->crc) {
    return Damaged("a checksum does not match");
  }
  if (record.kind < last_) return Damaged("records are out of order");
  // The schema of removals may change between them.
  last_ = record.kind == RecordKind::kRemoved ? RecordKind::kRemovedSchema : record.kind;
  return record;
}

Result<Reader::Item> Reader::Next() {
  for (;;) {
    SR_ASSIGN_OR_RETURN(const Record record, ReadRecord());
    switch (record.kind) {
      case RecordKind::kRemovedSchema:
        SR_RETURN_IF_ERROR(TakeRemovedSchema(record));
        break;
      case RecordKind::kRemoved:
      case RecordKind::kRows:
        return Take(record);
      case RecordKind::kEnd:
        SR_RETURN_IF_ERROR(TakeEnd(record));
        return Item{};
      default:
        return Damaged("a second shape or schema");
    }
  }
}

Status Reader::TakeRemovedSchema(const Record& record) {
  if (shape_.whole) return Damaged("removals in a whole segment");
  auto layout = DecodeIpcSchema(record.payload->view());
  if (!layout.ok()) return Damaged(layout.status().message());
  if (layout->live != LayoutOf(layout->schema).live || layout->origin || layout->changes) {
    return Damaged("the schema of removals is not one of state");
  }
  if (const auto columns = ColumnsNamed(*shape_.schema, *layout->schema); !columns.ok()) {
    return Damaged(columns.status().message());
  }
  removed_layout_ = std::move(*layout);
  return Status::Ok();
}

Result<Reader::Item> Reader::Take(const Record& record) {
  const bool removed = record.kind == RecordKind::kRemoved;
  if (removed && !removed_layout_) return Damaged("removals without their schema");
  auto batch = DecodeIpcBatch(record.payload, removed ? *removed_layout_ : rows_layout_);
  if (!batch.ok()) return Damaged(batch.status().message());
  // Rows that cost no bytes could be any number.
  if ((*batch)->columns().empty() && (*batch)->rows() != 1)
    return Damaged("a removal of everything that is no single row");
  (removed ? counts_.removed : counts_.rows) += (*batch)->rows();
  return Item{removed, std::move(*batch)};
}

Status Reader::TakeEnd(const Record& record) const {
  const auto counts = ParseCounts(record.payload->view());
  if (!counts.ok()) return Damaged(counts.status().message());
  if (!(*counts == counts_)) return Damaged("it holds another number of rows than it says");
  if (at_ != size_) return Damaged("there is something behind its end");
  return Status::Ok();
}

}  // namespace segment_format

Result<TableSnapshot> ReadShape(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(const auto reader, segment_format::Reader::Open(env, path));
  return reader->shape();
}

Result<TableSnapshot> ReadSegment(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(auto reader, segment_format::Reader::Open(env, path));
  TableSnapshot table = reader->shape();
  for (;;) {
    SR_ASSIGN_OR_RETURN(auto item, reader->Next());
    if (item.batch == nullptr) return table;
    (item.removed ? table.removed : table.rows).push_back(std::move(item.batch));
  }
}

}  // namespace streamrun
