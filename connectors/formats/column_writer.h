// One column of a batch while a decoder fills it, row by row, with raw stores instead of growing appends.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/base/status.h"
#include "core/data/buffer.h"
#include "core/data/column.h"
#include "core/data/column_builder.h"

namespace streamrun {

/// Memory for all rows of a batch is taken at once, so storing a fixed-width value is one store. Each row is
/// put exactly once, in ascending order, unless ForgetRow took it back. Not thread-safe.
class ColumnWriter {
 public:
  /// How values are put: Put<T> (T of the type's width), PutBool, PutText, or through builder().
  enum class Kind : uint8_t { kBool, kFixed, kText, kBuilt };

  explicit ColumnWriter(const DataType& type);

  const DataType& type() const { return type_; }
  Kind kind() const { return kind_; }

  /// Makes room for `max_rows` rows. Call before the first row of every batch.
  void Begin(int64_t max_rows);

  template <typename T>
  void Put(int64_t row, T value) {
    reinterpret_cast<T*>(values_.data())[row] = value;
  }
  void PutBool(int64_t row, bool value) { PutBit(values_.data(), row, value); }
  /// `text` may be read up to 32 bytes beyond its end: a short copy is then two stores of fixed size.
  void PutPaddedText(int64_t row, const char* text, size_t size) {
    int32_t* offsets = values_.as<int32_t>();
    const size_t at = static_cast<size_t>(offsets[row]);
    if (at + size + kShort > text_capacity_) GrowText(at, size);
    char* to = reinterpret_cast<char*>(data_.data()) + at;
    if (size <= kShort) {
      std::memcpy(to, text, kShort);
    } else {
      std::memcpy(to, text, size);
    }
    offsets[row + 1] = static_cast<int32_t>(at + size);
  }
  void PutText(int64_t row, std::string_view text);
  void PutNull(int64_t row);
  /// kBuilt: append exactly one value.
  ColumnBuilder& builder() { return *builder_; }

  /// Parses `text` in PostgreSQL's input form; the Status has PostgreSQL's message and nothing is put.
  Status PutParsed(int64_t row, std::string_view text);

  /// Takes back what was put for `row`, if anything.
  void ForgetRow(int64_t row);

  /// Bytes that `rows` rows of variable width take; 0 for fixed widths.
  size_t VariableBytes(int64_t rows) const;
  /// Bytes per row that are known beforehand.
  size_t FixedBytes() const;

  /// The first `rows` rows as a column; Begin starts the next batch.
  ColumnPtr Finish(int64_t rows);

 private:
  static constexpr size_t kShort = 32;
  void GrowText(size_t used, size_t extra);

  DataType type_;
  Kind kind_;
  size_t width_ = 0;
  int64_t max_rows_ = 0;
  size_t text_capacity_ = 0;
  size_t text_guess_ = 4096;  // what the last batch needed
  bool has_validity_ = false;
  BufferBuilder values_;
  BufferBuilder data_;
  BufferBuilder validity_;
  std::optional<ColumnBuilder> builder_;
};

}  // namespace streamrun
