#include "runner/plan/table.h"

#include "core/component/registry.h"
#include "runner/plan/fields.h"

namespace streamrun {

namespace {

// Collects what the source and the decoder of a table give; the first bad record fails the table.
class TableCollector final : public SourceOutput, public DecodeOutput {
 public:
  void EmitChunk(Chunk chunk) override { chunk_ = std::move(chunk); }
  void EmitBatch(BatchPtr batch, Ordinal) override { Emit(std::move(batch)); }
  void Progress(Ordinal) override {}
  void FailRecord(const std::shared_ptr<const std::string>& split, int64_t offset, std::string_view,
                  std::string code, std::string message) override {
    if (failure_.ok()) {
      failure_ = Status::InvalidArgument(*split + ", offset " + std::to_string(offset) + ": " + message +
                                         " [" + code + "]");
    }
  }
  void Emit(BatchPtr batch) override {
    if (batch->rows() > 0) batches_.push_back(std::move(batch));
  }
  void FailRecord(int64_t offset, std::string_view raw, std::string code, std::string message) override {
    FailRecord(chunk_->split, offset, raw, std::move(code), std::move(message));
  }

  std::optional<Chunk> chunk_;
  Status failure_;
  std::vector<BatchPtr> batches_;
};

class NestedTableReader final : public TableReader {
 public:
  NestedTableReader(Env* env, std::shared_ptr<const BoundSource> source,
                    std::shared_ptr<const BoundFormat> format)
      : env_(env), source_(std::move(source)), format_(std::move(format)) {}

  Result<std::vector<BatchPtr>> ReadAll() override {
    const std::unique_ptr<Source> source = source_->Create(format_ ? format_->traits : FormatTraits{});
    SourceContext context;
    context.env = env_;
    context.once = true;
    SR_RETURN_IF_ERROR(source->Open(context, {}));
    std::unique_ptr<Decoder> decoder;
    if (format_) {
      DecodeOptions options;
      options.schema = format_->schema;
      options.wanted.assign(static_cast<size_t>(format_->schema->size()), true);
      decoder = format_->CreateDecoder(options);
    }
    TableCollector collected;
    for (;;) {
      SR_ASSIGN_OR_RETURN(const SourceOutcome outcome, source->Poll(collected));
      if (collected.chunk_) SR_RETURN_IF_ERROR(Decode(*decoder, collected));
      if (!collected.failure_.ok()) return collected.failure_;
      if (outcome == SourceOutcome::kDone) return std::move(collected.batches_);
      if (outcome == SourceOutcome::kWait) env_->Sleep(kMillisecond);
    }
  }

  Result<std::string> Version() override { return source_->Version(env_); }

 private:
  static Status Decode(Decoder& decoder, TableCollector& collected) {
    SR_RETURN_IF_ERROR(decoder.Begin(*collected.chunk_));
    for (;;) {
      SR_ASSIGN_OR_RETURN(const Outcome outcome, decoder.Decode(collected));
      if (outcome != Outcome::kHaveMore) break;
    }
    collected.chunk_.reset();
    return Status::Ok();
  }

  Env* env_;
  std::shared_ptr<const BoundSource> source_;
  std::shared_ptr<const BoundFormat> format_;
};

class NestedTableFactory final : public TableFactory {
 public:
  NestedTableFactory(std::shared_ptr<const BoundSource> source, std::shared_ptr<const BoundFormat> format)
      : source_(std::move(source)), format_(std::move(format)) {}
  const SchemaPtr& schema() const override { return format_ ? format_->schema : source_->schema; }
  std::unique_ptr<TableReader> Create(Env* env) const override {
    return std::make_unique<NestedTableReader>(env, source_, format_);
  }

 private:
  std::shared_ptr<const BoundSource> source_;
  std::shared_ptr<const BoundFormat> format_;
};

class TableContext final : public BindContext {
 public:
  using BindContext::BindContext;
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent& component) override {
    diagnostics().ErrorAt(component.value, "plan.nested_table", "a table cannot be nested in a table");
    return nullptr;
  }
};

}  // namespace

std::shared_ptr<const TableFactory> BindNestedTable(const NestedComponent& component,
                                                    const std::string& owner, Diagnostics& d) {
  const ConfigValue& config = component.value;
  if (!config.is_map()) {
    d.ErrorAt(config, "config.type", "'table' takes a mapping: path, format, schema");
    return nullptr;
  }
  const std::string connector = config["connector"].present() ? config["connector"].text() : "file";
  const SourceDefinition* definition = Registry::Global().FindSource(connector);
  if (definition == nullptr) {
    d.ErrorAt(config["connector"], "plan.unknown_component",
              "there is no source connector '" + connector + "'",
              DidYouMean(connector, Registry::Global().Names(ComponentKind::kSource)));
    return nullptr;
  }
  TableContext context("table", "the table of " + owner, config, {"connector", "format", "schema"}, d);
  const std::shared_ptr<const BoundSource> source = definition->bind(context);
  if (!source) return nullptr;
  if (!source->bounded) {
    d.ErrorAt(config, "plan.unbounded_table", "a table must come to an end: this source does not");
    return nullptr;
  }
  if (definition->gives == SourceDefinition::Gives::kRows) {
    for (const std::string_view key : {"format", "schema"}) {
      if (!config[key].present()) continue;
      d.ErrorAt(config[key], "config.unknown_field",
                "source '" + definition->name + "' brings its own columns: it takes no format and no schema",
                "leave this line out");
      return nullptr;
    }
    return std::make_shared<NestedTableFactory>(source, nullptr);
  }

  const ConfigValue& written = config["format"];
  const ConfigValue name = written.is_map() ? written["type"] : written;
  const FormatDefinition* format = name.is_scalar() ? Registry::Global().FindFormat(name.text()) : nullptr;
  if (format == nullptr || !format->decodes) {
    const bool known = format != nullptr;
    const std::string message = known              ? "format '" + format->name + "' can only be written"
                                : name.is_scalar() ? "there is no format '" + name.text() + "'"
                                                   : "the table needs a 'format'";
    d.ErrorAt(written.present() ? written : config,
              known ? "plan.format_direction" : "plan.unknown_component", message,
              "write format: csv or format: json");
    return nullptr;
  }
  std::vector<DeclaredColumn> declared;
  if (config["schema"].present() && !ReadColumns(config["schema"], "schema", &declared, d)) return nullptr;
  const ConfigValue format_config = written.is_map() ? written : ConfigValue::Map({}, written.mark());
  TableContext format_context("table", "format '" + format->name + "'", format_config, {"type"}, d);
  const std::shared_ptr<const BoundFormat> bound = format->bind_decoder(format_context, declared);
  return bound ? std::make_shared<NestedTableFactory>(source, bound) : nullptr;
}

}  // namespace streamrun
