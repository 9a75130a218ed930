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

std::string_view ChangeName(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kInsert:
      return "insert";
    case ChangeKind::kUpdateBefore:
      return "update_before";
    case ChangeKind::kUpdateAfter:
      return "update_after";
    case ChangeKind::kDelete:
      return "delete";
  }
  return "insert";
}

}  // namespace streamrun
