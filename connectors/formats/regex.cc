// regex: takes lines apart with the named groups of a pattern (RE2). Reads only.
#include <re2/re2.h>

#include "connectors/formats/batch_writer.h"
#include "connectors/formats/json_careful.h"
#include "connectors/formats/record_cursor.h"
#include "core/component/registry.h"

namespace streamrun {
namespace {

struct Config {
  std::string pattern;
};

class RegexDecoder final : public Decoder {
 public:
  /// `groups`: number of the group of each column of the schema.
  RegexDecoder(std::shared_ptr<const re2::RE2> pattern, std::vector<int> groups, const DecodeOptions& options)
      : pattern_(std::move(pattern)), groups_(std::move(groups)), schema_(options.schema), rows_(options) {
    for (const int group : groups_) found_.resize(std::max(found_.size(), static_cast<size_t>(group) + 1));
  }

  Status Begin(const Chunk& chunk) override {
    split_ = chunk.split;
    records_.Begin(chunk);
    rows_.Restart();
    valid_utf8_ = !records_.framed() && json::IsUtf8(chunk.bytes->view());
    return Status::Ok();
  }

  Result<Outcome> Decode(DecodeOutput& out) override {
    bool full = false;
    while (!full && !records_.AtEnd()) {
      const int64_t offset = records_.offset();
      const std::string_view line = records_.Next();
      if (line.empty()) continue;
      std::string code;
      std::string message;
      if (ReadLine(line, &code, &message)) {
        full = rows_.FinishRow(offset, records_.position());
      } else {
        rows_.ForgetRow();
        out.FailRecord(offset, line, std::move(code), std::move(message));
      }
    }
    if (BatchPtr batch = rows_.Finish(split_, records_.position())) out.Emit(std::move(batch));
    return records_.AtEnd() ? Outcome::kNeedInput : Outcome::kHaveMore;
  }

 private:
  bool ReadLine(std::string_view line, std::string* code, std::string* message) {
    if (!valid_utf8_ && !json::IsUtf8(line)) {
      *code = "utf8.invalid";
      *message = "the record is not valid UTF-8";
      return false;
    }
    const re2::StringPiece text(line.data(), line.size());
    if (!pattern_->Match(text, 0, line.size(), re2::RE2::ANCHOR_BOTH, found_.data(),
                         static_cast<int>(found_.size()))) {
      *code = "regex.no_match";
      *message = "the line does not match the pattern";
      return false;
    }
    for (size_t i = 0; i < groups_.size(); ++i) {
      ColumnWriter* column = rows_.column(static_cast<int>(i));
      if (column == nullptr) continue;
      const re2::StringPiece& group = found_[static_cast<size_t>(groups_[i])];
      if (group.data() == nullptr) {  // an optional group that took no part
        column->PutNull(rows_.row());
        continue;
      }
      const Status status = column->PutParsed(rows_.row(), {group.data(), group.size()});
      if (!status.ok()) {
        *code = "regex.type";
        *message = "column \"" + schema_->field(static_cast<int>(i)).name + "\": " + status.message();
        return false;
      }
    }
    return true;
  }

  std::shared_ptr<const re2::RE2> pattern_;
  std::vector<int> groups_;
  SchemaPtr schema_;
  BatchWriter rows_;
  RecordCursor records_;
  std::vector<re2::StringPiece> found_ = std::vector<re2::StringPiece>(1);
  std::shared_ptr<const std::string> split_;
  bool valid_utf8_ = false;
};

class BoundRegex final : public BoundFormat {
 public:
  BoundRegex(std::shared_ptr<const re2::RE2> pattern, std::vector<int> groups, SchemaPtr columns)
      : pattern_(std::move(pattern)), groups_(std::move(groups)) {
    schema = std::move(columns);
  }
  std::unique_ptr<Decoder> CreateDecoder(const DecodeOptions& options) const override {
    DecodeOptions complete = options;
    if (!complete.schema) complete.schema = schema;
    return std::make_unique<RegexDecoder>(pattern_, groups_, complete);
  }
  std::unique_ptr<Encoder> CreateEncoder() const override { return nullptr; }

