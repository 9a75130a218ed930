// enrich: adds columns from a table that is looked up by key.
//
// Every worker holds the whole table in memory, in columns, with a hash index over its keys; a batch is
// looked up as a whole, and matched rows are gathered column by column.
#include <algorithm>

#include "core/base/logging.h"
#include "core/component/registry.h"
#include "core/stream/changes.h"
#include "core/stream/lookup_table.h"
#include "core/stream/projection.h"

namespace streamrun {
namespace {

enum class Unmatched { kPort, kNull, kDrop };

struct Config {
  NestedComponent table;
  Sql on;
  std::vector<NamedSql> select;
  Unmatched unmatched = Unmatched::kPort;
  Duration refresh = 0;
};

// What the bound operator and the running ones share.
struct Parts {
  std::string node;
  int inputs = 0;  // columns of the input; those of the table follow in flat numbering
  int tables = 0;
  KeySide input_key;
  KeySide table_key;
  std::vector<ProjectedColumn> columns;
  Unmatched unmatched = Unmatched::kPort;
  Duration refresh = 0;
  SchemaPtr output;
  std::shared_ptr<const TableFactory> table;
  std::vector<bool> used;  // columns of the table that keys and results read
};

class Enrich final : public Operator {
 public:
  explicit Enrich(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

  Status Open(OperatorContext& context) override {
    loader_.emplace(parts_->table, parts_->table_key, parts_->inputs, parts_->used, context.env);
    keys_.emplace(parts_->input_key, context.env);
    const std::vector<bool> all(parts_->columns.size(), true);
    const std::vector<bool>& wanted = context.wanted ? context.wanted->front() : all;
    projection_.emplace(parts_->columns, &wanted, context.env);
    used_.assign(static_cast<size_t>(parts_->inputs + parts_->tables), false);
    AddNeeded(parts_->columns, wanted, &used_);
    if (parts_->refresh > 0) {
      next_check_ = context.ProcessingTime() + parts_->refresh;
      // Before reading: a change while it is read is then seen at the next check.
      SR_ASSIGN_OR_RETURN(version_, loader_->Version());
    }
    auto table = loader_->Load();
    if (!table.ok()) return table.status().WithContext("table");
    table_ = std::move(*table);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    const std::vector<ColumnPtr> keys = keys_->Evaluate(batch->columns(), batch->rows(), &failures);
    table_->index.Find(keys, batch->rows(), &found_);
    Split(failures, batch->rows());
    if (!matched_.empty()) EmitMatched(*batch, &failures, out);
    if (!unmatched_.empty()) {
      out.Count(Fate::kUnmatched, static_cast<int64_t>(unmatched_.size()));
      if (parts_->unmatched == Unmatched::kPort) out.Emit(kUnmatchedPort, TakeChanges(batch, unmatched_));
    }
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    return Outcome::kNeedInput;
  }

  Timestamp NextTimer() const override { return next_check_; }

  // A table that cannot be read, or is broken, does not stop the stream: the old one stays until a good one
  // comes.
  Result<Outcome> OnTimer(Timestamp now, Output&) override {
    next_check_ = now + parts_->refresh;
    const Result<std::string> version = loader_->Version();
    if (!version.ok()) {
      KeepOld(version.status());
    } else if (*version != version_) {
      version_ = *version;
      Result<std::unique_ptr<LookupTable>> table = loader_->Load();
      table.ok() ? TakeNew(std::move(*table)) : KeepOld(table.status());
    }
    return Outcome::kNeedInput;
  }

 private:
  static constexpr int kUnmatchedPort = 1;

  void TakeNew(std::unique_ptr<LookupTable> table) {
    table_ = std::move(table);
    complaint_.clear();
    LogInfo("the table was read again", {{"node", parts_->node}, {"rows", std::to_string(table_->rows)}});
  }
  // Said once, not at every check.
  void KeepOld(const Status& reason) {
    if (complaint_ == reason.message()) return;
    complaint_ = reason.message();
    LogWarning("the table cannot be read again, the old one stays in use: " + complaint_,
               {{"node", parts_->node}});
  }

  // Deals the rows that did not fail to matched_ (with partners_) and unmatched_.
  void Split(const std::vector<RowFailure>& failures, int64_t rows) {
    matched_.clear();
    partners_.clear();
    unmatched_.clear();
    const auto no_partner = static_cast<uint32_t>(table_->rows);
    auto failure = failures.begin();
    for (uint32_t row = 0; row < static_cast<uint32_t>(rows); ++row) {
      if (failure != failures.end() && failure->row == row) {
        ++failure;
      } else if (found_[row] != KeyIndex::kNone) {
        matched_.push_back(row);
        partners_.push_back(found_[row]);
      } else if (parts_->unmatched == Unmatched::kNull) {
        matched_.push_back(row);
        partners_.push_back(no_partner);
      } else {
        unmatched_.push_back(row);
      }
    }
  }

  void EmitMatched(const Batch& batch, std::vector<RowFailure>* failures, Output& out) {
    std::vector<RowFailure> failed;
    std::vector<ColumnPtr> columns =
        projection_->Evaluate(GatherColumns(batch), static_cast<int64_t>(matched_.size()), &failed);
    if (!failed.empty()) {
      const Selection good = RowsWithout(static_cast<int64_t>(matched_.size()), failed);
      for (ColumnPtr& column : columns) column = Take(column, good);
      for (RowFailure& failure : failed) failure.row = matched_[failure.row];
      Selection rows;
      for (const uint32_t i : good) rows.push_back(matched_[i]);
      matched_ = std::move(rows);
      MergeFailures(std::move(failed), failures);
    }
    // Origin and change kinds come from the input rows; a batch without columns carries them over.
    const auto bare = std::make_shared<const Batch>(parts_->output, batch.rows(), std::vector<ColumnPtr>(),
                                                    batch.origin(), batch.changes());
    const BatchPtr rows = TakeChanges(bare, matched_);
    out.Emit(Output::kOk, std::make_shared<const Batch>(parts_->output, rows->rows(), std::move(columns),
                                                        rows->origin(), rows->changes()));
  }

  // Used columns of matched rows in flat numbering: the input's, shared when all rows matched, then the
  // table's.
  std::vector<ColumnPtr> GatherColumns(const Batch& batch) const {
    std::vector<ColumnPtr> flat(used_.size());
    const bool all = static_cast<int64_t>(matched_.size()) == batch.rows();
    const auto inputs = static_cast<size_t>(parts_->inputs);
    for (size_t c = 0; c < flat.size(); ++c) {
      if (!used_[c]) continue;
      if (c < inputs) {
        flat[c] = all ? batch.columns()[c] : Take(batch.columns()[c], matched_);
      } else {
        flat[c] = Take(table_->columns[c - inputs], partners_);
      }
    }
    return flat;
  }

  const std::shared_ptr<const Parts> parts_;
  std::optional<LookupLoader> loader_;
  std::optional<KeyColumns> keys_;
  std::optional<Projection> projection_;
  std::vector<bool> used_;  // flat columns that wanted results read
  std::unique_ptr<LookupTable> table_;
  std::string version_;
  std::string complaint_;  // why the last refresh failed
  Timestamp next_check_ = kMaxTimestamp;

  // The batch under way.
  std::vector<uint32_t> found_;
  Selection matched_;
  Selection partners_;  // row of the table for each of matched_
  Selection unmatched_;
};

class BoundEnrich final : public BoundOperator {
 public:
  explicit BoundEnrich(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {
    can_fail = parts_->input_key.can_fail() || std::any_of(parts_->columns.begin(), parts_->columns.end(),
                                                           [](const auto& c) { return c.can_fail(); });
  }

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed(static_cast<size_t>(parts_->inputs + parts_->tables), false);
    AddNeeded(parts_->columns, wanted[0], &needed);
    for (const ExpressionPtr& key : parts_->input_key.expressions) {
      for (const int column : key->columns()) needed[static_cast<size_t>(column)] = true;
    }
    needed.resize(static_cast<size_t>(parts_->inputs));
    for (size_t c = 0; wanted.size() > 1 && c < needed.size(); ++c) needed[c] = needed[c] || wanted[1][c];
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Enrich>(parts_); }

