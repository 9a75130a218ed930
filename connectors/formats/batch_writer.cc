#include "connectors/formats/batch_writer.h"

#include <algorithm>

namespace streamrun {

BatchWriter::BatchWriter(const DecodeOptions& options)
    : schema_(options.schema), origin_(options.origin), max_bytes_(std::max<size_t>(options.max_bytes, 1)) {
  columns_.resize(static_cast<size_t>(schema_->size()));
  for (int i = 0; i < schema_->size(); ++i) {
    const size_t at = static_cast<size_t>(i);
    if (at < options.wanted.size() && !options.wanted[at]) continue;
    columns_[at].emplace(schema_->field(i).type);
    row_bytes_ += columns_[at]->FixedBytes();
  }
  if (origin_) row_bytes_ += sizeof(int64_t);
  const size_t fitting = max_bytes_ / std::max<size_t>(row_bytes_, 1);
  row_limit_ = std::clamp<int64_t>(static_cast<int64_t>(fitting), 1, std::max<int64_t>(options.max_rows, 1));
  Begin(0);
}

void BatchWriter::Begin(size_t position) {
  row_ = 0;
  for (std::optional<ColumnWriter>& column : columns_) {
    if (column) column->Begin(row_limit_);
  }
  if (origin_) offsets_.Reserve(static_cast<size_t>(row_limit_) * sizeof(int64_t));
  check_at_ = position + max_bytes_;
}

bool BatchWriter::TextFull(size_t position) {
  size_t bytes = static_cast<size_t>(row_) * row_bytes_;
  for (const std::optional<ColumnWriter>& column : columns_) {
    if (column) bytes += column->VariableBytes(row_);
  }
  if (bytes >= max_bytes_) return true;
  check_at_ = position + (max_bytes_ - bytes);
  return false;
}

void BatchWriter::ForgetRow() {
  for (std::optional<ColumnWriter>& column : columns_) {
    if (column) column->ForgetRow(row_);
  }
}

BatchPtr BatchWriter::Finish(const std::shared_ptr<const std::string>& split, size_t position) {
  if (row_ == 0) return nullptr;
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (std::optional<ColumnWriter>& column : columns_)
    columns.push_back(column ? column->Finish(row_) : nullptr);
  Origin origin;
  if (origin_) {
    offsets_.Resize(static_cast<size_t>(row_) * sizeof(int64_t));
    origin = {split, offsets_.Finish()};
  }
  auto batch = std::make_shared<const Batch>(schema_, row_, std::move(columns), std::move(origin));
  Begin(position);
  return batch;
}

}  // namespace streamrun
