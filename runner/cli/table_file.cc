#include "runner/cli/table_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/data/column_builder.h"
#include "core/data/selection.h"
#include "runner/cli/row_input.h"
#include "runner/exec/dead_letters.h"

namespace streamrun {

namespace {

constexpr uint64_t kMaxImport = uint64_t{4} << 30;

IpcLayout WholeLayout(SchemaPtr schema) {
  IpcLayout layout;
  layout.live.resize(static_cast<size_t>(schema->size()));
  std::iota(layout.live.begin(), layout.live.end(), 0);
  layout.schema = std::move(schema);
  return layout;
}

BatchPtr EmptyBatch(const SchemaPtr& schema) {
  std::vector<ColumnPtr> columns;
  for (const Field& field : schema->fields()) columns.push_back(ColumnBuilder(field.type).Finish());
  return std::make_shared<const Batch>(schema, 0, std::move(columns));
}

// A decoder takes a missing column for null and leaves others out: in state a slip of the pen must not pass.
Status CheckColumns(std::string_view line, const Schema& schema) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return Status::InvalidArgument("no JSON object");
  for (const Field& field : schema.fields()) {
    if (!json.contains(field.name)) return Status::InvalidArgument("column '" + field.name + "' is missing");
  }
  for (const auto& item : json.items()) {
    const std::string& name = item.key();
    const auto& fields = schema.fields();
    const bool known =
        std::any_of(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
    if (!known) return Status::InvalidArgument("the table has no column '" + name + "'");
  }
  return Status::Ok();
}

// Lines that hold something.
Result<int64_t> CheckLines(Env* env, const std::string& path, const Schema& schema) {
  SR_ASSIGN_OR_RETURN(const std::string text, env->ReadFile(path, kMaxImport));
  int64_t rows = 0;
  int64_t number = 1;
  for (size_t begin = 0; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Status status = CheckColumns(line, schema);
    if (!status.ok()) return status.WithContext(path + ", line " + std::to_string(number));
    ++rows;
  }
  return rows;
}

}  // namespace

Result<std::unique_ptr<TableFileWriter>> TableFileWriter::Create(Env* env, const std::string& path,
                                                                 SchemaPtr schema) {
  std::unique_ptr<TableFileWriter> writer(new TableFileWriter(env, path, std::move(schema)));
  SR_ASSIGN_OR_RETURN(writer->file_, env->OpenForWrite(writer->written_, WriteMode::kReplace));
  if (writer->form_ == Form::kFile) SR_RETURN_IF_ERROR(writer->Put(kIpcFileBegin));
  if (writer->form_ != Form::kJson) SR_RETURN_IF_ERROR(writer->Put(EncodeIpcSchema(writer->layout_)));
  return writer;
}

TableFileWriter::TableFileWriter(Env* env, std::string path, SchemaPtr schema)
    : env_(env),
      path_(std::move(path)),
      written_(path_ + ".part"),
      form_(path_.ends_with(".arrow")    ? Form::kFile
            : path_.ends_with(".arrows") ? Form::kStream
                                         : Form::kJson),
      layout_(WholeLayout(std::move(schema))) {}

TableFileWriter::~TableFileWriter() {
  if (file_ != nullptr) (void)env_->Remove(written_).ok();
}

Status TableFileWriter::Put(std::string_view bytes) {
  bytes_ += bytes.size();
  return file_->Append(bytes);
}

Status TableFileWriter::Add(const BatchPtr& rows) {
  rows_ += rows->rows();
  if (form_ != Form::kJson) {
    const BufferPtr message = EncodeIpcBatch(*rows, layout_);
    const std::string_view bytes = message->view();
    blocks_.push_back(LocateIpcBatch(bytes_, bytes));
    return Put(bytes);
  }
  std::string text;
  for (const std::string& row : RowsAsJson(rows)) {
    if (row.empty()) return Status::InvalidArgument("a row holds what JSON cannot; export it as .arrow");
    text += row + '\n';
  }
  return Put(text);
}

Status TableFileWriter::Finish() {
  if (form_ != Form::kJson) SR_RETURN_IF_ERROR(Put(kIpcEndOfStream));
  if (form_ == Form::kFile) SR_RETURN_IF_ERROR(Put(EncodeIpcFooter(layout_, blocks_)));
  SR_RETURN_IF_ERROR(file_->Sync());
  SR_RETURN_IF_ERROR(file_->Close());
  SR_RETURN_IF_ERROR(env_->Rename(written_, path_));
  file_ = nullptr;
  return Status::Ok();
}

Result<FileRows> ReadTableFile(Env* env, const std::string& path, const SchemaPtr& schema) {
  SR_ASSIGN_OR_RETURN(const int64_t rows, CheckLines(env, path, *schema));
  FileRows out;
  if (rows == 0) {
    out.batch = EmptyBatch(schema);
    return out;
  }
  RowInputOptions input{path, "json", {}};
  for (const Field& field : schema->fields()) {
    DeclaredColumn column;
    column.name = field.name;
    column.type = field.type;
    input.columns.push_back(std::move(column));
  }
  Status failed;
  std::vector<BatchPtr> batches;
  SR_RETURN_IF_ERROR(ReadRows(
      input, [](const SchemaPtr&) { return Status::Ok(); },
      [&](const Batch& batch, const std::vector<int64_t>& lines) {
        // Marks of event time and windows are the table's.
        batches.push_back(std::make_shared<const Batch>(schema, batch.rows(), batch.columns()));
        out.lines.insert(out.lines.end(), lines.begin(), lines.end());
        return Status::Ok();
      },
      [&](int64_t line, const std::string& code, const std::string& message) {
        if (!failed.ok()) return;
        failed = Status::InvalidArgument(path + ", line " + std::to_string(line) + ": " + message + " [" +
                                         code + "]");
      }));
  if (!failed.ok()) return failed;
  out.batch = Concat(batches);
  return out;
}

}  // namespace streamrun
