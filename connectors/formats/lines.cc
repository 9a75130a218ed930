// lines: each line is a row of one column, both ways.
#include "connectors/formats/batch_writer.h"
#include "connectors/formats/json_careful.h"
#include "connectors/formats/record_cursor.h"
#include "core/component/registry.h"
#include "core/data/text_io.h"

namespace streamrun {
namespace {

struct Config {};

class LinesDecoder final : public Decoder {
 public:
  explicit LinesDecoder(const DecodeOptions& options)
      : rows_(options),
        column_(rows_.column(0)),
        text_(options.schema->field(0).type == DataType(TypeId::kText)) {}

  Status Begin(const Chunk& chunk) override {
    split_ = chunk.split;
    records_.Begin(chunk);
    rows_.Restart();
    valid_utf8_ = !text_ || (!records_.framed() && json::IsUtf8(chunk.bytes->view()));
    return Status::Ok();
  }

  Result<Outcome> Decode(DecodeOutput& out) override {
    bool full = false;
    while (!full && !records_.AtEnd()) {
      const int64_t offset = records_.offset();
      const std::string_view line = records_.Next();
      if (line.empty() && !records_.framed()) continue;
      if (!valid_utf8_ && !json::IsUtf8(line)) {
        out.FailRecord(offset, line, "utf8.invalid", "the record is not valid UTF-8");
        continue;
      }
      if (column_ != nullptr) column_->PutText(rows_.row(), line);
      full = rows_.FinishRow(offset, records_.position());
    }
    if (BatchPtr batch = rows_.Finish(split_, records_.position())) out.Emit(std::move(batch));
    return records_.AtEnd() ? Outcome::kNeedInput : Outcome::kHaveMore;
  }

 private:
  BatchWriter rows_;
  ColumnWriter* column_;
  bool text_;
  RecordCursor records_;
  std::shared_ptr<const std::string> split_;
  bool valid_utf8_ = false;
};

/// A row is its value and a newline; null is an empty line. A value that holds a newline would be read back
/// as two.
class LinesEncoder final : public Encoder {
 public:
  std::vector<RowFailure> Encode(const Batch& batch, BufferBuilder& bytes,
                                 BufferBuilder& record_ends) override {
    std::vector<RowFailure> failures;
    const Column& column = *batch.column(0);
    const bool raw = column.type().id() == TypeId::kText || column.type().id() == TypeId::kBytea ||
                     column.type().id() == TypeId::kJsonb;
    for (int64_t row = 0; row < batch.rows(); ++row) {
      std::string_view text;
      if (!column.IsNull(row)) {
        if (raw) {
          text = column.Text(row);
        } else {
          scratch_.clear();
          PrintValue(column, row, scratch_);
          text = scratch_;
        }
      }
      if (text.find('\n') != std::string_view::npos) {
        failures.push_back({static_cast<uint32_t>(row), "lines.newline", "the value holds a newline"});
        continue;
      }
      bytes.Append(text.data(), text.size());
      bytes.Push('\n');
      record_ends.Push(static_cast<uint32_t>(bytes.size()));
    }
    return failures;
  }

 private:
  std::string scratch_;
};

class BoundLines final : public BoundFormat {
 public:
  explicit BoundLines(SchemaPtr columns) { schema = std::move(columns); }
  std::unique_ptr<Decoder> CreateDecoder(const DecodeOptions& options) const override {
    DecodeOptions complete = options;
    if (!complete.schema) complete.schema = schema;
    return std::make_unique<LinesDecoder>(complete);
  }
  std::unique_ptr<Encoder> CreateEncoder() const override { return std::make_unique<LinesEncoder>(); }
};

std::shared_ptr<const BoundFormat> BindDecoder(const Config&, BindContext& context,
                                               const std::vector<DeclaredColumn>& declared) {
  Field field = {"line", TypeId::kText};
  if (!declared.empty()) field = {declared[0].name, declared[0].type};
  const bool fits = field.type.id() == TypeId::kText || field.type.id() == TypeId::kBytea;
  if (declared.size() > 1 || !fits) {
    context.diagnostics().ErrorAt(declared[declared.size() > 1 ? 1 : 0].value, "schema.lines",
                                  "lines give one column of type text or bytea",
                                  "use format regex or csv to take lines apart, or a map with casts");
    return nullptr;
  }
  if (!declared.empty() && (!declared[0].path.empty() || !declared[0].unit.empty())) {
    context.diagnostics().ErrorAt(declared[0].value, "schema.not_here", "lines have no 'path' and no 'unit'");
    return nullptr;
  }
  return std::make_shared<BoundLines>(std::make_shared<const Schema>(std::vector<Field>{std::move(field)}));
}

std::shared_ptr<const BoundFormat> BindEncoder(const Config&, BindContext& context, const SchemaPtr& schema) {
  if (schema->size() != 1) {
    context.diagnostics().ErrorAt(
        context.config(), "schema.lines",
        "lines are written from one column, the input has " + std::to_string(schema->size()),
        "select one column in a map before, or use format json or csv");
    return nullptr;
  }
  return std::make_shared<BoundLines>(schema);
}

FormatDefinition Define() {
  FormatDefinition d;
  d.kind = ComponentKind::kFormat;
  d.name = "lines";
  d.summary = "Raw lines: each line is a row of one column.";
  d.description =
      "Reading gives the column `line text`, or the one column of type text or bytea that `schema:` "
      "declares. Line ends "
      "(`\\n`, `\\r\\n`) do not belong to it, empty lines are skipped. A line that is not UTF-8 leaves by "
      "`errors` "
      "(`utf8.invalid`) unless the column is bytea. Writing takes one column of any type; null is an empty "
      "line, and a "
      "value that holds a newline is refused (`lines.newline`).";
  d.guarantee = "Keeps order.";
  d.example = R"(pipeline: shout
sources:
  typed: {connector: stdin, format: lines}
operators:
  louder:
    operator: map
    input: typed
    select:
      line: upper(line)
sinks:
  out: {connector: stdout, input: louder, format: lines}
)";
  d.bind_decoder = BindFormatWith<Config, std::vector<DeclaredColumn>>(d.fields, BindDecoder);
  d.bind_encoder = BindFormatWith<Config, SchemaPtr>(d.fields, BindEncoder);
  return d;
}

SR_REGISTER(lines, Define());

}  // namespace
}  // namespace streamrun
