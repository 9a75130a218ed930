#include "connectors/formats/column_writer.h"

#include <algorithm>
#include <bit>

#include "core/data/text_io.h"

namespace streamrun {

namespace {

ColumnWriter::Kind KindOf(const DataType& type) {
  switch (type.id()) {
    case TypeId::kBoolean:
      return ColumnWriter::Kind::kBool;
    case TypeId::kInteger:
    case TypeId::kBigint:
    case TypeId::kDouble:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return ColumnWriter::Kind::kFixed;
    case TypeId::kText:
    case TypeId::kJsonb:
    case TypeId::kBytea:
      return ColumnWriter::Kind::kText;
    default:
      return ColumnWriter::Kind::kBuilt;
  }
}

/// Zero bits among the first `rows`.
int64_t CountNulls(const uint8_t* validity, int64_t rows) {
  int64_t present = 0;
  for (int64_t i = 0; i < rows / 8; ++i) present += std::popcount(validity[i]);
  for (int64_t i = rows / 8 * 8; i < rows; ++i) present += GetBit(validity, i) ? 1 : 0;
  return rows - present;
}

}  // namespace

ColumnWriter::ColumnWriter(const DataType& type)
    : type_(type), kind_(KindOf(type)), width_(static_cast<size_t>(type.byte_width())) {
  if (kind_ == Kind::kBuilt) builder_.emplace(type);
}

void ColumnWriter::Begin(int64_t max_rows) {
  max_rows_ = max_rows;
  has_validity_ = false;
  const size_t rows = static_cast<size_t>(max_rows);
  switch (kind_) {
    case Kind::kBool:
      values_.Clear();
      values_.ResizeZeroed((rows + 7) / 8);
      break;
    case Kind::kFixed:
      values_.Reserve(rows * width_);
      break;
    case Kind::kText:
      values_.Reserve((rows + 1) * sizeof(int32_t));
      values_.as<int32_t>()[0] = 0;
      data_.Reserve(text_guess_);
      text_capacity_ = std::max(text_capacity_, text_guess_);
      break;
    case Kind::kBuilt:
      builder_->Reserve(max_rows);
      break;
  }
}

void ColumnWriter::GrowText(size_t used, size_t extra) {
  data_.Resize(used);  // so that growing keeps exactly what is in use
  text_capacity_ = std::max(text_capacity_ * 2, used + extra + kShort);
  data_.Reserve(text_capacity_);
}

void ColumnWriter::PutText(int64_t row, std::string_view text) {
  int32_t* offsets = values_.as<int32_t>();
  const size_t at = static_cast<size_t>(offsets[row]);
  if (at + text.size() + kShort > text_capacity_) GrowText(at, text.size());
  if (!text.empty()) std::memcpy(data_.data() + at, text.data(), text.size());
  offsets[row + 1] = static_cast<int32_t>(at + text.size());
}

void ColumnWriter::PutNull(int64_t row) {
  if (kind_ == Kind::kBuilt) {
    builder_->AppendNull();
    return;
  }
  if (!has_validity_) {
    const size_t bytes = (static_cast<size_t>(max_rows_) + 7) / 8;
    validity_.Resize(bytes);
    std::memset(validity_.data(), 0xff, bytes);
    has_validity_ = true;
  }
  ClearBit(validity_.data(), row);
  if (kind_ == Kind::kFixed) {
    std::memset(values_.data() + static_cast<size_t>(row) * width_, 0, width_);
  } else if (kind_ == Kind::kText) {
    values_.as<int32_t>()[row + 1] = values_.as<int32_t>()[row];
  }
}

Status ColumnWriter::PutParsed(int64_t row, std::string_view text) {
  switch (type_.id()) {
    case TypeId::kBoolean: {
      SR_ASSIGN_OR_RETURN(const bool value, ParseBoolean(text));
      PutBool(row, value);
      return Status::Ok();
    }
    case TypeId::kInteger: {
      SR_ASSIGN_OR_RETURN(const int32_t value, ParseInteger(text));
      Put<int32_t>(row, value);
      return Status::Ok();
    }
    case TypeId::kBigint: {
      SR_ASSIGN_OR_RETURN(const int64_t value, ParseBigint(text));
      Put<int64_t>(row, value);
      return Status::Ok();
    }
    case TypeId::kDouble: {
      SR_ASSIGN_OR_RETURN(const double value, ParseDouble(text));
      Put<double>(row, value);
      return Status::Ok();
    }
    case TypeId::kDate: {
      SR_ASSIGN_OR_RETURN(const int32_t value, ParseDate(text));
      Put<int32_t>(row, value);
      return Status::Ok();
    }
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz: {
      Timestamp value = 0;
      if (!ParseTimestampFast(text, &value)) {
        SR_ASSIGN_OR_RETURN(value,
                            type_.id() == TypeId::kTimestamp ? ParseTimestamp(text) : ParseTimestamptz(text));
      }
      Put<int64_t>(row, value);
      return Status::Ok();
    }
    case TypeId::kText:
      PutText(row, text);
      return Status::Ok();
    case TypeId::kBytea: {
      SR_ASSIGN_OR_RETURN(const std::string value, ParseBytea(text));
      PutText(row, value);
      return Status::Ok();
    }
    case TypeId::kJsonb: {
      ColumnBuilder one(type_);
      SR_RETURN_IF_ERROR(AppendParsed(text, one));
      PutText(row, one.Finish()->Text(0));
      return Status::Ok();
    }
    default:
      return AppendParsed(text, *builder_);
  }
}

void ColumnWriter::ForgetRow(int64_t row) {
  if (kind_ == Kind::kBuilt) {
    if (builder_->length() > row) builder_->TruncateTo(row);
  } else if (has_validity_) {
    SetBit(validity_.data(), row);
  }
}

size_t ColumnWriter::VariableBytes(int64_t rows) const {
  if (kind_ == Kind::kText)
    return static_cast<size_t>(reinterpret_cast<const int32_t*>(values_.data())[rows]);
  if (kind_ == Kind::kBuilt && width_ == 0) return builder_->ByteSize();
  return 0;
}

size_t ColumnWriter::FixedBytes() const {
  return kind_ == Kind::kText ? sizeof(int32_t) : std::max<size_t>(width_, 1);
}

ColumnPtr ColumnWriter::Finish(int64_t rows) {
  if (kind_ == Kind::kBuilt) return builder_->Finish();
  const size_t count = static_cast<size_t>(rows);
  const int64_t nulls = has_validity_ ? CountNulls(validity_.data(), rows) : 0;
  BufferPtr data;
  if (kind_ == Kind::kText) {
    const size_t used = static_cast<size_t>(reinterpret_cast<const int32_t*>(values_.data())[rows]);
    data_.Resize(used);
    text_guess_ = used + used / 8 + 4096;
    text_capacity_ = 0;
    data = data_.Finish();
    values_.Resize((count + 1) * sizeof(int32_t));
  } else {
    values_.Resize(kind_ == Kind::kBool ? (count + 7) / 8 : count * width_);
  }
  BufferPtr validity;
  if (nulls > 0) {
    validity_.Resize((count + 7) / 8);
    validity = validity_.Finish();
  }
  return std::make_shared<const Column>(type_, rows, nulls, std::move(validity), values_.Finish(),
                                        std::move(data));
}

}  // namespace streamrun
