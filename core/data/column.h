// An immutable column of values in Arrow layout.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/data/buffer.h"
#include "core/data/type.h"

namespace streamrun {

class Column;
using ColumnPtr = std::shared_ptr<const Column>;

inline bool GetBit(const uint8_t* bits, int64_t i) { return (bits[i >> 3] >> (i & 7)) & 1; }
inline void SetBit(uint8_t* bits, int64_t i) {
  bits[i >> 3] = static_cast<uint8_t>(bits[i >> 3] | (1u << (i & 7)));
}
inline void ClearBit(uint8_t* bits, int64_t i) {
  bits[i >> 3] = static_cast<uint8_t>(bits[i >> 3] & ~(1u << (i & 7)));
}
inline void PutBit(uint8_t* bits, int64_t i, bool value) { value ? SetBit(bits, i) : ClearBit(bits, i); }

/// Values of one type; there is no offset: row i stands at position i of every buffer.
///   kBits    values: bitmap, bit i = row i (least significant first)
///   kFixed   values: byte_width() bytes a row
///   kVarlen  values: length+1 int32 offsets (non-decreasing, from 0), data: the bytes
///   kList    values: length+1 int32 offsets into child
/// validity: bitmap with 1 = present, null pointer = no nulls. The bytes under a null are unspecified but
/// safe to read. Copying a ColumnPtr shares everything; columns are safe to read from any thread.
class Column {
 public:
  Column(DataType type, int64_t length, int64_t null_count, BufferPtr validity, BufferPtr values,
         BufferPtr data = nullptr, ColumnPtr child = nullptr)
      : type_(std::move(type)),
        length_(length),
        null_count_(null_count),
        validity_(null_count > 0 ? std::move(validity) : nullptr),
        values_(std::move(values)),
        data_(std::move(data)),
        child_(std::move(child)) {}

  /// `length` nulls.
  static ColumnPtr Nulls(const DataType& type, int64_t length);

  const DataType& type() const { return type_; }
  int64_t length() const { return length_; }
  int64_t null_count() const { return null_count_; }
  bool has_nulls() const { return null_count_ > 0; }
  bool IsNull(int64_t i) const { return validity_ && !GetBit(validity_->data(), i); }

  /// Null pointer when no value is null.
  const uint8_t* validity() const { return validity_ ? validity_->data() : nullptr; }
  /// kFixed: the values; kVarlen and kList: the int32 offsets; kBits: the bitmap.
  template <typename T>
  const T* values() const {
    return values_->as<T>();
  }
  bool Bool(int64_t i) const { return GetBit(values_->data(), i); }
  std::string_view Text(int64_t i) const {
    const int32_t* offsets = values<int32_t>();
    return {data_->as<char>() + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i])};
  }
  const char* text_data() const { return data_->as<char>(); }

  const BufferPtr& validity_buffer() const { return validity_; }
  const BufferPtr& values_buffer() const { return values_; }
  const BufferPtr& data_buffer() const { return data_; }
  const ColumnPtr& child() const { return child_; }

  /// Bytes this column's rows occupy (not of buffers it shares only in part).
  size_t ByteSize() const;

 private:
  DataType type_;
  int64_t length_;
  int64_t null_count_;
  BufferPtr validity_;
  BufferPtr values_;
  BufferPtr data_;
  ColumnPtr child_;
};

}  // namespace streamrun