 private:
  std::shared_ptr<const Parts> parts_;
};

// Reads the configuration into Parts; reports everything that is wrong.
class Binder {
 public:
  Binder(const Config& config, BindContext& context)
      : config_(config), context_(context), input_(context.inputs[0]), parts_(std::make_shared<Parts>()) {}

  std::shared_ptr<const Parts> Run() {
    parts_->table = context_.BindTable(config_.table);
    if (!parts_->table) return nullptr;
    parts_->node = context_.node();
    parts_->inputs = input_->size();
    parts_->tables = parts_->table->schema()->size();
    parts_->unmatched = config_.unmatched;
    parts_->refresh = config_.refresh;
    scope_.relations = {{"input", input_}, {"lookup", parts_->table->schema()}};
    const bool keys = BindKeys();
    const bool columns = config_.select.empty() ? keys && DefaultColumns() : BindSelect();
    if (!keys || !columns || !CheckRefresh()) return nullptr;
    MarkUsed();
    parts_->output = ProjectedSchema(parts_->columns, scope_, *input_);
    return parts_;
  }

 private:
  bool Error(const ConfigValue& where, std::string code, std::string message, std::string suggestion = "") {
    context_.diagnostics().ErrorAt(where, std::move(code), std::move(message), std::move(suggestion));
    return false;
  }

