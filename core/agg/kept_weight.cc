#include "core/agg/kept_weight.h"

namespace streamrun {

namespace {

// A value as JSON: a byte may become \u0001, a number of 8 bytes up to 24 characters, a time 32.
constexpr size_t kJsonScale = 8;

// With the offset that stands for it.
size_t ValueBytes(const Column& column, int64_t row) {
  constexpr size_t kOffset = 4;
  if (column.IsNull(row)) return kOffset;
  switch (column.type().layout()) {
    case Layout::kBits:
      return 1;
    case Layout::kFixed:
      return static_cast<size_t>(column.type().byte_width());
    case Layout::kVarlen:
      return kOffset + column.Text(row).size();
    case Layout::kList:
      break;
  }
  size_t bytes = kOffset;
  const auto* offsets = column.values<int32_t>();
  for (int32_t at = offsets[row]; at < offsets[row + 1]; ++at) bytes += ValueBytes(*column.child(), at);
  return bytes;
}

}  // namespace

KeptWeight::KeptWeight(const AggregateTypes& types) {
  if (types.result.id() == TypeId::kJsonb) scale_ = kJsonScale;
  // A delimiter stands in the result as often as there are rows, but is not kept.
  for (const std::optional<Value>& constant : types.constants) {
    if (!constant || constant->is_null()) continue;
    if (const auto* text = std::get_if<std::string>(&constant->data)) more_ += text->size();
  }
}

size_t KeptWeight::Of(std::span<const ColumnPtr> columns, int64_t row) const {
  size_t bytes = 0;
  for (const ColumnPtr& column : columns) bytes += ValueBytes(*column, row);
  return bytes * scale_ + more_;
}

RowFailure TooLarge(uint32_t position) {
  return {position, "54000", "the rows that an aggregate keeps for this group would be larger than 1 GiB"};
}

}  // namespace streamrun
