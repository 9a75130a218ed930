#include "runner/exec/dead_letters.h"

#include <xxhash.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/base/durable_directory.h"
#include "core/base/failpoint.h"
#include "core/stream/dead_letter.h"

namespace streamrun {

namespace {

constexpr size_t kMaxRaw = 64 * 1024;

// A format is bound here without a pipeline file around it; nothing can be nested in it.
class LetterContext final : public BindContext {
 public:
  using BindContext::BindContext;
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent&) override { return nullptr; }
};

template <typename Bind>
std::shared_ptr<const BoundFormat> BindJson(const Bind& bind) {
  const FormatDefinition* json = Registry::Global().FindFormat("json");
  SR_CHECK(json != nullptr);
  Diagnostics diagnostics;
  const ConfigValue config = ConfigValue::Map({}, {});
  LetterContext context("dead_letters", "format 'json'", config, {}, diagnostics);
  return bind(*json, context);
}

BatchPtr WithoutPruned(const BatchPtr& batch) {
  std::vector<Field> fields;
  std::vector<ColumnPtr> columns;
  for (int c = 0; c < batch->schema()->size(); ++c) {
    if (batch->pruned(c)) continue;
    fields.push_back(batch->schema()->field(c));
    columns.push_back(batch->column(c));
  }
  return std::make_shared<const Batch>(std::make_shared<const Schema>(std::move(fields)), batch->rows(),
                                       std::move(columns));
}

void AppendText(ColumnBuilder& column, std::string_view text) {
  text.empty() ? column.AppendNull() : column.AppendText(text);
}

}  // namespace

std::shared_ptr<const BoundFormat> JsonEncoderFor(const SchemaPtr& schema) {
  return BindJson(
      [&](const FormatDefinition& json, BindContext& context) { return json.bind_encoder(context, schema); });
}

std::shared_ptr<const BoundFormat> JsonDecoderFor(const SchemaPtr& schema) {
  std::vector<DeclaredColumn> columns;
  for (const Field& field : schema->fields()) {
    DeclaredColumn& column = columns.emplace_back();
    column.name = field.name;
    column.type = field.type;
  }
  return BindJson([&](const FormatDefinition& json, BindContext& context) {
    return json.bind_decoder(context, columns);
  });
}

std::vector<std::string> RowsAsJson(const BatchPtr& batch) {
  const BatchPtr live = WithoutPruned(batch);
  const std::unique_ptr<Encoder> encoder = JsonEncoderFor(live->schema())->CreateEncoder();
  BufferBuilder bytes, ends;
  // A row that JSON cannot hold is left out of `ends`; its letter then has no `row`.
  const std::vector<RowFailure> failures = encoder->Encode(*live, bytes, ends);
  std::vector<std::string> rows;
  size_t failure = 0, record = 0;
  uint32_t begin = 0;
  for (int64_t i = 0; i < live->rows(); ++i) {
    if (failure < failures.size() && failures[failure].row == i) {
      ++failure;
      rows.emplace_back();
      continue;
    }
    const uint32_t end = ends.as<uint32_t>()[record++];
    std::string_view text = bytes.view().substr(begin, end - begin);
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    rows.emplace_back(text);
    begin = end;
  }
  return rows;
}

LetterBuilder::LetterBuilder(std::string node, std::string port, std::string revision, uint64_t run)
    : node_(std::move(node)), port_(std::move(port)), revision_(std::move(revision)), run_(run) {
  for (const Field& field : DeadLetterSchema()->fields()) columns_.emplace_back(field.type);
}

int64_t LetterBuilder::rows() const { return columns_[0].length(); }

// The token names the failure: the same one when rows are read again after a crash, another one when the row
// was taken in again and failed again, or when another run reads it.
std::string LetterBuilder::Token(const Place& place, const std::string& code, const std::string_view* raw,
                                 const std::string_view* row) const {
  std::string key = std::to_string(run_) + '\n' + std::to_string(replay_) + '\n' + node_ + '\n' + port_ +
                    '\n' + std::string(place.split) + '\n' + std::to_string(place.offset) + '\n' + code +
                    '\n';
  if (raw != nullptr) key += *raw;
  if (row != nullptr) key += *row;
  char token[17];
  std::snprintf(token, sizeof token, "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(key.data(), key.size())));
  return token;
}

void LetterBuilder::Add(const Place& place, const std::string& code, const std::string& message,
                        const std::string_view* raw, const std::string_view* row,
                        const std::optional<ReplayEntry>& entry) {
  columns_[0].AppendText(node_);
  columns_[1].AppendText(port_);
  columns_[2].AppendText(code);
  columns_[3].AppendText(message);
  AppendText(columns_[4], place.split);
  place.offset < 0 ? columns_[5].AppendNull() : columns_[5].Append(place.offset);
  place.event_time == kMinTimestamp ? columns_[6].AppendNull() : columns_[6].Append(place.event_time);
  AppendText(columns_[7], revision_);
  columns_[8].Append(static_cast<int64_t>(epoch_));
  columns_[9].AppendText(Token(place, code, raw, row));
  raw == nullptr ? columns_[10].AppendNull() : columns_[10].AppendText(*raw);
  row == nullptr ? columns_[11].AppendNull() : columns_[11].AppendText(*row);
  entry ? columns_[12].AppendText(entry->Print()) : columns_[12].AppendNull();
}

void LetterBuilder::AddRecord(const std::shared_ptr<const std::string>& split, int64_t offset,
                              std::string_view raw, const std::string& code, const std::string& message,
                              const std::optional<ReplayEntry>& entry) {
  const std::string_view kept = raw.substr(0, kMaxRaw);
  const bool whole = kept.size() == raw.size();
  Add({split ? std::string_view(*split) : std::string_view(), offset}, code, message, &kept, nullptr,
      whole ? entry : std::nullopt);
}

void LetterBuilder::AddRows(const BatchPtr& batch, const std::vector<RowFailure>& failures,
                            std::optional<ReplayEntry> entry) {
  Selection rows;
  for (const RowFailure& failure : failures) rows.push_back(failure.row);
  const BatchPtr failed = Take(batch, rows);
  const std::vector<std::string> json = RowsAsJson(failed);
  const int time = batch->schema()->event_time;
  for (size_t i = 0; i < failures.size(); ++i) {
    Place place;
    const auto row = static_cast<int64_t>(i);
    if (failed->origin()) {
      place.split = *failed->origin().split;
      place.offset = failed->origin().offsets->as<int64_t>()[i];
    }
    if (time >= 0 && !failed->pruned(time) && !failed->column(time)->IsNull(row)) {
      place.event_time = failed->column(time)->values<int64_t>()[i];
    }
    if (entry) entry->change = failed->change(row);
    const std::string_view text = json[i];
    Add(place, failures[i].code, failures[i].message, nullptr, text.empty() ? nullptr : &text,
        text.empty() ? std::nullopt : entry);
  }
}

void LetterBuilder::AddReplayed(const ReplayLine& line, const std::string& code, const std::string& message) {
  const std::string_view text = line.raw ? *line.raw : *line.row;
  Add({line.source, line.offset}, code, message, line.raw ? &text : nullptr, line.row ? &text : nullptr,
      line.entry);
}

BatchPtr LetterBuilder::Finish() {
  const int64_t count = rows();
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder& column : columns_) columns.push_back(column.Finish());
  return std::make_shared<const Batch>(DeadLetterSchema(), count, std::move(columns));
}

}  // namespace streamrun