  bool BindKeys() {
    const ExpressionPtr on = context_.BindAs(config_.on, scope_, TypeId::kBoolean);
    if (!on || !context_.CheckRepeatable(config_.on, *on, *input_)) return false;
    const Status split = SplitKey(*on, scope_, &parts_->input_key, &parts_->table_key);
    if (split.ok()) return true;
    return Error(config_.on.value, "enrich.on", split.message(), "write input_column = table_column");
  }

  bool BindSelect() {
    bool ok = true;
    for (const NamedSql& named : config_.select) {
      const ExpressionPtr expression = context_.Bind(named.expression, scope_);
      ok = expression && context_.CheckRepeatable(named.expression, *expression, *input_) && ok;
      if (!expression) continue;
      if (Has(named.name())) ok = Duplicate(named.key, named.name());
      parts_->columns.push_back(ProjectedColumn::Of(named.name(), expression));
    }
    return ok;
  }

  // All columns of the input, then those of the table that `on` does not read: those would say the same
  // again.
  bool DefaultColumns() {
    for (int i = 0; i < input_->size(); ++i) {
      parts_->columns.push_back(ProjectedColumn::Of(input_->field(i).name, i));
    }
    bool ok = true;
    const Schema& table = *parts_->table->schema();
    for (int i = 0; i < table.size(); ++i) {
      if (IsKey(parts_->inputs + i)) continue;
      const std::string& name = table.field(i).name;
      if (Has(name)) {
        ok = Error(context_.config()["table"], "enrich.duplicate_column",
                   "both the input and the table have a column '" + name + "'",
                   "write 'select' and name what you want, for example lookup_" + name + ": lookup." + name);
      }
      parts_->columns.push_back(ProjectedColumn::Of(name, parts_->inputs + i));
    }
    return ok;
  }

  bool IsKey(int flat) const {
    const std::vector<ExpressionPtr>& keys = parts_->table_key.expressions;
    return std::any_of(keys.begin(), keys.end(), [flat](const ExpressionPtr& key) {
      return std::binary_search(key->columns().begin(), key->columns().end(), flat);
    });
  }

  void MarkUsed() {
    std::vector<bool> flat(static_cast<size_t>(parts_->inputs + parts_->tables), false);
    AddNeeded(parts_->columns, std::vector<bool>(parts_->columns.size(), true), &flat);
    for (int i = 0; i < parts_->tables; ++i) {
      const int column = parts_->inputs + i;
      parts_->used.push_back(flat[static_cast<size_t>(column)] || IsKey(column));
    }
  }

