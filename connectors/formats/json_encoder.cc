// The row loop writes through one raw pointer: room for everything of known width is made once per row, and
// only text asks for more.
#include "connectors/formats/json_encoder.h"

#include <algorithm>
#include <cmath>

#include "connectors/formats/digits.h"
#include "connectors/formats/json_text.h"
#include "connectors/formats/timestamp_text.h"

namespace streamrun::json {

namespace {

/// Widest of the values that are written without asking for room: quoted timestamps with zone.
constexpr size_t kFixedWidth = 48;
constexpr size_t kShortKey = 32;

/// A column's key, and where the values of the batch at hand lie.
struct Field {
  std::string key;  // `{"a":` or `,"b":`, padded to kShortKey
  size_t key_size = 0;
  const Column* column = nullptr;
  TypeId type = TypeId::kUnknown;
  const uint8_t* validity = nullptr;
  const int64_t* words = nullptr;    // bigint, timestamp
  const int32_t* offsets = nullptr;  // text
  const char* text = nullptr;
  const char* text_end = nullptr;
};

class JsonEncoder final : public Encoder {
 public:
  explicit JsonEncoder(const SchemaPtr& schema) {
    for (const streamrun::Field& column : schema->fields()) {
      std::string key = fields_.empty() ? "{" : ",";
      AppendString(column.name, key);
      key.push_back(':');
      const size_t size = key.size();
      key.resize(std::max(size, kShortKey));
      row_bytes_ += key.size() + kFixedWidth;
      fields_.push_back({std::move(key), size});
    }
  }

  std::vector<RowFailure> Encode(const Batch& batch, BufferBuilder& bytes,
                                 BufferBuilder& record_ends) override {
    bytes_ = &bytes;
    const size_t ends_bytes = static_cast<size_t>(batch.rows()) * sizeof(uint32_t);
    uint32_t* ends = reinterpret_cast<uint32_t*>(record_ends.Ensure(ends_bytes));
    Look(batch);
    limit_ = nullptr;
    char* out = nullptr;
    for (int64_t row = 0; row < batch.rows(); ++row) {
      out = Room(out, row_bytes_);
      for (const Field& field : fields_) {
        if (field.key_size <= kShortKey) {
          std::memcpy(out, field.key.data(), kShortKey);
        } else {
          std::memcpy(out, field.key.data(), field.key_size);
        }
        out = PutValue(field, row, out + field.key_size);
      }
      if (fields_.empty()) *out++ = '{';
      *out++ = '}';
      *out++ = '\n';
      ends[row] = static_cast<uint32_t>(out - reinterpret_cast<char*>(bytes.data()));
    }
    if (out != nullptr)
      bytes.Advance(static_cast<size_t>(out - reinterpret_cast<char*>(bytes.data())) - bytes.size());
    record_ends.Advance(ends_bytes);
    return {};
  }

 private:
  /// Room for `extra` more bytes and all fixed-width values of a row behind `out` (null: the end of the
  /// content).
  char* Room(char* out, size_t extra) {
    if (out != nullptr && out + extra <= limit_) [[likely]]
      return out;
    if (out != nullptr)
      bytes_->Advance(static_cast<size_t>(reinterpret_cast<uint8_t*>(out) - bytes_->data()) - bytes_->size());
    const size_t wanted = std::max<size_t>(extra, 64 * 1024);
    char* fresh = reinterpret_cast<char*>(bytes_->Ensure(wanted));
    limit_ = fresh + wanted;
    return fresh;
  }

  void Look(const Batch& batch) {
    for (size_t i = 0; i < fields_.size(); ++i) {
      const Column& column = *batch.column(static_cast<int>(i));
      Field& field = fields_[i];
      field.column = &column;
      field.type = column.type().id();
      field.validity = column.validity();
      if (column.type().byte_width() == sizeof(int64_t)) field.words = column.values<int64_t>();
      if (field.type != TypeId::kText) continue;
      field.offsets = column.values<int32_t>();
      field.text = column.text_data();
      field.text_end = field.text + column.data_buffer()->size();
    }
  }

  char* PutValue(const Field& field, int64_t row, char* out) {
    if (field.validity != nullptr && !GetBit(field.validity, row)) {
      std::memcpy(out, "null", 4);
      return out + 4;
    }
    switch (field.type) {
      case TypeId::kBigint:
        return PutSigned(out, field.words[row]);
      case TypeId::kText: {
        const char* text = field.text + field.offsets[row];
        const size_t size = static_cast<size_t>(field.offsets[row + 1] - field.offsets[row]);
        out = Room(out, size * 6 + 32 + row_bytes_);
        return PutString({text, size}, static_cast<size_t>(field.text_end - text), out);
      }
      case TypeId::kTimestamp:
        *out = '"';
        out = timestamps_.Put(field.words[row], out + 1);
        *out = '"';
        return out + 1;
      default:
        return PutOther(*field.column, row, out);
    }
  }

  [[gnu::noinline]] char* PutOther(const Column& column, int64_t row, char* out) {
    if (column.type().id() == TypeId::kInteger) return PutSigned(out, column.values<int32_t>()[row]);
    if (column.type().id() == TypeId::kDouble) {
      const double value = column.values<double>()[row];
      if (std::isfinite(value)) return PutDouble(value, out);
    }
    scratch_.clear();
    AppendValue(column, row, scratch_);
    out = Room(out, scratch_.size() + row_bytes_);
    std::memcpy(out, scratch_.data(), scratch_.size());
    return out + scratch_.size();
  }

  std::vector<Field> fields_;
  size_t row_bytes_ = 64;
  BufferBuilder* bytes_ = nullptr;
  char* limit_ = nullptr;
  std::string scratch_;
  TimestampPrinter timestamps_;
};

}  // namespace

std::unique_ptr<Encoder> MakeEncoder(const SchemaPtr& schema) {
  return std::make_unique<JsonEncoder>(schema);
}

}  // namespace streamrun::json
