#include "connectors/formats/csv_encoder.h"

#include <cmath>

#include "connectors/formats/digits.h"
#include "connectors/formats/json_text.h"
#include "connectors/formats/timestamp_text.h"

namespace streamrun::csv {

namespace {

/// Widest value that is written without asking for room, with its delimiter.
constexpr size_t kFixedWidth = 48;

class CsvEncoder final : public Encoder {
 public:
  CsvEncoder(const Dialect& dialect, const SchemaPtr& schema) : dialect_(dialect), schema_(schema) {}

  std::string Preamble() const override {
    if (!dialect_.header) return {};
    std::string line;
    for (const Field& field : schema_->fields()) {
      if (!line.empty()) line.push_back(dialect_.delimiter);
      AppendCell(field.name, line);
    }
    return line + "\n";
  }

  std::vector<RowFailure> Encode(const Batch& batch, BufferBuilder& bytes,
                                 BufferBuilder& record_ends) override {
    for (int64_t row = 0; row < batch.rows(); ++row) {
      for (int c = 0; c < schema_->size(); ++c) {
        if (c > 0) bytes.Push(dialect_.delimiter);
        PutCell(*batch.column(c), row, bytes);
      }
      bytes.Push('\n');
      record_ends.Push(static_cast<uint32_t>(bytes.size()));
    }
    return {};
  }

 private:
  void PutCell(const Column& column, int64_t row, BufferBuilder& bytes) {
    if (column.IsNull(row)) {
      bytes.Append(dialect_.null_text.data(), dialect_.null_text.size());
      return;
    }
    char* out = reinterpret_cast<char*>(bytes.Ensure(kFixedWidth));
    char* end = out;
    switch (column.type().id()) {
      case TypeId::kBigint:
        end = PutSigned(out, column.values<int64_t>()[row]);
        break;
      case TypeId::kInteger:
        end = PutSigned(out, column.values<int32_t>()[row]);
        break;
      case TypeId::kTimestamp:
        end = timestamps_.Put(column.values<int64_t>()[row], out);
        break;
      case TypeId::kDouble:
        if (const double value = column.values<double>()[row]; std::isfinite(value)) {
          end = json::PutDouble(value, out);
        }
        break;
      case TypeId::kText:
      case TypeId::kJsonb:
        PutText(column.Text(row), bytes);
        return;
      default:
        break;
    }
    // A value may look like null or hold the delimiter (a negative number with "-", a date): then it is
    // quoted.
    if (end != out && Plain({out, static_cast<size_t>(end - out)})) {
      bytes.Advance(static_cast<size_t>(end - out));
      return;
    }
    scratch_.clear();
    if (column.type().id() == TypeId::kBoolean) {
      scratch_ = column.Bool(row) ? "true" : "false";
    } else {
      PrintValue(column, row, scratch_);
    }
    PutText(scratch_, bytes);
  }

  void PutText(std::string_view text, BufferBuilder& bytes) {
    if (Plain(text)) {
      bytes.Append(text.data(), text.size());
      return;
    }
    cell_.clear();
    AppendCell(text, cell_);
    bytes.Append(cell_.data(), cell_.size());
  }

  bool Plain(std::string_view text) const {
    bool special = false;
    for (const char c : text) {
      special |= (c == dialect_.delimiter) | (c == dialect_.quote) | (c == '\n') | (c == '\r');
    }
    return !special && text != dialect_.null_text;
  }

  void AppendCell(std::string_view text, std::string& out) const {
    if (Plain(text)) {
      out.append(text);
      return;
    }
    out.push_back(dialect_.quote);
    for (const char c : text) {
      if (c == dialect_.quote) out.push_back(c);
      out.push_back(c);
    }
    out.push_back(dialect_.quote);
  }

  const Dialect dialect_;
  SchemaPtr schema_;
  TimestampPrinter timestamps_;
  std::string scratch_;
  std::string cell_;
};

}  // namespace

std::unique_ptr<Encoder> MakeEncoder(const Dialect& dialect, const SchemaPtr& schema) {
  return std::make_unique<CsvEncoder>(dialect, schema);
}

}  // namespace streamrun::csv
