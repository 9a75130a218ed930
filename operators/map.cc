// map: chooses, renames and computes columns.
#include <algorithm>

#include "core/component/registry.h"
#include "core/stream/changes.h"
#include "core/stream/projection.h"

namespace streamrun {
namespace {

struct Config {
  std::vector<NamedSql> select;
  std::vector<ConfigValue> keep;
  std::vector<ConfigValue> drop;
  std::vector<ConfigValue::Entry> rename;
  std::vector<NamedSql> set;
};

class Map final : public Operator {
 public:
  Map(std::vector<ProjectedColumn> columns, SchemaPtr schema)
      : columns_(std::move(columns)), schema_(std::move(schema)) {}

  Status Open(OperatorContext& context) override {
    projection_.emplace(columns_, context.wanted ? &context.wanted->front() : nullptr, context.env);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    std::vector<ColumnPtr> columns = projection_->Evaluate(batch->columns(), batch->rows(), &failures);
    BatchPtr result = std::make_shared<const Batch>(schema_, batch->rows(), std::move(columns),
                                                    batch->origin(), batch->changes());
    if (!failures.empty()) {
      result = TakeChanges(result, RowsWithout(batch->rows(), failures));
      out.Fail(batch, std::move(failures));
    }
    out.Emit(Output::kOk, std::move(result));
    return Outcome::kNeedInput;
  }

 private:
  const std::vector<ProjectedColumn> columns_;
  const SchemaPtr schema_;
  std::optional<Projection> projection_;
};

class BoundMap final : public BoundOperator {
 public:
  BoundMap(std::vector<ProjectedColumn> columns, int inputs) : columns_(std::move(columns)), inputs_(inputs) {
    can_fail = std::any_of(columns_.begin(), columns_.end(), [](const auto& c) { return c.can_fail(); });
  }

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed(static_cast<size_t>(inputs_), false);
    AddNeeded(columns_, wanted[0], &needed);
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Map>(columns_, outputs[0]); }

 private:
  std::vector<ProjectedColumn> columns_;
  int inputs_;
};

// Builds the list of output columns, one field of the configuration after the other.
class ColumnList {
 public:
  explicit ColumnList(BindContext& context) : context_(context), input_(context.inputs[0]) {}

  bool ok() const { return ok_; }
  std::vector<ProjectedColumn> Finish() { return std::move(columns_); }

  void Select(const std::vector<NamedSql>& select) {
    for (const NamedSql& named : select) {
      if (ExpressionPtr expression = Bind(named))
        Append(named.key, ProjectedColumn::Of(named.name(), expression));
    }
  }
  void All() {
    for (int i = 0; i < input_->size(); ++i)
      columns_.push_back(ProjectedColumn::Of(input_->field(i).name, i));
  }
  // In the order of the list, like select.
  void Keep(const std::vector<ConfigValue>& names) {
    for (const ConfigValue& name : names) {
      const int column = Column(name);
      if (column >= 0) Append(name, ProjectedColumn::Of(input_->field(column).name, column));
    }
  }
  void Drop(const std::vector<ConfigValue>& names) {
    All();
    for (const ConfigValue& name : names) {
      const int column = Column(name);
      std::erase_if(columns_, [column](const ProjectedColumn& c) { return c.source == column; });
    }
  }
  // All names are looked up before any is changed, so that two columns can swap names.
  void Rename(const std::vector<ConfigValue::Entry>& renames) {
    std::vector<std::pair<int, const ConfigValue*>> places;
    for (const auto& [old_name, new_name] : renames) {
      const int column = Column(old_name);
      if (column < 0) continue;
      const int place = PlaceOf(column);
      if (place < 0) {
        Error(old_name, "map.not_kept", "column '" + old_name.text() + "' is renamed but not kept");
      } else {
        places.emplace_back(place, &new_name);
      }
    }
    for (const auto& [place, name] : places) columns_[static_cast<size_t>(place)].name = name->text();
    for (const auto& renamed : places) {
      const ConfigValue& name = *renamed.second;
      if (std::count_if(columns_.begin(), columns_.end(),
                        [&](const auto& c) { return c.name == name.text(); }) > 1) {
        Duplicate(name);
      }
    }
  }
  void Set(const std::vector<NamedSql>& set) {
    for (const NamedSql& named : set) {
      ExpressionPtr expression = Bind(named);
      if (!expression) continue;
      ProjectedColumn column = ProjectedColumn::Of(named.name(), expression);
      const auto old = Named(named.name());
      if (old != columns_.end()) {
        *old = std::move(column);
      } else {
        columns_.push_back(std::move(column));
      }
    }
  }

