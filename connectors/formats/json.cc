// json: one JSON value per line, both ways. Configuration and registration; the work is in json_*.cc.
#include "connectors/formats/json_convert.h"
#include "connectors/formats/json_decoder.h"
#include "connectors/formats/json_encoder.h"
#include "core/component/registry.h"

namespace streamrun {
namespace {

enum class Missing : uint8_t { kNull, kFail };
enum class Extra : uint8_t { kIgnore, kFail };
enum class Wrong : uint8_t { kFail, kNull };

struct Config {
  Missing missing = Missing::kNull;
  Extra extra = Extra::kIgnore;
  Wrong wrong = Wrong::kFail;
};

class BoundJsonDecoder final : public BoundFormat {
 public:
  BoundJsonDecoder(std::vector<json::Column> columns, json::Policy policy, bool whole_record)
      : columns_(std::move(columns)), policy_(policy), whole_record_(whole_record) {
    std::vector<Field> fields;
    for (const json::Column& column : columns_) fields.push_back({column.name, column.type});
    schema = std::make_shared<const Schema>(std::move(fields));
  }
  std::unique_ptr<Decoder> CreateDecoder(const DecodeOptions& options) const override {
    DecodeOptions complete = options;
    if (!complete.schema) complete.schema = schema;
    return json::MakeDecoder(json::Plan::Build(columns_, options.wanted, policy_, whole_record_), complete);
  }
  std::unique_ptr<Encoder> CreateEncoder() const override { return nullptr; }

 private:
  std::vector<json::Column> columns_;
  json::Policy policy_;
  bool whole_record_;
};

class BoundJsonEncoder final : public BoundFormat {
 public:
  explicit BoundJsonEncoder(SchemaPtr given) { schema = std::move(given); }
  std::unique_ptr<Decoder> CreateDecoder(const DecodeOptions&) const override { return nullptr; }
  std::unique_ptr<Encoder> CreateEncoder() const override { return json::MakeEncoder(schema); }
};

/// "user.id" -> user, id; empty when a key is empty.
std::vector<std::string> SplitPath(const std::string& path) {
  std::vector<std::string> keys;
  size_t from = 0;
  for (;;) {
    const size_t dot = path.find('.', from);
    keys.push_back(path.substr(from, dot == std::string::npos ? dot : dot - from));
    if (keys.back().empty()) return {};
    if (dot == std::string::npos) return keys;
    from = dot + 1;
  }
}

int UnitDigits(const std::string& unit) {
  if (unit == "s") return 6;
  if (unit == "ms") return 3;
  if (unit == "us") return 0;
  return unit == "ns" ? -3 : json::kNoUnit;
}

bool Describe(const DeclaredColumn& declared, BindContext& context, json::Column* column) {
  *column = {declared.name, declared.type, {declared.name}, UnitDigits(declared.unit)};
  if (!declared.path.empty()) column->path = SplitPath(declared.path);
  if (column->path.empty()) {
    context.diagnostics().ErrorAt(
        declared.value, "json.path",
        "path '" + declared.path + "' of column '" + declared.name + "' has an empty key",
        "write keys with one dot between them: user.id");
    return false;
  }
  const TypeId id = declared.type.id();
  if (!declared.unit.empty() && id != TypeId::kTimestamp && id != TypeId::kTimestamptz) {
    context.diagnostics().ErrorAt(
        declared.value, "schema.unit",
        "column '" + declared.name + "' is " + declared.type.ToString() + ": only timestamps have a 'unit'",
        "declare it as timestamp, or leave the unit out");
    return false;
  }
  return true;
}

std::shared_ptr<const BoundFormat> BindDecoder(const Config& config, BindContext& context,
                                               const std::vector<DeclaredColumn>& declared) {
  std::vector<json::Column> columns;
  bool fine = true;
  for (const DeclaredColumn& one : declared) {
    columns.emplace_back();
    fine &= Describe(one, context, &columns.back());
  }
  if (!fine) return nullptr;
  const bool whole_record = declared.empty();
  if (whole_record) columns.push_back({"value", TypeId::kJsonb, {"value"}, json::kNoUnit});
  const json::Policy policy = {config.missing == Missing::kFail, config.extra == Extra::kFail,
                               config.wrong == Wrong::kNull};
  return std::make_shared<BoundJsonDecoder>(std::move(columns), policy, whole_record);
}

std::shared_ptr<const BoundFormat> BindEncoder(const Config&, BindContext& context, const SchemaPtr& schema) {
  for (const std::string_view key : {"missing", "extra", "wrong"}) {
    const ConfigValue& value = context.config()[key];
    if (!value.present()) continue;
    context.diagnostics().ErrorAt(value, "config.decode_only",
                                  "'" + std::string(key) + "' is about reading JSON; a sink writes it",
                                  "leave it out");
    return nullptr;
  }
  return std::make_shared<BoundJsonEncoder>(schema);
}

FormatDefinition Define() {
  ConfigSpec<Config> spec;
  spec.OneOf("missing", &Config::missing, {{"null", Missing::kNull}, {"fail", Missing::kFail}},
             "What a declared field that a record lacks becomes: null, or a failure of the record.");
  spec.OneOf("extra", &Config::extra, {{"ignore", Extra::kIgnore}, {"fail", Extra::kFail}},
             "What to do about a field at the top level that no column declares.");
  spec.OneOf("wrong", &Config::wrong, {{"fail", Wrong::kFail}, {"null", Wrong::kNull}},
             "What a value that does not fit its column becomes: a failure of the record, or null.");

  FormatDefinition d;
  d.kind = ComponentKind::kFormat;
  d.name = "json";
  d.summary = "JSON lines: one JSON object per line.";
  d.description =
      "A record is one line (or one message of a transport that delimits messages). Blank lines are skipped. "
      "Without a `schema:` every record becomes one column `value jsonb`.\n\n"
      "Reading: a field is found by its name, else by the only name that differs in case; `path: user.id` "
      "looks into "
      "nested objects. The last of repeated fields counts. null becomes null. Integer columns take numbers "
      "without "
      "a fraction (`1`, `1.0`, `1e3`); numeric columns take the digits as written; text columns take strings "
      "by "
      "content and everything else as its JSON text; timestamps are text, or numbers with `unit: "
      "s|ms|us|ns`; list "
      "columns take arrays; jsonb columns take anything as it stands. A record that is not well-formed "
      "(`json.syntax`, `json.depth`, `utf8.invalid`) or does not fit (`json.type`, `json.range`, "
      "`json.missing`, "
      "`json.extra`) leaves by `errors` alone, its neighbours pass.\n\n"
      "Writing: every column in order, null as null; NaN and the infinities, dates, times, intervals, uuid, "
      "inet and "
      "bytea as strings in PostgreSQL's form.";
  d.guarantee = "Keeps order. Every well-formed record is read, whatever stands next to it.";
  d.example = R"(pipeline: json-lines
sources:
  bids:
    connector: file
    path: pipelines/data/bids.jsonl
    format: {type: json, wrong: "null"}
    schema: {auction: bigint, price: bigint, date_time: timestamp}
sinks:
  out: {connector: stdout, input: bids, format: json}
)";
  d.fields = spec.fields();
  d.bind_decoder = BindFormatWith<Config, std::vector<DeclaredColumn>>(d.fields, BindDecoder);
  d.bind_encoder = BindFormatWith<Config, SchemaPtr>(d.fields, BindEncoder);
  return d;
}

SR_REGISTER(json, Define());

}  // namespace
}  // namespace streamrun
