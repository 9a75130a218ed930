// The row loop writes through one raw pointer: room for everything of known width is made once per row, and only
// text asks for more.
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

struct Field {
  std::string key;  // `{"a":` or `,"b":`, padded to kShortKey
  size_t key_size;
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

  std::vector<RowFailure> Encode(const Batch& batch, BufferBuilder& bytes, BufferBuilder& record_ends) override {
    bytes_ = &bytes;
    record_ends.Reserve(record_ends.size() + static_cast<size_t>(batch.rows()) * sizeof(uint32_t));
    limit_ = nullptr;
    char* out = nullptr;
    for (int64_t row = 0; row < batch.rows(); ++row) {
      out = Room(out, row_bytes_);
      for (size_t i = 0; i < fields_.size(); ++i) {
        const Field& field = fields_[i];
        if (field.key_size <= kShortKey) {
          std::memcpy(out, field.key.data(), kShortKey);
        } else {
          std::memcpy(out, field.key.data(), field.key_size);
        }
        out = PutValue(*batch.column(static_cast<int>(i)), row, out + field.key_size);
      }
      if (fields_.empty()) *out++ = '{';
      *out++ = '}';
      *out++ = '\n';
      record_ends.Push(static_cast<uint32_t>(out - reinterpret_cast<char*>(bytes.data())));
    }
    if (out != nullptr) bytes.Advance(static_cast<size_t>(out - reinterpret_cast<char*>(bytes.data())) - bytes.size());
    return {};
  }

 private:
  /// Room for `extra` more bytes and all fixed-width values of a row behind `out` (null: the end of the content).
  char* Room(char* out, size_t extra) {
    if (out != nullptr && out + extra <= limit_) [[likely]] return out;
    if (out != nullptr) bytes_->Advance(static_cast<size_t>(reinterpret_cast<uint8_t*>(out) - bytes_->data()) - bytes_->size());
    const size_t wanted = std::max<size_t>(extra, 64 * 1024);
    char* fresh = reinterpret_cast<char*>(bytes_->Ensure(wanted));
    limit_ = fresh + wanted;
    return fresh;
  }

  char* PutValue(const Column& column, int64_t row, char* out) {
    if (column.IsNull(row)) {
      std::memcpy(out, "null", 4);
      return out + 4;
    }
    switch (column.type().id()) {
      case TypeId::kBigint:
        return PutSigned(out, column.values<int64_t>()[row]);
      case TypeId::kInteger:
        return PutSigned(out, column.values<int32_t>()[row]);
      case TypeId::kText: {
        const std::string_view text = column.Text(row);
        out = Room(out, text.size() * 6 + 32 + row_bytes_);
        const char* end = column.text_data() + column.data_buffer()->size();
        return PutString(text, static_cast<size_t>(end - text.data()), out);
      }
      case TypeId::kTimestamp:
      case TypeId::kTimestamptz: {
        *out++ = '"';
        const Timestamp value = column.values<int64_t>()[row];
        if (column.type().id() == TypeId::kTimestamptz) {
          scratch_.clear();
          PrintTimestamptz(value, scratch_);
          std::memcpy(out, scratch_.data(), scratch_.size());
          out += scratch_.size();
        } else {
          out = timestamps_.Put(value, out);
        }
        *out++ = '"';
        return out;
      }
      case TypeId::kDouble:
        if (const double value = column.values<double>()[row]; std::isfinite(value)) return PutDouble(value, out);
        break;
      default:
        break;
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

std::unique_ptr<Encoder> MakeEncoder(const SchemaPtr& schema) { return std::make_unique<JsonEncoder>(schema); }

}  // namespace streamrun::json
