#include "core/data/selection.h"

#include <numeric>

#include "core/data/column_builder.h"

namespace streamrun {

namespace {

template <typename T>
void Gather(const uint8_t* from, uint8_t* to, const Selection& rows) {
  const T* source = reinterpret_cast<const T*>(from);
  T* target = reinterpret_cast<T*>(to);
  for (size_t i = 0; i < rows.size(); ++i) target[i] = source[rows[i]];
}

struct Bytes16 {
  uint64_t a, b;
};
struct Bytes24 {
  uint64_t a, b, c;
};

BufferPtr TakeBits(const uint8_t* bits, const Selection& rows) {
  BufferBuilder out;
  out.ResizeZeroed((rows.size() + 7) / 8);
  for (size_t i = 0; i < rows.size(); ++i) {
    out.data()[i >> 3] = static_cast<uint8_t>(out.data()[i >> 3] | (GetBit(bits, rows[i]) << (i & 7)));
  }
  return out.Finish();
}

int64_t CountZeros(const BufferPtr& bits, int64_t length) {
  int64_t ones = 0;
  for (int64_t i = 0; i < length; ++i) ones += GetBit(bits->data(), i);
  return length - ones;
}

}  // namespace

BufferPtr TakeFixed(const BufferPtr& buffer, int width, const Selection& rows) {
  BufferBuilder out;
  out.Resize(rows.size() * static_cast<size_t>(width));
  switch (width) {
    case 1:
      Gather<uint8_t>(buffer->data(), out.data(), rows);
      break;
    case 4:
      Gather<uint32_t>(buffer->data(), out.data(), rows);
      break;
    case 8:
      Gather<uint64_t>(buffer->data(), out.data(), rows);
      break;
    case 16:
      Gather<Bytes16>(buffer->data(), out.data(), rows);
      break;
    case 24:
      Gather<Bytes24>(buffer->data(), out.data(), rows);
      break;
    default:
      for (size_t i = 0; i < rows.size(); ++i) {
        std::memcpy(out.data() + i * static_cast<size_t>(width),
                    buffer->data() + static_cast<size_t>(rows[i]) * static_cast<size_t>(width),
                    static_cast<size_t>(width));
      }
  }
  return out.Finish();
}

ColumnPtr Take(const ColumnPtr& column, const Selection& rows) {
  if (!column) return nullptr;
  const auto length = static_cast<int64_t>(rows.size());
  BufferPtr validity;
  int64_t nulls = 0;
  if (column->has_nulls()) {
    validity = TakeBits(column->validity(), rows);
    nulls = CountZeros(validity, length);
  }
  const DataType& type = column->type();
  switch (type.layout()) {
    case Layout::kBits:
      return std::make_shared<const Column>(type, length, nulls, validity,
                                            TakeBits(column->values<uint8_t>(), rows));
    case Layout::kFixed:
      return std::make_shared<const Column>(type, length, nulls, validity,
                                            TakeFixed(column->values_buffer(), type.byte_width(), rows));
    case Layout::kVarlen: {
      const int32_t* from = column->values<int32_t>();
      BufferBuilder offsets, data;
      offsets.Resize((rows.size() + 1) * 4);
      int32_t* to = offsets.as<int32_t>();
      to[0] = 0;
      for (size_t i = 0; i < rows.size(); ++i) to[i + 1] = to[i] + (from[rows[i] + 1] - from[rows[i]]);
      data.Resize(static_cast<size_t>(to[rows.size()]));
      const char* bytes = column->text_data();
      char* out = reinterpret_cast<char*>(data.data());
      for (size_t i = 0; i < rows.size(); ++i) {
        std::memcpy(out + to[i], bytes + from[rows[i]], static_cast<size_t>(to[i + 1] - to[i]));
      }
      return std::make_shared<const Column>(type, length, nulls, validity, offsets.Finish(), data.Finish());
    }
    case Layout::kList: {
      ColumnBuilder builder(type);
      builder.Reserve(length);
      for (const uint32_t row : rows) builder.AppendFrom(*column, row);
      return builder.Finish();
    }
  }
  return nullptr;
}

BatchPtr Take(const BatchPtr& batch, const Selection& rows) {
  if (static_cast<int64_t>(rows.size()) == batch->rows()) {
    bool identity = true;
    for (size_t i = 0; i < rows.size() && identity; ++i) identity = rows[i] == i;
    if (identity) return batch;
  }
  std::vector<ColumnPtr> columns;
  columns.reserve(batch->columns().size());
  for (const ColumnPtr& column : batch->columns()) columns.push_back(Take(column, rows));
  Origin origin = batch->origin();
  if (origin.offsets) origin.offsets = TakeFixed(origin.offsets, 8, rows);
  BufferPtr changes = batch->changes() ? TakeFixed(batch->changes(), 1, rows) : nullptr;
  return std::make_shared<const Batch>(batch->schema(), static_cast<int64_t>(rows.size()), std::move(columns),
                                       std::move(origin), std::move(changes));
}

BatchPtr Slice(const BatchPtr& batch, int64_t begin, int64_t end) {
  Selection rows(static_cast<size_t>(end - begin));
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(begin));
  return Take(batch, rows);
}

BatchPtr Concat(const std::vector<BatchPtr>& batches) {
  if (batches.size() == 1) return batches.front();
  const BatchPtr& first = batches.front();
  int64_t total = 0;
  bool any_changes = false;
  for (const BatchPtr& batch : batches) {
    total += batch->rows();
    any_changes |= batch->changes() != nullptr;
  }
  std::vector<ColumnPtr> columns;
  for (int c = 0; c < first->schema()->size(); ++c) {
    if (first->pruned(c)) {
      columns.push_back(nullptr);
      continue;
    }
    ColumnBuilder builder(first->schema()->field(c).type);
    builder.Reserve(total);
    for (const BatchPtr& batch : batches) {
      for (int64_t row = 0; row < batch->rows(); ++row) builder.AppendFrom(*batch->column(c), row);
    }
    columns.push_back(builder.Finish());
  }
  Origin origin = first->origin();
  if (origin) {
    BufferBuilder offsets;
    for (const BatchPtr& batch : batches) {
      offsets.Append(batch->origin().offsets->data(), static_cast<size_t>(batch->rows()) * 8);
    }
    origin.offsets = offsets.Finish();
  }
  BufferPtr changes;
  if (any_changes) {
    BufferBuilder kinds;
    for (const BatchPtr& batch : batches) {
      if (batch->changes()) {
        kinds.Append(batch->changes()->data(), static_cast<size_t>(batch->rows()));
      } else {
        kinds.ResizeZeroed(kinds.size() + static_cast<size_t>(batch->rows()));
      }
    }
    changes = kinds.Finish();
  }
  return std::make_shared<const Batch>(first->schema(), total, std::move(columns), std::move(origin),
                                       std::move(changes));
}

}  // namespace streamrun
