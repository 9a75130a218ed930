#include "core/data/batch.h"

namespace streamrun {

size_t Batch::ByteSize() const {
  size_t bytes = origin_.offsets ? static_cast<size_t>(rows_) * 8 : 0;
  if (changes_) bytes += static_cast<size_t>(rows_);
  for (const ColumnPtr& column : columns_) {
    if (column) bytes += column->ByteSize();
  }
  return bytes;
}

}  // namespace streamrun
