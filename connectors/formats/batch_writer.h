// The batch a decoder is filling: a ColumnWriter per wanted column, the origin of each row, and when it is
// full.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/formats/column_writer.h"
#include "core/stream/codec.h"

namespace streamrun {

/// Protocol per row: put every wanted column at row(), then FinishRow; or ForgetRow. Not thread-safe.
class BatchWriter {
 public:
  explicit BatchWriter(const DecodeOptions& options);

  /// Null for a column that no one wants.
  ColumnWriter* column(int i) {
    return columns_[static_cast<size_t>(i)] ? &*columns_[static_cast<size_t>(i)] : nullptr;
  }
  int64_t row() const { return row_; }

  /// Closes the row that stands at origin `offset`. `position` counts the input bytes read so far (any fixed
  /// zero): it bounds how much text can have come in, so that sizes are summed up rarely. True when the batch
  /// is full.
  bool FinishRow(int64_t offset, size_t position) {
    if (origin_) offsets_.as<int64_t>()[row_] = offset;
    ++row_;
    return row_ >= row_limit_ || (position >= check_at_ && TextFull(position));
  }
  /// Takes back the columns already put for the current row.
  void ForgetRow();
  /// A new chunk begins: positions count from zero again. Only between batches.
  void Restart() { check_at_ = max_bytes_; }

  /// The rows so far as a batch, null when there are none; `position` as in FinishRow.
  BatchPtr Finish(const std::shared_ptr<const std::string>& split, size_t position);

 private:
  void Begin(size_t position);
  bool TextFull(size_t position);

  SchemaPtr schema_;
  std::vector<std::optional<ColumnWriter>> columns_;
  bool origin_;
  BufferBuilder offsets_;
  size_t max_bytes_;
  size_t row_bytes_ = 0;
  int64_t row_limit_ = 1;
  int64_t row_ = 0;
  size_t check_at_ = 0;
};

}  // namespace streamrun