 private:
  ExpressionPtr Bind(const NamedSql& named) {
    ExpressionPtr expression = context_.Bind(named.expression, Scope(input_));
    if (!expression || !context_.CheckRepeatable(named.expression, *expression, *input_)) {
      ok_ = false;
      return nullptr;
    }
    return expression;
  }
  int Column(const ConfigValue& name) {
    const int column = context_.Column(name, *input_);
    if (column < 0) ok_ = false;
    return column;
  }
  int PlaceOf(int source) const {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].source == source) return static_cast<int>(i);
    }
    return -1;
  }
  std::vector<ProjectedColumn>::iterator Named(std::string_view name) {
    return std::find_if(columns_.begin(), columns_.end(), [name](const auto& c) { return c.name == name; });
  }
  void Append(const ConfigValue& where, ProjectedColumn column) {
    if (Named(column.name) != columns_.end()) return Duplicate(where);
    columns_.push_back(std::move(column));
  }
  void Duplicate(const ConfigValue& name) {
    Error(name, "map.duplicate_column", "column '" + name.text() + "' would be there twice");
  }
  void Error(const ConfigValue& where, std::string code, std::string message) {
    context_.diagnostics().ErrorAt(where, std::move(code), std::move(message));
    ok_ = false;
  }

  BindContext& context_;
  SchemaPtr input_;
  std::vector<ProjectedColumn> columns_;
  bool ok_ = true;
};

// Which fields may stand together.
bool CheckFields(const Config& config, BindContext& context) {
  const bool others =
      !config.keep.empty() || !config.drop.empty() || !config.rename.empty() || !config.set.empty();
  const ConfigValue& at = context.config();
  if (config.select.empty() && !others) {
    context.diagnostics().ErrorAt(at, "map.nothing", context.what() + " changes nothing",
                                  "write select, keep, drop, rename or set");
    return false;
  }
  if (!config.select.empty() && others) {
    context.diagnostics().ErrorAt(
        at["select"], "map.exclusive",
        "'select' names every column and stands alone: keep, drop, rename and set do not go with it",
        "to add to the columns that are there, use 'set'");
    return false;
  }
  if (!config.keep.empty() && !config.drop.empty()) {
    context.diagnostics().ErrorAt(at["drop"], "map.exclusive", "'keep' and 'drop' do not go together",
                                  "'keep' drops everything that it does not name");
    return false;
  }
  return true;
}

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  if (!CheckFields(config, context)) return nullptr;
  const SchemaPtr& input = context.inputs[0];
  ColumnList list(context);
  if (!config.select.empty()) {
    list.Select(config.select);
  } else if (!config.keep.empty()) {
    list.Keep(config.keep);
  } else {
    list.Drop(config.drop);
  }
  list.Rename(config.rename);
  list.Set(config.set);
  if (!list.ok()) return nullptr;
  std::vector<ProjectedColumn> columns = list.Finish();
  if (columns.empty()) {
    context.diagnostics().ErrorAt(context.config(), "map.no_columns", context.what() + " leaves no column");
    return nullptr;
  }
  SchemaPtr output = ProjectedSchema(columns, Scope(input), *input);
  auto bound = std::make_shared<BoundMap>(std::move(columns), input->size());
  bound->ports = {{"ok", PortRole::kData, "Every row with its new columns."}};
  bound->outputs = {std::move(output)};
  bound->exchanges = {{}};
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.ExpressionMap(
      "select", &Config::select,
      "The output columns, `name: expression` in order. Stands alone. A name without an expression is the "
      "column of that name.");
  spec.TextList("keep", &Config::keep, "Columns to keep, in this order. Default: all.");
  spec.TextList("drop", &Config::drop, "Columns to leave out.");
  spec.TextMap("rename", &Config::rename, "`old: new` names of columns that are kept.");
  spec.ExpressionMap(
      "set", &Config::set,
      "`name: expression`: replaces the column of that name where it stands, or adds one at the end.");

  OperatorDefinition d;
  d.name = "map";
  d.summary = "Chooses, renames and computes columns.";
  d.description =
      "Either `select` names all output columns, or the columns are changed step by step: first `keep` or "
      "`drop`, then `rename`, then `set`. Expressions always read the columns of the input under their old "
      "names; an expression in `set` does not see what another one sets. A row for which an expression "
      "cannot be computed leaves by `errors`; the other rows go on.\n\n"
      "The event-time column stays the event-time column under a new name too, as long as it is passed on "
      "as it is. Without it the rows have no event time any more.";
  d.guarantee = "Keeps order. One row out for each row in that does not fail.";
  d.takes_changes = true;
  d.example = R"(pipeline: bids-in-euro
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint, channel: text}
operators:
  in_euro:
    operator: map
    on_error: dead_letter
    input: bids
    drop: [bidder]
    rename: {price: dollars}
    set:
      euros: round(price * 0.908, 2)
      channel: lower(channel)
sinks:
  out: {connector: stdout, input: in_euro, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(map, Define());

}  // namespace
}  // namespace streamrun