  bool Has(std::string_view name) const {
    return std::any_of(parts_->columns.begin(), parts_->columns.end(),
                       [name](const auto& c) { return c.name == name; });
  }
  bool Duplicate(const ConfigValue& where, const std::string& name) {
    return Error(where, "enrich.duplicate_column", "column '" + name + "' would be there twice");
  }

  bool CheckRefresh() {
    if (config_.refresh == 0 || !input_->changes) return true;
    return Error(
        context_.config()["refresh"], "enrich.refresh_on_changes",
        "the input carries changes: a table that changes in between would give a row's retraction other "
        "values than the row had",
        "leave 'refresh' out, or enrich before the node that makes the changes");
  }

  const Config& config_;
  BindContext& context_;
  SchemaPtr input_;
  Scope scope_;
  std::shared_ptr<Parts> parts_;
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  std::shared_ptr<const Parts> parts = Binder(config, context).Run();
  if (!parts) return nullptr;
  auto bound = std::make_shared<BoundEnrich>(parts);
  bound->ports = {{"ok", PortRole::kData, "Rows with their columns from the table."}};
  bound->outputs = {parts->output};
  if (parts->unmatched == Unmatched::kPort) {
    bound->ports.push_back(
        {"unmatched", PortRole::kSide, "Rows whose key is not in the table, as they came."});
    bound->outputs.push_back(context.inputs[0]);
  }
  bound->exchanges = {{}};
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Component("table", &Config::table,
                 "The table: a bounded source with `schema`. Default connector: file.")
      .Required();
  spec.Expression(
          "on", &Config::on,
          "`input_column = table_column`, several joined by AND. Columns may be qualified: `input.id = "
          "lookup.id`.")
      .Required();
  spec.ExpressionMap(
      "select", &Config::select,
      "The output columns, `name: expression` over the columns of both (`input.x`, `lookup.y`). Default: "
      "all columns of the input, then those of the table that `on` does not read.");
  spec.OneOf(
      "unmatched", &Config::unmatched,
      {{"port", Unmatched::kPort}, {"null", Unmatched::kNull}, {"drop", Unmatched::kDrop}},
      "What becomes of a row whose key is not in the table: it leaves by the port `unmatched`, goes on with "
      "nulls, or is dropped and counted.");
  spec.DurationField("refresh", &Config::refresh,
                     "How often to look whether the table has changed and read it again; 0 for never.")
      .AtLeast(0);

  OperatorDefinition d;
  d.name = "enrich";
  d.summary = "Adds columns from a table that is looked up by key.";
  d.description =
      "The table is read whole when the pipeline starts and held in memory by each worker. Its keys must be "
      "unique: "
      "a key that is there twice is an error that names both rows. A null key matches nothing. Keys of "
      "different "
      "numeric types are compared as PostgreSQL compares them.\n\n"
      "In expressions the two sides are called `input` and `lookup` (`table` is a reserved word of SQL). A "
      "row for "
      "which a key or a column cannot be computed leaves by `errors`.\n\n"
      "With `refresh` a changed table replaces the old one between two batches; while a new table is broken "
      "or "
      "cannot be read, the old one stays in use, and the log says why.";
  d.guarantee =
      "Keeps order. Each row finds at most one partner. With `refresh`, a replay may see a newer table.";
  d.takes_changes = true;
  d.ports = {{"unmatched", PortRole::kSide,
              "Rows whose key is not in the table, as they came (`unmatched: port`)."}};
  d.example = R"(pipeline: bids-with-seller
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
operators:
  with_seller:
    operator: enrich
    input: bids
    table:
      path: pipelines/data/auctions.csv
      format: csv
      schema: {id: bigint, seller: text, category: text, reserve: bigint}
    on: auction = id
    select:
      auction: auction
      price: price
      seller: seller
      over_reserve: price >= reserve
sinks:
  out: {connector: stdout, input: with_seller, format: json}
  unknown: {connector: discard, input: with_seller.unmatched}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(enrich, Define());

}  // namespace
}  // namespace streamrun
