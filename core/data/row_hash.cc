// Canonical key bytes and their XXH3-64 (docs/formats/keys.md).
//
// One key column is hashed straight from its memory wherever its bytes are canonical already. Several columns
// are laid out row after row in blocks, one pass a column, so that no value costs a branch on its type.
#define XXH_INLINE_ALL
#include "core/data/row_hash.h"

#include <xxhash.h>

#include <array>
#include <cmath>
#include <limits>

#include "core/base/time.h"
#include "core/data/column_builder.h"
#include "core/data/json_text.h"
#include "core/data/numeric.h"
#include "core/data/value_order.h"

namespace streamrun {

namespace {

constexpr int64_t kBlock = 256;
constexpr uint32_t kNullLength = 0xffffffff;
constexpr uint8_t kNullText = 0xff;  // never a byte of UTF-8

// One row's canonical bytes of each fixed-width type.
template <typename T>
struct Plain {
  static constexpr int kWidth = sizeof(T);
  static void Put(const Column& column, int64_t row, uint8_t* out) {
    std::memcpy(out, column.values<uint8_t>() + row * kWidth, kWidth);
  }
};

struct PlainInet {
  static constexpr int kWidth = sizeof(Inet);
  static void Put(const Column& column, int64_t row, uint8_t* out) {
    std::memcpy(out, column.values<uint8_t>() + row * kWidth, kWidth);
  }
};

struct CanonicalBool {
  static constexpr int kWidth = 1;
  static void Put(const Column& column, int64_t row, uint8_t* out) { *out = column.Bool(row); }
};

// One NaN, and 0 for -0.
struct CanonicalDouble {
  static constexpr int kWidth = 8;
  static void Put(const Column& column, int64_t row, uint8_t* out) {
    double value = column.values<double>()[row];
    if (value == 0) value = 0;
    if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
    std::memcpy(out, &value, 8);
  }
};

struct CanonicalNumeric {
  static constexpr int kWidth = 18;
  static void Put(const Column& column, int64_t row, uint8_t* out) {
    const Numeric value = NumericNormalised(column.values<Numeric>()[row]);
    std::memcpy(out, &value.low, 8);
    std::memcpy(out + 8, &value.high, 8);
    out[16] = static_cast<uint8_t>(value.scale);
    out[17] = static_cast<uint8_t>(value.kind);
  }
};

// Intervals are equal when their spans are, with months of 30 and days of 24 hours (PostgreSQL's comparison).
struct CanonicalInterval {
  static constexpr int kWidth = 16;
  static void Put(const Column& column, int64_t row, uint8_t* out) {
    const Interval value = column.values<Interval>()[row];
    const Int128 span = IntervalLength(value);
    std::memcpy(out, &span, 16);
  }
};

// Calls f with the encoder of a fixed-width type; false for the others.
template <typename F>
bool WithEncoder(TypeId id, F f) {
  switch (id) {
    case TypeId::kBoolean:
      f(CanonicalBool{});
      return true;
    case TypeId::kInteger:
    case TypeId::kDate:
      f(Plain<int32_t>{});
      return true;
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      f(Plain<int64_t>{});
      return true;
    case TypeId::kDouble:
      f(CanonicalDouble{});
      return true;
    case TypeId::kDecimal:
    case TypeId::kUuid:
      f(Plain<Decimal128>{});
      return true;
    case TypeId::kNumeric:
      f(CanonicalNumeric{});
      return true;
    case TypeId::kInet:
      f(PlainInet{});
      return true;
    case TypeId::kInterval:
      f(CanonicalInterval{});
      return true;
    default:
      return false;
  }
}

void AppendLength(uint32_t length, std::string& out) {
  char bytes[4];
  std::memcpy(bytes, &length, 4);
  out.append(bytes, 4);
}

void AppendBare(const Column& column, int64_t row, std::string& out);

// The framed form: values that follow each other stay apart.
void AppendFramed(const Column& column, int64_t row, std::string& out) {
  const bool null = column.IsNull(row);
  if (column.type().layout() == Layout::kBits || column.type().layout() == Layout::kFixed) {
    out += static_cast<char>(!null);
    if (!null) AppendBare(column, row, out);
    return;
  }
  AppendLength(kNullLength, out);
  if (null) return;
  const size_t start = out.size();
  AppendBare(column, row, out);
  const auto length = static_cast<uint32_t>(out.size() - start);
  std::memcpy(out.data() + start - 4, &length, 4);
}

void AppendBare(const Column& column, int64_t row, std::string& out) {
  const TypeId id = column.type().id();
  if (column.IsNull(row)) {
    if (id == TypeId::kText || id == TypeId::kJsonb) out += static_cast<char>(kNullText);
    if (id == TypeId::kBytea) out += '\0';
    return;
  }
  const bool fixed = WithEncoder(id, [&](auto encoder) {
    uint8_t bytes[32];
    encoder.Put(column, row, bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(encoder.kWidth));
  });
  if (fixed) return;
  if (id == TypeId::kJsonb) {
    AppendCanonicalJson(column.Text(row), JsonForm::kKey, out);
  } else if (id == TypeId::kList) {
    const int32_t* offsets = column.values<int32_t>();
    AppendLength(static_cast<uint32_t>(offsets[row + 1] - offsets[row]), out);
    for (int32_t i = offsets[row]; i < offsets[row + 1]; ++i) AppendFramed(*column.child(), i, out);
  } else {
    if (id == TypeId::kBytea) out += '\1';
    out += column.Text(row);
  }
}

void HashText(const Column& column, int64_t rows, uint64_t* out) {
  const char* data = column.text_data();
  const int32_t* offsets = column.values<int32_t>();
  for (int64_t i = 0; i < rows; ++i) {
    out[i] = XXH3_64bits(data + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i]));
  }
  if (!column.has_nulls()) return;
  const uint64_t null = XXH3_64bits(&kNullText, 1);
  for (int64_t i = 0; i < rows; ++i) out[i] = column.IsNull(i) ? null : out[i];
}