 private:
  std::shared_ptr<const re2::RE2> pattern_;
  std::vector<int> groups_;
};

/// The pattern, or null after reporting.
std::shared_ptr<const re2::RE2> Compile(const std::string& text, BindContext& context) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto pattern = std::make_shared<const re2::RE2>(text, options);
  const ConfigValue& place = context.config()["pattern"];
  if (!pattern->ok()) {
    const std::string hint =
        text.find("(?<") != std::string::npos || text.find("(?=") != std::string::npos ||
                text.find("(?!") != std::string::npos
            ? "groups are written (?P<name>...); RE2 has no look-around and no back-references"
            : "the syntax is RE2's";
    context.diagnostics().ErrorAt(place, "regex.pattern", "the pattern is not valid: " + pattern->error(),
                                  hint);
    return nullptr;
  }
  if (pattern->NamedCapturingGroups().empty()) {
    context.diagnostics().ErrorAt(place, "regex.pattern", "the pattern has no named group",
                                  "name what is to become a column: (?P<level>[A-Z]+)");
    return nullptr;
  }
  return pattern;
}

std::shared_ptr<const BoundFormat> BindDecoder(const Config& config, BindContext& context,
                                               const std::vector<DeclaredColumn>& declared) {
  const std::shared_ptr<const re2::RE2> pattern = Compile(config.pattern, context);
  if (!pattern) return nullptr;
  std::vector<Field> fields;
  std::vector<int> groups;
  if (declared.empty()) {
    for (const auto& [number, name] : pattern->CapturingGroupNames()) {
      fields.push_back({name, TypeId::kText});
      groups.push_back(number);
    }
  }
  std::vector<std::string_view> names;
  for (const auto& [name, number] : pattern->NamedCapturingGroups()) names.push_back(name);
  bool fine = true;
  for (const DeclaredColumn& column : declared) {
    const auto group = pattern->NamedCapturingGroups().find(column.name);
    if (group == pattern->NamedCapturingGroups().end()) {
      context.diagnostics().ErrorAt(column.value, "regex.group",
                                    "the pattern has no group named '" + column.name + "'",
                                    DidYouMean(column.name, names));
      fine = false;
      continue;
    }
    if (!column.path.empty() || !column.unit.empty()) {
      context.diagnostics().ErrorAt(
          column.value, "schema.not_here",
          "column '" + column.name + "' has a 'path' or a 'unit', which regex does not have",
          "declare the type alone and convert in a map");
      fine = false;
    }
    fields.push_back({column.name, column.type});
    groups.push_back(group->second);
  }
  if (!fine) return nullptr;
  return std::make_shared<BoundRegex>(pattern, std::move(groups),
                                      std::make_shared<const Schema>(std::move(fields)));
}

FormatDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Text("pattern", &Config::pattern,
            "RE2 pattern that matches whole lines; its groups (?P<name>...) are columns.")
      .Required()
      .NotEmpty();

  FormatDefinition d;
  d.kind = ComponentKind::kFormat;
  d.name = "regex";
  d.summary = "Lines taken apart by a regular expression with named groups.";
  d.description =
      "Each named group `(?P<name>...)` is a column: of type text, or as `schema:` declares it, read in "
      "PostgreSQL's "
      "input form. The pattern must match the whole line; one that does not leaves by `errors` "
      "(`regex.no_match`), as "
      "does one with a group that its type refuses (`regex.type`). An optional group that took no part is "
      "null. The "
      "syntax is RE2's: time is linear in the line, and there are no look-around and no back-references. "
      "Empty lines "
      "are skipped. Reads only.";
  d.guarantee = "Keeps order.";
  d.example = R"(pipeline: packages
sources:
  log:
    connector: file
    path: /var/log/dpkg.log
    format:
      type: regex
      pattern: '(?P<at>\S+ \S+) (?P<action>\w+) (?P<rest>.*)'
    schema: {at: timestamp, action: text, rest: text}
sinks:
  out: {connector: stdout, input: log, format: json}
)";
  d.encodes = false;
  d.fields = spec.fields();
  d.bind_decoder = BindFormatWith<Config, std::vector<DeclaredColumn>>(d.fields, BindDecoder);
  return d;
}

SR_REGISTER(regex, Define());

}  // namespace
}  // namespace streamrun
