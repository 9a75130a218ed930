// Builds one column row by row, in Arrow layout.
#pragma once

#include <memory>
#include <string_view>

#include "core/data/column.h"

namespace streamrun {

/// Append calls must fit the type's layout (checked in debug builds only: the hot path of every decoder runs
/// here). Finish hands the buffers over without a copy and leaves the builder empty for reuse.
/// Not thread-safe.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(DataType type);
  ColumnBuilder(ColumnBuilder&&) noexcept = default;
  ColumnBuilder& operator=(ColumnBuilder&&) noexcept = default;

  const DataType& type() const { return type_; }
  int64_t length() const { return length_; }

  /// Room for `rows` more rows and, for kVarlen, `bytes` more bytes.
  void Reserve(int64_t rows, size_t bytes = 0);

  /// kFixed: sizeof(T) == byte_width().
  template <typename T>
  void Append(T value) {
    values_.Push(value);
    Present();
  }
  void AppendBool(bool value) {
    if ((length_ & 7) == 0) values_.Push<uint8_t>(0);
    if (value) SetBit(values_.data(), length_);
    Present();
  }
  /// kVarlen.
  void AppendText(std::string_view value) {
    data_.Append(value.data(), value.size());
    values_.Push(static_cast<int32_t>(data_.size()));
    Present();
  }
  void AppendNull();
  /// kList: first append the elements to child(), then close the list that they make.
  void CloseList();
  ColumnBuilder& child() { return *child_; }

  /// Copies row `row` of a column of the same type.
  void AppendFrom(const Column& column, int64_t row);
  /// Forgets the rows from `length` on (a row that failed half way).
  void TruncateTo(int64_t length);
  /// Bytes appended so far.
  size_t ByteSize() const;

  ColumnPtr Finish();

 private:
  void Present() {
    if (null_count_ > 0) PresentSlow();
    ++length_;
  }
  void PresentSlow();

  DataType type_;
  Layout layout_;
  int width_;
  int64_t length_ = 0;
  int64_t null_count_ = 0;
  BufferBuilder validity_;  // empty until the first null
  BufferBuilder values_;
  BufferBuilder data_;
  std::unique_ptr<ColumnBuilder> child_;
};

}  // namespace streamrun
