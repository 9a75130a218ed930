// Batches behind each other: whole buffers are copied, never single values.
#include <limits>

#include "core/data/selection.h"

namespace streamrun {

namespace {

// Appends `count` bits (from bit 0 of `bits`; null: all 1) at bit `at` of `out`, whose bits from `at` on are
// 0.
void AppendBits(const uint8_t* bits, int64_t count, int64_t at, uint8_t* out) {
  const int shift = static_cast<int>(at & 7);
  uint8_t* to = out + (at >> 3);
  for (int64_t i = 0; i * 8 < count; ++i) {
    unsigned byte = bits == nullptr ? 0xff : bits[i];
    if (count - i * 8 < 8) byte &= (1u << (count - i * 8)) - 1;
    to[i] = static_cast<uint8_t>(to[i] | byte << shift);
    // The upper part spills into the next byte, which exists whenever a bit lands there.
    if (const unsigned spill = byte >> (8 - shift); shift > 0 && spill != 0)
      to[i + 1] = static_cast<uint8_t>(spill);
  }
}

struct Pieces {
  std::vector<ColumnPtr> columns;
  int64_t length = 0;
  int64_t nulls = 0;

  void Add(const ColumnPtr& column) {
    columns.push_back(column);
    length += column->length();
    nulls += column->null_count();
  }
};

BufferPtr ConcatBits(const Pieces& pieces, bool validity) {
  BufferBuilder out;
  out.ResizeZeroed(static_cast<size_t>(pieces.length + 7) / 8);
  int64_t at = 0;
  for (const ColumnPtr& column : pieces.columns) {
    AppendBits(validity ? column->validity() : column->values<uint8_t>(), column->length(), at, out.data());
    at += column->length();
  }
  return out.Finish();
}

// The offsets of all pieces, each shifted to where its bytes or elements now lie.
BufferPtr ConcatOffsets(const Pieces& pieces) {
  BufferBuilder out;
  out.Resize(static_cast<size_t>(pieces.length + 1) * 4);
  int32_t* to = out.as<int32_t>();
  int64_t base = 0;
  *to++ = 0;
  for (const ColumnPtr& column : pieces.columns) {
    const int32_t* from = column->values<int32_t>();
    const int64_t length = column->length();
    // A batch stays far below 2 GiB; more is our own bug.
    SR_CHECK(base + from[length] <= std::numeric_limits<int32_t>::max());
    for (int64_t i = 1; i <= length; ++i) *to++ = static_cast<int32_t>(base) + from[i];
    base += from[length];
  }
  return out.Finish();
}

ColumnPtr ConcatColumns(const DataType& type, const Pieces& pieces);

ColumnPtr ConcatChildren(const DataType& element, const Pieces& pieces) {
  Pieces children;
  for (const ColumnPtr& column : pieces.columns) {
    const ColumnPtr& child = column->child();
    const int32_t used = column->values<int32_t>()[column->length()];
    if (used == child->length()) {
      children.Add(child);
      continue;
    }
    // A received list may have elements behind its last row.
    Selection rows(static_cast<size_t>(used));
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<uint32_t>(i);
    children.Add(Take(child, rows));
  }
  return ConcatColumns(element, children);
}

ColumnPtr ConcatColumns(const DataType& type, const Pieces& pieces) {
  BufferPtr validity = pieces.nulls > 0 ? ConcatBits(pieces, true) : nullptr;
  BufferPtr values, data;
  ColumnPtr child;
  switch (type.layout()) {
    case Layout::kBits:
      values = ConcatBits(pieces, false);
      break;
    case Layout::kFixed: {
      BufferBuilder out;
      out.Reserve(static_cast<size_t>(pieces.length * type.byte_width()));
      for (const ColumnPtr& column : pieces.columns) {
        out.Append(column->values<uint8_t>(), static_cast<size_t>(column->length() * type.byte_width()));
      }
      values = out.Finish();
      break;
    }
    case Layout::kVarlen: {
      values = ConcatOffsets(pieces);
      BufferBuilder out;
      out.Reserve(static_cast<size_t>(values->as<int32_t>()[pieces.length]));
      for (const ColumnPtr& column : pieces.columns) {
        out.Append(column->text_data(), static_cast<size_t>(column->values<int32_t>()[column->length()]));
      }
      data = out.Finish();
      break;
    }
    case Layout::kList:
      values = ConcatOffsets(pieces);
      child = ConcatChildren(type.element(), pieces);
      break;
  }
  return std::make_shared<const Column>(type, pieces.length, pieces.nulls, std::move(validity),
                                        std::move(values), std::move(data), std::move(child));
}

Origin ConcatOrigins(const std::vector<BatchPtr>& batches) {
  Origin origin = batches.front()->origin();
  if (!origin) return origin;
  BufferBuilder offsets;
  for (const BatchPtr& batch : batches) {
    offsets.Append(batch->origin().offsets->data(), static_cast<size_t>(batch->rows()) * 8);
  }
  origin.offsets = offsets.Finish();
  return origin;
}

BufferPtr ConcatChanges(const std::vector<BatchPtr>& batches) {
  bool any = false;
  for (const BatchPtr& batch : batches) any |= batch->changes() != nullptr;
  if (!any) return nullptr;
  BufferBuilder kinds;
  for (const BatchPtr& batch : batches) {
    const auto rows = static_cast<size_t>(batch->rows());
    if (batch->changes()) {
      kinds.Append(batch->changes()->data(), rows);
    } else {
      kinds.ResizeZeroed(kinds.size() + rows);
    }
  }
  return kinds.Finish();
}

}  // namespace

BatchPtr Concat(const std::vector<BatchPtr>& batches) {
  if (batches.size() == 1) return batches.front();
  const BatchPtr& first = batches.front();
  int64_t total = 0;
  for (const BatchPtr& batch : batches) total += batch->rows();
  std::vector<ColumnPtr> columns;
  for (int c = 0; c < first->schema()->size(); ++c) {
    if (first->pruned(c)) {
      columns.push_back(nullptr);
      continue;
    }
    Pieces pieces;
    for (const BatchPtr& batch : batches) pieces.Add(batch->column(c));
    columns.push_back(ConcatColumns(first->schema()->field(c).type, pieces));
  }
  return std::make_shared<const Batch>(first->schema(), total, std::move(columns), ConcatOrigins(batches),
                                       ConcatChanges(batches));
}

}  // namespace streamrun