void HashOne(const Column& column, int64_t rows, uint64_t* out) {
  if (column.type().id() == TypeId::kText) return HashText(column, rows, out);
  const bool fixed = WithEncoder(column.type().id(), [&](auto encoder) {
    for (int64_t i = 0; i < rows; ++i) {
      uint8_t bytes[encoder.kWidth];
      encoder.Put(column, i, bytes);
      out[i] = XXH3_64bits(bytes, encoder.kWidth);
    }
    if (!column.has_nulls()) return;
    const uint64_t null = XXH3_64bits(nullptr, 0);
    for (int64_t i = 0; i < rows; ++i) out[i] = column.IsNull(i) ? null : out[i];
  });
  if (fixed) return;
  std::string bytes;
  for (int64_t i = 0; i < rows; ++i) {
    bytes.clear();
    AppendBare(column, i, bytes);
    out[i] = XXH3_64bits(bytes.data(), bytes.size());
  }
}

// The framed bytes of several columns for a block of rows.
class KeyBlock {
 public:
  explicit KeyBlock(const std::vector<ColumnPtr>& keys) {
    for (const ColumnPtr& key : keys) {
      const TypeId id = key->type().id();
      // What must be computed anew for each value is computed once, into bytes that then are copied as text.
      const bool computed = id == TypeId::kJsonb || id == TypeId::kList || id == TypeId::kBytea;
      columns_.push_back(computed ? Computed(*key) : key);
    }
  }

  void Hash(int64_t begin, int64_t count, uint64_t* out) {
    std::array<size_t, kBlock + 1> ends{};
    for (const ColumnPtr& column : columns_) AddSizes(*column, begin, count, ends.data() + 1);
    for (int64_t i = 0; i < count; ++i) ends[static_cast<size_t>(i + 1)] += ends[static_cast<size_t>(i)];
    bytes_.resize(ends[static_cast<size_t>(count)]);
    std::array<uint8_t*, kBlock> cursors;
    for (int64_t i = 0; i < count; ++i) {
      cursors[static_cast<size_t>(i)] =
          reinterpret_cast<uint8_t*>(bytes_.data()) + ends[static_cast<size_t>(i)];
    }
    for (const ColumnPtr& column : columns_) Write(*column, begin, count, cursors.data());
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      out[i] = XXH3_64bits(bytes_.data() + ends[i], ends[i + 1] - ends[i]);
    }
  }

 private:
  static ColumnPtr Computed(const Column& key) {
    ColumnBuilder builder{DataType(TypeId::kText)};
    std::string bytes;
    for (int64_t i = 0; i < key.length(); ++i) {
      if (key.IsNull(i)) {
        builder.AppendNull();
        continue;
      }
      bytes.clear();
      AppendBare(key, i, bytes);
      builder.AppendText(bytes);
    }
    return builder.Finish();
  }

  static void AddSizes(const Column& column, int64_t begin, int64_t count, size_t* sizes) {
    const bool fixed = WithEncoder(column.type().id(), [&](auto encoder) {
      for (int64_t i = 0; i < count; ++i) {
        sizes[i] += 1 + (column.IsNull(begin + i) ? 0 : static_cast<size_t>(encoder.kWidth));
      }
    });
    if (fixed) return;
    const int32_t* offsets = column.values<int32_t>() + begin;
    for (int64_t i = 0; i < count; ++i) {
      sizes[i] += 4 + (column.IsNull(begin + i) ? 0 : static_cast<size_t>(offsets[i + 1] - offsets[i]));
    }
  }

  static void Write(const Column& column, int64_t begin, int64_t count, uint8_t** cursors) {
    const bool fixed = WithEncoder(column.type().id(), [&](auto encoder) {
      for (int64_t i = 0; i < count; ++i) {
        uint8_t*& out = cursors[i];
        const bool present = !column.IsNull(begin + i);
        *out++ = present;
        if (!present) continue;
        encoder.Put(column, begin + i, out);
        out += encoder.kWidth;
      }
    });
    if (fixed) return;
    for (int64_t i = 0; i < count; ++i) {
      const bool null = column.IsNull(begin + i);
      const std::string_view text = null ? std::string_view() : column.Text(begin + i);
      const uint32_t length = null ? kNullLength : static_cast<uint32_t>(text.size());
      std::memcpy(cursors[i], &length, 4);
      if (!text.empty()) std::memcpy(cursors[i] + 4, text.data(), text.size());
      cursors[i] += 4 + text.size();
    }
  }

  std::vector<ColumnPtr> columns_;
  std::string bytes_;
};

}  // namespace

void HashRows(const std::vector<ColumnPtr>& keys, int64_t rows, std::vector<uint64_t>* hashes) {
  hashes->resize(static_cast<size_t>(rows));
  if (keys.size() == 1) return HashOne(*keys[0], rows, hashes->data());
  KeyBlock block(keys);
  for (int64_t begin = 0; begin < rows; begin += kBlock) {
    block.Hash(begin, std::min(kBlock, rows - begin), hashes->data() + begin);
  }
}

void AppendKeyBytes(const std::vector<ColumnPtr>& keys, int64_t row, std::string& out) {
  if (keys.size() == 1) return AppendBare(*keys[0], row, out);
  for (const ColumnPtr& key : keys) AppendFramed(*key, row, out);
}

}  // namespace streamrun
