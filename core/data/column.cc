#include "core/data/column.h"

#include "core/data/column_builder.h"

namespace streamrun {

ColumnPtr Column::Nulls(const DataType& type, int64_t length) {
  ColumnBuilder builder(type);
  builder.Reserve(length);
  for (int64_t i = 0; i < length; ++i) builder.AppendNull();
  return builder.Finish();
}

size_t Column::ByteSize() const {
  size_t bytes = validity_ ? static_cast<size_t>(length_ + 7) / 8 : 0;
  switch (type_.layout()) {
    case Layout::kBits:
      return bytes + static_cast<size_t>(length_ + 7) / 8;
    case Layout::kFixed:
      return bytes + static_cast<size_t>(length_ * type_.byte_width());
    case Layout::kVarlen:
      return bytes + static_cast<size_t>(length_ + 1) * 4 + static_cast<size_t>(values<int32_t>()[length_]);
    case Layout::kList:
      return bytes + static_cast<size_t>(length_ + 1) * 4 + child_->ByteSize();
  }
  return bytes;
}

ColumnBuilder::ColumnBuilder(DataType type)
    : type_(std::move(type)), layout_(type_.layout()), width_(type_.byte_width()) {
  if (layout_ == Layout::kVarlen || layout_ == Layout::kList) values_.Push<int32_t>(0);
  if (layout_ == Layout::kList) child_ = std::make_unique<ColumnBuilder>(type_.element());
}

void ColumnBuilder::Reserve(int64_t rows, size_t bytes) {
  const auto total = static_cast<size_t>(length_ + rows);
  switch (layout_) {
    case Layout::kBits:
      values_.Reserve(total / 8 + 1);
      break;
    case Layout::kFixed:
      values_.Reserve(total * static_cast<size_t>(width_));
      break;
    case Layout::kVarlen:
    case Layout::kList:
      values_.Reserve((total + 1) * 4);
      break;
  }
  if (bytes > 0) data_.Reserve(data_.size() + bytes);
}

void ColumnBuilder::PresentSlow() {
  if ((length_ & 7) == 0) validity_.Push<uint8_t>(0);
  SetBit(validity_.data(), length_);
}

void ColumnBuilder::AppendNull() {
  if (null_count_ == 0) {
    // The first null: everything before was present.
    validity_.Clear();
    const auto bytes = static_cast<size_t>(length_ + 7) / 8;
    validity_.Resize(bytes);
    if (bytes > 0) std::memset(validity_.data(), 0xff, bytes);
    if ((length_ & 7) != 0) {
      validity_.data()[bytes - 1] = static_cast<uint8_t>((1u << (length_ & 7)) - 1);
    }
  }
  if ((length_ & 7) == 0) validity_.Push<uint8_t>(0);
  ++null_count_;
  switch (layout_) {
    case Layout::kBits:
      if ((length_ & 7) == 0) values_.Push<uint8_t>(0);
      break;
    case Layout::kFixed:
      std::memset(values_.Ensure(static_cast<size_t>(width_)), 0, static_cast<size_t>(width_));
      values_.Advance(static_cast<size_t>(width_));
      break;
    case Layout::kVarlen:
      values_.Push(static_cast<int32_t>(data_.size()));
      break;
    case Layout::kList:
      values_.Push(static_cast<int32_t>(child_->length()));
      break;
  }
  ++length_;
}

void ColumnBuilder::CloseList() {
  values_.Push(static_cast<int32_t>(child_->length()));
  Present();
}

void ColumnBuilder::AppendFrom(const Column& column, int64_t row) {
  if (column.IsNull(row)) return AppendNull();
  switch (layout_) {
    case Layout::kBits:
      return AppendBool(column.Bool(row));
    case Layout::kFixed:
      values_.Append(column.values<uint8_t>() + row * width_, static_cast<size_t>(width_));
      return Present();
    case Layout::kVarlen:
      return AppendText(column.Text(row));
    case Layout::kList: {
      const int32_t* offsets = column.values<int32_t>();
      for (int32_t i = offsets[row]; i < offsets[row + 1]; ++i) child_->AppendFrom(*column.child(), i);
      return CloseList();
    }
  }
}

void ColumnBuilder::TruncateTo(int64_t length) {
  if (length >= length_) return;
  for (int64_t i = length; i < length_; ++i) {
    if (null_count_ > 0 && !GetBit(validity_.data(), i)) --null_count_;
  }
  const auto bitmap = static_cast<size_t>(length + 7) / 8;
  if (validity_.size() > bitmap) validity_.Resize(bitmap);
  if (null_count_ > 0 && (length & 7) != 0) {
    validity_.data()[bitmap - 1] &= static_cast<uint8_t>((1u << (length & 7)) - 1);
  }
  switch (layout_) {
    case Layout::kBits:
      values_.Resize(bitmap);
      if ((length & 7) != 0) values_.data()[bitmap - 1] &= static_cast<uint8_t>((1u << (length & 7)) - 1);
      break;
    case Layout::kFixed:
      values_.Resize(static_cast<size_t>(length * width_));
      break;
    case Layout::kVarlen:
      values_.Resize(static_cast<size_t>(length + 1) * 4);
      data_.Resize(static_cast<size_t>(values_.as<int32_t>()[length]));
      break;
    case Layout::kList:
      values_.Resize(static_cast<size_t>(length + 1) * 4);
      child_->TruncateTo(values_.as<int32_t>()[length]);
      break;
  }
  length_ = length;
}

size_t ColumnBuilder::ByteSize() const {
  return validity_.size() + values_.size() + data_.size() + (child_ ? child_->ByteSize() : 0);
}

ColumnPtr ColumnBuilder::Finish() {
  BufferPtr validity = null_count_ > 0 ? validity_.Finish() : nullptr;
  ColumnPtr child = child_ ? child_->Finish() : nullptr;
  BufferPtr data = layout_ == Layout::kVarlen ? data_.Finish() : nullptr;
  auto column = std::make_shared<const Column>(type_, length_, null_count_, std::move(validity),
                                               values_.Finish(), std::move(data), std::move(child));
  length_ = 0;
  null_count_ = 0;
  validity_.Clear();
  if (layout_ == Layout::kVarlen || layout_ == Layout::kList) values_.Push<int32_t>(0);
  return column;
}

}  // namespace streamrun
