// Segments out.
#include <algorithm>
#include <limits>

#include "core/base/crc32c.h"
#include "core/base/failpoint.h"
#include "core/data/selection.h"
#include "runner/checkpoint/segment_format.h"

namespace streamrun {

namespace segment_format {

namespace {

// A record's rows: large enough to cost no more than its bytes, small enough that a second copy of it does
// not count.
constexpr size_t kRecordBytes = 4 << 20;
// Smaller ones are gathered into one write.
constexpr size_t kSmallRecord = 64 << 10;

bool AnyPruned(const Batch& batch) {
  return std::any_of(batch.columns().begin(), batch.columns().end(),
                     [](const ColumnPtr& column) { return column == nullptr; });
}

}  // namespace

Writer::Writer(std::unique_ptr<WritableFile> file, const TableSnapshot& shape)
    : file_(std::move(file)),
      schema_(shape.schema),
      whole_(shape.whole),
      rows_layout_(LayoutOf(shape.schema)),
      pending_(FileHeader()) {}

Result<std::unique_ptr<Writer>> Writer::Create(Env* env, const std::string& path,
                                               const TableSnapshot& shape) {
  const Status sound = CheckShape(shape);
  if (!sound.ok()) return Status::Internal("state '" + shape.name + "': " + sound.message());
  SR_ASSIGN_OR_RETURN(auto file, env->OpenForWrite(path, WriteMode::kCreate));
  std::unique_ptr<Writer> writer(new Writer(std::move(file), shape));
  SR_RETURN_IF_ERROR(writer->AddRecord(RecordKind::kShape, PrintShape(shape)));
  SR_RETURN_IF_ERROR(writer->AddRecord(RecordKind::kSchema, EncodeIpcSchema(writer->rows_layout_)));
  return writer;
}

Status Writer::AddRemoved(const BatchPtr& batch) {
  if (whole_ || counts_.rows > 0) return Status::Internal("removals belong in front of a change's rows");
  if (!removed_layout_ || !(*removed_layout_->schema == *batch->schema())) {
    const auto columns = ColumnsNamed(*schema_, *batch->schema());
    if (!columns.ok()) return Status::Internal(columns.status().message());
    removed_layout_ = LayoutOf(batch->schema());
    SR_RETURN_IF_ERROR(AddRecord(RecordKind::kRemovedSchema, EncodeIpcSchema(*removed_layout_)));
  }
  // No columns: every row of the table is gone. Saying it once is enough.
  const bool all = batch->schema()->size() == 0 && batch->rows() > 0;
  const BatchPtr removal = all ? std::make_shared<const Batch>(batch->schema(), 1, batch->columns()) : batch;
  counts_.removed += removal->rows();
  return AddBatch(RecordKind::kRemoved, *removed_layout_, removal);
}

Status Writer::AddRows(const BatchPtr& batch) {
  if (batch->schema() != schema_ && !(batch->schema()->fields() == schema_->fields())) {
    return Status::Internal("rows (" + batch->schema()->ToString() + ") for a table (" + schema_->ToString() +
                            ")");
  }
  counts_.rows += batch->rows();
  return AddBatch(RecordKind::kRows, rows_layout_, batch);
}

Status Writer::AddBatch(RecordKind kind, const IpcLayout& layout, const BatchPtr& batch) {
  if (batch->rows() == 0) return Status::Ok();
  if (AnyPruned(*batch)) return Status::Internal("state with a pruned column");
  const size_t bytes = batch->ByteSize();
  const int64_t pieces = std::min<int64_t>(batch->rows(), static_cast<int64_t>(bytes / kRecordBytes) + 1);
  if (pieces == 1) {
    const BufferPtr message = EncodeIpcBatch(*batch, layout);
    if (message->size() > std::numeric_limits<uint32_t>::max()) {
      return Status::ResourceExhausted("a row of state is larger than 4 GiB");
    }
    return AddRecord(kind, message->view());
  }
  // Copied once more, so that a message needs no room for all rows. Rows differ in size: a piece may be cut
  // again.
  for (int64_t i = 0; i < pieces; ++i) {
    const BatchPtr piece = Slice(batch, batch->rows() * i / pieces, batch->rows() * (i + 1) / pieces);
    SR_RETURN_IF_ERROR(AddBatch(kind, layout, piece));
  }
  return Status::Ok();
}

Status Writer::AddRecord(RecordKind kind, std::string_view payload) {
  const auto header = EncodeRecordHeader(kind, payload);
  SR_RETURN_IF_ERROR(Put({header.data(), header.size()}));
  SR_RETURN_IF_ERROR(Put(payload));
  return Put(std::string_view("\0\0\0\0\0\0\0", (kAlignment - payload.size() % kAlignment) % kAlignment));
}

Status Writer::Put(std::string_view bytes) {
  if (bytes.size() < kSmallRecord) {
    pending_ += bytes;
    return pending_.size() < kSmallRecord ? Status::Ok() : FlushPending();
  }
  SR_RETURN_IF_ERROR(FlushPending());
  crc_ = Crc32c(bytes.data(), bytes.size(), crc_);
  bytes_ += bytes.size();
  return file_->Append(bytes);
}

Status Writer::FlushPending() {
  if (pending_.empty()) return Status::Ok();
  crc_ = Crc32c(pending_.data(), pending_.size(), crc_);
  bytes_ += pending_.size();
  SR_RETURN_IF_ERROR(file_->Append(pending_));
  pending_.clear();
  return Status::Ok();
}

Status Writer::Finish(SegmentInfo* info) {
  SR_RETURN_IF_ERROR(AddRecord(RecordKind::kEnd, PrintCounts(counts_)));
  SR_RETURN_IF_ERROR(FlushPending());
  SR_RETURN_IF_ERROR(SR_FAILPOINT("segment.written"));
  SR_RETURN_IF_ERROR(file_->Sync());
  SR_RETURN_IF_ERROR(SR_FAILPOINT("segment.synced"));
  SR_RETURN_IF_ERROR(file_->Close());
  info->bytes = bytes_;
  info->crc = crc_;
  info->whole = whole_;
  info->rows = counts_.rows;
  return Status::Ok();
}

}  // namespace segment_format

Status WriteSegment(Env* env, const std::string& path, const TableSnapshot& table, SegmentInfo* info) {
  SR_ASSIGN_OR_RETURN(auto writer, segment_format::Writer::Create(env, path, table));
  for (const BatchPtr& batch : table.removed) SR_RETURN_IF_ERROR(writer->AddRemoved(batch));
  for (const BatchPtr& batch : table.rows) SR_RETURN_IF_ERROR(writer->AddRows(batch));
  return writer->Finish(info);
}

}  // namespace streamrun
