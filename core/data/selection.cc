#include "core/data/selection.h"

#include <bit>
#include <limits>
#include <numeric>

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

// Offsets of the chosen rows' bytes or elements. A batch stays far below 2 GiB; more is our own bug.
void FillOffsets(const int32_t* from, const Selection& rows, int32_t* to) {
  int64_t total = 0;
  to[0] = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    total += from[rows[i] + 1] - from[rows[i]];
    to[i + 1] = static_cast<int32_t>(total);
  }
  SR_CHECK(total <= std::numeric_limits<int32_t>::max());
}

int64_t CountZeros(const BufferPtr& bits, int64_t length) {
  // TakeBits leaves the bits behind the last row 0.
  int64_t ones = 0;
  for (int64_t i = 0; i < (length + 7) / 8; ++i) ones += std::popcount(bits->data()[i]);
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
      FillOffsets(from, rows, to);
      data.Reserve(1);  // memcpy wants an address even for no bytes
      data.Resize(static_cast<size_t>(to[rows.size()]));
      const char* bytes = column->text_data();
      char* out = reinterpret_cast<char*>(data.data());
      for (size_t i = 0; i < rows.size(); ++i) {
        std::memcpy(out + to[i], bytes + from[rows[i]], static_cast<size_t>(to[i + 1] - to[i]));
      }
      return std::make_shared<const Column>(type, length, nulls, validity, offsets.Finish(), data.Finish());
    }
    case Layout::kList: {
      const int32_t* from = column->values<int32_t>();
      BufferBuilder offsets;
      offsets.Resize((rows.size() + 1) * 4);
      FillOffsets(from, rows, offsets.as<int32_t>());
      Selection elements;
      elements.reserve(static_cast<size_t>(offsets.as<int32_t>()[rows.size()]));
      for (const uint32_t row : rows) {
        for (int32_t i = from[row]; i < from[row + 1]; ++i) elements.push_back(static_cast<uint32_t>(i));
      }
      return std::make_shared<const Column>(type, length, nulls, validity, offsets.Finish(), nullptr,
                                            Take(column->child(), elements));
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

}  // namespace streamrun
