// Runs a format over text and shows rows and failures as lines, so that cases read as text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/component/registry.h"
#include "core/data/text_io.h"

namespace streamrun::test {

class NoTables final : public BindContext {
 public:
  using BindContext::BindContext;
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent&) override { return nullptr; }
};

/// {{"a", "bigint"}, ...} as a source's `schema:`; "bigint @ user.id" adds a path, "timestamp % ms" a unit.
inline std::vector<DeclaredColumn> Declare(const std::vector<std::pair<std::string, std::string>>& columns) {
  std::vector<DeclaredColumn> declared;
  for (const auto& [name, text] : columns) {
    DeclaredColumn column;
    column.name = name;
    std::string type = text;
    if (const size_t at = type.find(" @ "); at != std::string::npos) {
      column.path = type.substr(at + 3);
      type.resize(at);
    }
    if (const size_t at = type.find(" % "); at != std::string::npos) {
      column.unit = type.substr(at + 3);
      type.resize(at);
    }
    column.type = *DataType::Parse(type);
    declared.push_back(std::move(column));
  }
  return declared;
}

inline ConfigValue Options(const std::vector<std::pair<std::string, std::string>>& options) {
  std::vector<ConfigValue::Entry> entries;
  for (const auto& [key, value] : options) {
    entries.emplace_back(ConfigValue::Scalar(key, false, {}), ConfigValue::Scalar(value, false, {}));
  }
  return ConfigValue::Map(std::move(entries), {});
}

/// Rows as "a=1 b=null", failures as "!code @offset message [raw]".
class Lines final : public DecodeOutput {
 public:
  void Emit(BatchPtr batch) override {
    ++batches;
    for (int64_t row = 0; row < batch->rows(); ++row) {
      std::string line;
      for (int c = 0; c < batch->schema()->size(); ++c) {
        if (!line.empty()) line += ' ';
        line += batch->schema()->field(c).name + "=";
        if (batch->pruned(c)) {
          line += "pruned";
        } else if (batch->column(c)->IsNull(row)) {
          line += "null";
        } else if (batch->column(c)->type().id() == TypeId::kJsonb) {
          line += batch->column(c)->Text(row);
        } else {
          PrintValue(*batch->column(c), row, line);
        }
      }
      if (batch->origin()) line += " @" + std::to_string(batch->origin().offsets->as<int64_t>()[row]);
      rows.push_back(line);
    }
  }
  void FailRecord(int64_t offset, std::string_view raw, std::string code, std::string message) override {
    failures.push_back("!" + code + " @" + std::to_string(offset) + " " + message + " [" + std::string(raw) +
                       "]");
  }
  std::vector<std::string> rows;
  std::vector<std::string> failures;
  int batches = 0;
};

inline Chunk ChunkOf(std::string_view text, int64_t offset = 0) {
  Chunk chunk;
  chunk.bytes = Buffer::Copy(text);
  chunk.offset = offset;
  chunk.split = std::make_shared<const std::string>("test");
  return chunk;
}

inline void Drive(Decoder& decoder, const Chunk& chunk, Lines& out) {
  if (!decoder.Begin(chunk).ok()) return;
  while (*decoder.Decode(out) == Outcome::kHaveMore) {
  }
}

inline std::shared_ptr<const BoundFormat> Bind(
    std::string_view format, const std::vector<std::pair<std::string, std::string>>& columns,
    const std::vector<std::pair<std::string, std::string>>& options = {}, std::string* problem = nullptr) {
  Diagnostics diagnostics;
  const ConfigValue config = Options(options);
  NoTables context("node", "format '" + std::string(format) + "'", config, {"type"}, diagnostics);
  auto bound = Registry::Global().FindFormat(format)->bind_decoder(context, Declare(columns));
  if (problem != nullptr && !diagnostics.findings().empty()) {
    *problem = diagnostics.findings()[0].code + ": " + diagnostics.findings()[0].message;
  }
  return bound;
}

inline Lines Decode(std::string_view format, const std::vector<std::pair<std::string, std::string>>& columns,
                    const Chunk& chunk, const std::vector<std::pair<std::string, std::string>>& options = {},
                    DecodeOptions decode = {}) {
  auto bound = Bind(format, columns, options);
  decode.schema = bound->schema;
  Lines out;
  Drive(*bound->CreateDecoder(decode), chunk, out);
  return out;
}

/// One column of `type` from values in PostgreSQL's form; "null" is null.
inline ColumnPtr ColumnOf(const std::string& type, const std::vector<std::string>& values) {
  ColumnBuilder builder(*DataType::Parse(type));
  for (const std::string& value : values) {
    if (value == "null") {
      builder.AppendNull();
    } else {
      (void)AppendParsed(value, builder);
    }
  }
  return builder.Finish();
}

inline std::string Encode(std::string_view format,
                          const std::vector<std::pair<std::string, std::string>>& columns,
                          const std::vector<std::vector<std::string>>& values,
                          const std::vector<std::pair<std::string, std::string>>& options = {},
                          std::vector<uint32_t>* ends = nullptr) {
  std::vector<Field> fields;
  std::vector<ColumnPtr> data;
  for (size_t i = 0; i < columns.size(); ++i) {
    fields.push_back({columns[i].first, *DataType::Parse(columns[i].second)});
    data.push_back(ColumnOf(columns[i].second, values[i]));
  }
  auto schema = std::make_shared<const Schema>(fields);
  const int64_t rows = data.empty() ? 0 : data[0]->length();
  Diagnostics diagnostics;
  const ConfigValue config = Options(options);
  NoTables context("node", "format", config, {"type"}, diagnostics);
  auto encoder = Registry::Global().FindFormat(format)->bind_encoder(context, schema)->CreateEncoder();
  BufferBuilder bytes;
  BufferBuilder record_ends;
  (void)encoder->Encode(Batch(schema, rows, data), bytes, record_ends);
  if (ends != nullptr)
    ends->assign(record_ends.as<uint32_t>(), record_ends.as<uint32_t>() + record_ends.size() / 4);
  return encoder->Preamble() + std::string(bytes.view());
}

}  // namespace streamrun::test
