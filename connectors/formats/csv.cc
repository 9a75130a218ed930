// csv: comma-separated values, both ways. Configuration and registration; the work is in csv_*.cc.
#include "connectors/formats/csv_decoder.h"
#include "connectors/formats/csv_encoder.h"
#include "core/component/registry.h"

namespace streamrun {
namespace {

struct Config {
  std::string delimiter = ",";
  std::string quote = "\"";
  bool header = true;
  std::string null_text;
  bool quoted_newlines = true;
};

class BoundCsv final : public BoundFormat {
 public:
  BoundCsv(csv::Dialect dialect, SchemaPtr columns) : dialect_(std::move(dialect)) {
    schema = std::move(columns);
    traits.header = dialect_.header;
    traits.splittable = !dialect_.quoted_newlines;
    traits.quote = dialect_.quoted_newlines ? dialect_.quote : '\0';
    traits.separator = dialect_.delimiter;
  }
  std::unique_ptr<Decoder> CreateDecoder(const DecodeOptions& options) const override {
    DecodeOptions complete = options;
    if (!complete.schema) complete.schema = schema;
    return csv::MakeDecoder(dialect_, complete);
  }
  std::unique_ptr<Encoder> CreateEncoder() const override { return csv::MakeEncoder(dialect_, schema); }

 private:
  csv::Dialect dialect_;
};

/// One printable ASCII character that cannot be part of a number or a line end.
bool ReadCharacter(const std::string& text, std::string_view field, BindContext& context, char* out) {
  const unsigned char c = text.size() == 1 ? static_cast<unsigned char>(text[0]) : 0;
  const bool alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  if (c == '\t' || (c >= 0x20 && c < 0x7f && !alphanumeric)) {
    *out = text[0];
    return true;
  }
  context.diagnostics().ErrorAt(
      context.config()[field], "csv.character",
      "'" + std::string(field) + "' must be one ASCII character, no letter or digit",
      "write it in quotes: \";\" or \"\\t\"");
  return false;
}

bool ReadDialect(const Config& config, BindContext& context, csv::Dialect* dialect) {
  bool fine = ReadCharacter(config.delimiter, "delimiter", context, &dialect->delimiter);
  fine &= ReadCharacter(config.quote, "quote", context, &dialect->quote);
  if (!fine) return false;
  if (dialect->delimiter == dialect->quote) {
    context.diagnostics().ErrorAt(context.config()["quote"], "csv.character",
                                  "'quote' and 'delimiter' are the same");
    return false;
  }
  const char special[] = {dialect->delimiter, dialect->quote, '\n', '\r', '\0'};
  if (config.null_text.find_first_of(special) != std::string::npos) {
    context.diagnostics().ErrorAt(
        context.config()["null"], "csv.null",
        "'null' holds the delimiter, the quote or a newline, so it cannot be told from text");
    return false;
  }
  dialect->header = config.header;
  dialect->null_text = config.null_text;
  dialect->quoted_newlines = config.quoted_newlines;
  return true;
}

std::shared_ptr<const BoundFormat> BindDecoder(const Config& config, BindContext& context,
                                               const std::vector<DeclaredColumn>& declared) {
  csv::Dialect dialect;
  bool fine = ReadDialect(config, context, &dialect);
  if (declared.empty()) {
    context.diagnostics().ErrorAt(context.config(), "schema.required", context.what() + " needs a 'schema'",
                                  "`streamrun infer FILE` prints one to paste");
    return nullptr;
  }
  std::vector<Field> fields;
  for (const DeclaredColumn& column : declared) {
    if (!column.path.empty() || !column.unit.empty()) {
      context.diagnostics().ErrorAt(
          column.value, "schema.not_here",
          "column '" + column.name + "' has a 'path' or a 'unit', which csv does not have",
          "declare the type alone and convert in a map");
      fine = false;
    }
    fields.push_back({column.name, column.type});
  }
  if (!fine) return nullptr;
  return std::make_shared<BoundCsv>(std::move(dialect), std::make_shared<const Schema>(std::move(fields)));
}

std::shared_ptr<const BoundFormat> BindEncoder(const Config& config, BindContext& context,
                                               const SchemaPtr& schema) {
  csv::Dialect dialect;
  if (!ReadDialect(config, context, &dialect)) return nullptr;
  return std::make_shared<BoundCsv>(std::move(dialect), schema);
}

FormatDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Text("delimiter", &Config::delimiter, "Character between cells; \"\\t\" for tabs.");
  spec.Text("quote", &Config::quote, "Character around cells that hold delimiters, quotes or newlines.");
  spec.Bool("header", &Config::header, "The first line of each file or connection names the columns.");
  spec.Text("null", &Config::null_text, "What an unquoted cell says for null; by default nothing at all.");
  spec.Bool("quoted_newlines", &Config::quoted_newlines,
            "Quoted cells may hold newlines. false lets several workers share one big file.");

  FormatDefinition d;
  d.kind = ComponentKind::kFormat;
  d.name = "csv";
  d.summary = "Comma-separated values with an optional header (RFC 4180).";
  d.description =
      "Reading: with a header, columns are found by name (else by the only name that differs in case) and "
      "cells that "
      "no column declares are ignored; without one they come in the order of `schema:`. Cells are read in "
      "PostgreSQL's input form of the column's type. A quoted cell is never null. A quote inside an unquoted "
      "cell is "
      "an ordinary character. Blank lines are skipped, except in a table of one column, where they are an "
      "empty cell. "
      "A record leaves by `errors` when a cell does not fit (`csv.type`), their number is wrong "
      "(`csv.columns`), a "
      "quote is broken (`csv.quote`: the record ends at its first newline and reading goes on behind it), a "
      "declared "
      "column is not in the header (`csv.header`) or the text is not UTF-8 (`utf8.invalid`).\n\n"
      "Writing: the header first, then every column in order in PostgreSQL's output form (booleans as true "
      "and "
      "false), quoted where it must be.";
  d.guarantee = "Keeps order. Every well-formed record is read, whatever stands next to it.";
  d.example = R"(pipeline: csv-to-json
sources:
  auctions:
    connector: file
    path: pipelines/data/auctions.csv
    format: {type: csv, quoted_newlines: false}
    schema: {id: bigint, seller: bigint, category: text, reserve: bigint}
sinks:
  out: {connector: stdout, input: auctions, format: json}
)";
  d.fields = spec.fields();
  d.bind_decoder = BindFormatWith<Config, std::vector<DeclaredColumn>>(d.fields, BindDecoder);
  d.bind_encoder = BindFormatWith<Config, SchemaPtr>(d.fields, BindEncoder);
  return d;
}

SR_REGISTER(csv, Define());

}  // namespace
}  // namespace streamrun
