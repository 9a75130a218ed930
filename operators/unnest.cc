// unnest: one row per element of an array.
//
// An array may be long and its row wide, so the result of one batch can be far larger than the batch: it is
// given out in batches of bounded size over as many steps as it takes, with the place kept in a cursor.
#include <algorithm>

#include "core/component/registry.h"
#include "core/data/json_elements.h"
#include "core/stream/projection.h"

namespace streamrun {
namespace {

struct Config {
  std::string column;
  Sql expression;
  std::string as;
  std::string ordinality;
  bool keep_empty = false;
  std::string type;
};

constexpr size_t kTargetRows = 8192;
constexpr size_t kTargetBytes = 256 << 10;

// What the bound operator and the running one share.
struct Parts {
  ExpressionPtr array;
  ExpressionPtr cast;  // over one column, the elements; null: elements stay as they are
  // Per output column: the input column it repeats, or one of these.
  static constexpr int kElement = -1;
  static constexpr int kOrdinality = -2;
  std::vector<int> sources;
  bool keep_empty = false;
  SchemaPtr output;
};

class Unnest final : public Operator {
 public:
  explicit Unnest(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

  Status Open(OperatorContext& context) override {
    array_.emplace(parts_->array, context.env);
    if (parts_->cast) cast_.emplace(parts_->cast, context.env);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    batch_ = batch;
    row_ = 0;
    element_ = 0;
    std::vector<RowFailure> failures;
    lists_ = array_->Evaluate(batch->columns(), batch->rows(), &failures);
    if (lists_->type().id() == TypeId::kJsonb) lists_ = SplitJson(*lists_, &failures);
    elements_ = lists_->child();
    if (cast_) Cast(&failures);
    CountElements(failures);
    const auto empty = static_cast<int64_t>(std::count(counts_.begin(), counts_.end(), 0));
    if (!parts_->keep_empty) out.Count(Fate::kFiltered, empty);
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    return Continue(out);
  }

  Result<Outcome> Continue(Output& out) override {
    FillSelections();
    if (!parents_.empty()) out.Emit(Output::kOk, TakeOutput());
    if (row_ < batch_->rows()) return Outcome::kHaveMore;
    batch_ = nullptr;
    lists_ = nullptr;
    elements_ = nullptr;
    return Outcome::kNeedInput;
  }

 private:
  static constexpr int32_t kFailed = -1;
  static constexpr uint32_t kNoElement = ~uint32_t{0};

  // jsonb arrays as a column of lists of jsonb.
  static ColumnPtr SplitJson(const Column& json, std::vector<RowFailure>* failures) {
    ColumnBuilder lists(DataType::List(TypeId::kJsonb));
    lists.Reserve(json.length());
    std::vector<RowFailure> failed;
    for (int64_t row = 0; row < json.length(); ++row) {
      if (json.IsNull(row)) {
        lists.AppendNull();
        continue;
      }
      const JsonKind kind = KindOfJson(json.Text(row));
      if (kind == JsonKind::kArray) {
        AppendJsonElements(json.Text(row), lists.child());
      } else if (kind != JsonKind::kNull) {
        const bool object = kind == JsonKind::kObject;
        failed.push_back(
            {static_cast<uint32_t>(row), "22023",
             object ? "cannot extract elements from an object" : "cannot extract elements from a scalar"});
      }
      lists.CloseList();
    }
    MergeFailures(std::move(failed), failures);
    return lists.Finish();
  }

  // A row fails as a whole when one of its elements does, so that it has one fate. All elements are cast at
  // once, before the first is given out; they take about as much memory as the array they came from.
  void Cast(std::vector<RowFailure>* failures) {
    std::vector<RowFailure> failed;
    elements_ = cast_->Evaluate({elements_}, elements_->length(), &failed);
    const int32_t* offsets = lists_->values<int32_t>();
    std::vector<RowFailure> rows;
    uint32_t row = 0;
    for (RowFailure& failure : failed) {
      while (static_cast<uint32_t>(offsets[row + 1]) <= failure.row) ++row;
      if (!rows.empty() && rows.back().row == row) continue;
      failure.row = row;
      rows.push_back(std::move(failure));
    }
    MergeFailures(std::move(rows), failures);
  }

  void CountElements(const std::vector<RowFailure>& failures) {
    const int32_t* offsets = lists_->values<int32_t>();
    counts_.resize(static_cast<size_t>(batch_->rows()));
    for (int64_t row = 0; row < batch_->rows(); ++row) {
      counts_[static_cast<size_t>(row)] = lists_->IsNull(row) ? 0 : offsets[row + 1] - offsets[row];
    }
    for (const RowFailure& failure : failures) counts_[failure.row] = kFailed;
  }

  // Moves the cursor (row_, element_) over the rows and elements of the next output batch.
  void FillSelections() {
    parents_.clear();
    children_.clear();
    ordinals_.clear();
    const int32_t* offsets = lists_->values<int32_t>();
    size_t bytes = 0;
    for (; row_ < batch_->rows(); ++row_, element_ = 0) {
      const int32_t count = counts_[static_cast<size_t>(row_)];
      if (count < 0 || (count == 0 && !parts_->keep_empty)) continue;
      const size_t row_bytes = RepeatedBytes(row_);
      for (; element_ < std::max(count, 1); ++element_) {
        if (parents_.size() >= kTargetRows || (bytes >= kTargetBytes && !parents_.empty())) return;
        const uint32_t child = count == 0 ? kNoElement : static_cast<uint32_t>(offsets[row_] + element_);
        parents_.push_back(static_cast<uint32_t>(row_));
        children_.push_back(child);
        ordinals_.push_back(count == 0 ? 0 : element_ + 1);
        bytes += row_bytes + ElementBytes(child);
      }
    }
  }

  size_t ElementBytes(uint32_t child) const {
    const bool text = elements_->type().layout() == Layout::kVarlen && child != kNoElement;
    return text ? elements_->Text(child).size() : 8;
  }

  // Bytes that every output row of input row `row` repeats.
  size_t RepeatedBytes(int64_t row) const {
    size_t bytes = 0;
    for (const int source : parts_->sources) {
      if (source < 0 || batch_->pruned(source)) continue;
      const Column& column = *batch_->column(source);
      if (column.type().layout() == Layout::kVarlen || column.type().layout() == Layout::kList) {
        const int32_t* offsets = column.values<int32_t>();
        const auto length = static_cast<size_t>(offsets[row + 1] - offsets[row]);
        bytes += column.type().layout() == Layout::kList ? length * 8 : length;
      } else {
        bytes += 8;
      }
    }
    return bytes;
  }

  BatchPtr TakeOutput() const {
    std::vector<ColumnPtr> columns;
    columns.reserve(parts_->sources.size());
    for (const int source : parts_->sources) {
      if (source >= 0) {
        columns.push_back(Take(batch_->column(source), parents_));
      } else {
        columns.push_back(source == Parts::kElement ? TakeElements() : OrdinalityColumn());
      }
    }
    Origin origin = batch_->origin();
    if (origin.offsets) origin.offsets = TakeFixed(origin.offsets, 8, parents_);
    return std::make_shared<const Batch>(parts_->output, static_cast<int64_t>(parents_.size()),
                                         std::move(columns), std::move(origin), TakeKinds());
  }

  ColumnPtr TakeElements() const {
    const bool gaps = std::find(children_.begin(), children_.end(), kNoElement) != children_.end();
    if (!gaps) return Take(elements_, children_);
    ColumnBuilder builder(elements_->type());
    builder.Reserve(static_cast<int64_t>(children_.size()));
    for (const uint32_t child : children_) {
      if (child == kNoElement) {
        builder.AppendNull();
      } else {
        builder.AppendFrom(*elements_, child);
      }
    }
    return builder.Finish();
  }

  // Null for a row that is kept without an element, as PostgreSQL's LEFT JOIN LATERAL ... WITH ORDINALITY
  // gives.
  ColumnPtr OrdinalityColumn() const {
    ColumnBuilder builder(TypeId::kBigint);
    builder.Reserve(static_cast<int64_t>(ordinals_.size()));
    for (const int64_t ordinal : ordinals_) {
      if (ordinal == 0) {
        builder.AppendNull();
      } else {
        builder.Append(ordinal);
      }
    }
    return builder.Finish();
  }

  // Old and new row of an update may have different numbers of elements, so its elements are deleted one by
  // one and the new ones inserted.
  BufferPtr TakeKinds() const {
    if (!batch_->changes()) return nullptr;
    BufferBuilder kinds;
    for (const uint32_t parent : parents_) {
      ChangeKind kind = batch_->change(parent);
      if (kind == ChangeKind::kUpdateBefore) kind = ChangeKind::kDelete;
      if (kind == ChangeKind::kUpdateAfter) kind = ChangeKind::kInsert;
      kinds.Push(static_cast<int8_t>(kind));
    }
    return kinds.Finish();
  }

  const std::shared_ptr<const Parts> parts_;
  std::optional<Evaluator> array_;
  std::optional<Evaluator> cast_;

  // The batch under way: its arrays, their elements, elements per row (or kFailed), and how far it was given
  // out.
  BatchPtr batch_;
  ColumnPtr lists_;
  ColumnPtr elements_;
  std::vector<int32_t> counts_;
  int64_t row_ = 0;
  int32_t element_ = 0;

  // The output batch under way, one entry a row.
  Selection parents_;
  Selection children_;
  std::vector<int64_t> ordinals_;
};

class BoundUnnest final : public BoundOperator {
 public:
  explicit BoundUnnest(std::shared_ptr<const Parts> parts, int inputs)
      : parts_(std::move(parts)), inputs_(inputs) {
    can_fail = parts_->array->can_fail() || parts_->array->type().id() == TypeId::kJsonb ||
               (parts_->cast && parts_->cast->can_fail());
  }

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed(static_cast<size_t>(inputs_), false);
    for (const int column : parts_->array->columns()) needed[static_cast<size_t>(column)] = true;
    for (size_t c = 0; c < parts_->sources.size(); ++c) {
      if (wanted[0][c] && parts_->sources[c] >= 0) needed[static_cast<size_t>(parts_->sources[c])] = true;
    }
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Unnest>(parts_); }

 private:
  std::shared_ptr<const Parts> parts_;
  int inputs_;
};

// Reads the configuration into Parts and the output schema; reports everything that is wrong.
class Binder {
 public:
  Binder(const Config& config, BindContext& context)
      : config_(config), context_(context), input_(context.inputs[0]), parts_(std::make_shared<Parts>()) {}

  std::shared_ptr<const Parts> Run() {
    if (!BindArray() || !BindElement()) return nullptr;
    parts_->keep_empty = config_.keep_empty;
    if (!LayOut()) return nullptr;
    return parts_;
  }

 private:
  bool Error(std::string_view field, std::string code, std::string message, std::string suggestion = "") {
    const ConfigValue& value = context_.config()[field];
    context_.diagnostics().ErrorAt(value.present() ? value : context_.config(), std::move(code),
                                   std::move(message), std::move(suggestion));
    return false;
  }

  bool BindArray() {
    if (config_.column.empty() == !config_.expression.present()) {
      return Error("expression", "unnest.array", context_.what() + " needs either 'column' or 'expression'");
    }
    if (config_.expression.present()) {
      parts_->array = context_.Bind(config_.expression, Scope(input_));
      if (!parts_->array || !context_.CheckRepeatable(config_.expression, *parts_->array, *input_))
        return false;
      if (config_.as.empty()) return Error("as", "unnest.name", "an expression needs a name: write 'as'");
    } else {
      column_ = context_.Column(context_.config()["column"], *input_);
      if (column_ < 0) return false;
      ExprProblem problem;
      Result<ExpressionPtr> bound =
          BindExpression(Quoted(input_->field(column_).name), Scope(input_), &problem);
      if (!bound.ok()) return Error("column", problem.code, problem.message);
      parts_->array = *bound;
    }
    const DataType& type = parts_->array->type();
    if (type.id() == TypeId::kList || type.id() == TypeId::kJsonb) return true;
    return Error(
        config_.expression.present() ? "expression" : "column", "unnest.type",
        "unnest takes an array or jsonb, not " + type.ToString(),
        type.id() == TypeId::kText ? "to cut a text into pieces: expression: string_to_array(x, ',')" : "");
  }

  bool BindElement() {
    const DataType& array = parts_->array->type();
    const bool json = array.id() == TypeId::kJsonb;
    element_ = json ? DataType(TypeId::kJsonb) : array.element();
    if (config_.type.empty()) return true;
    Result<DataType> type = DataType::Parse(config_.type);
    if (!type.ok()) return Error("type", "config.type", type.status().message());
    if (*type == element_) return true;
    // A JSON string or number is read as its plain text, which is what #>> '{}' gives; JSON null becomes
    // NULL.
    const std::string sql = (json ? "(element #>> '{}')::" : "element::") + type->ToString();
    auto schema = std::make_shared<const Schema>(std::vector<Field>{{"element", element_}});
    ExprProblem problem;
    Result<ExpressionPtr> cast = BindExpression(sql, Scope(schema), &problem);
    if (!cast.ok()) {
      return Error("type", "unnest.cast",
                   "elements cannot be read as " + type->ToString() + ": " + problem.message);
    }
    parts_->cast = *cast;
    element_ = *type;
    return true;
  }

  // Output columns: those of the input, the element in the place of the array (or of the column it is named
  // after, or behind), then the ordinality.
  bool LayOut() {
    const std::string name = config_.as.empty() ? config_.column : config_.as;
    int place = column_;
    for (int i = 0; i < input_->size() && config_.expression.present(); ++i) {
      if (input_->field(i).name == name) place = i;
    }
    std::vector<Field> fields = input_->fields();
    for (int i = 0; i < input_->size(); ++i) parts_->sources.push_back(i);
    if (place < 0) {
      place = input_->size();
      fields.emplace_back();
      parts_->sources.push_back(0);
    }
    const std::string own = config_.as.empty() ? input_->field(column_).name : name;
    fields[static_cast<size_t>(place)] = {own, element_};
    parts_->sources[static_cast<size_t>(place)] = Parts::kElement;
    if (!config_.ordinality.empty()) {
      fields.push_back({config_.ordinality, TypeId::kBigint});
      parts_->sources.push_back(Parts::kOrdinality);
    }
    return CheckNames(fields) && Finish(std::move(fields));
  }

  bool CheckNames(const std::vector<Field>& fields) {
    for (size_t i = 0; i < fields.size(); ++i) {
      for (size_t j = i + 1; j < fields.size(); ++j) {
        if (fields[i].name != fields[j].name) continue;
        return Error(fields[i].name == config_.ordinality ? "ordinality" : "as", "unnest.duplicate_column",
                     "column '" + fields[i].name + "' would be there twice");
      }
    }
    return true;
  }

  bool Finish(std::vector<Field> fields) {
    auto schema = std::make_shared<Schema>(std::move(fields));
    const auto kept = [this](int mark) {
      return mark >= 0 && parts_->sources[static_cast<size_t>(mark)] == mark ? mark : -1;
    };
    schema->event_time = kept(input_->event_time);
    schema->window_start = kept(input_->window_start);
    schema->window_end = kept(input_->window_end);
    schema->changes = input_->changes;
    parts_->output = std::move(schema);
    return true;
  }

  static std::string Quoted(const std::string& name) {
    std::string quoted = "\"";
    for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
  }

  const Config& config_;
  BindContext& context_;
  SchemaPtr input_;
  std::shared_ptr<Parts> parts_;
  int column_ = -1;
  DataType element_;
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  std::shared_ptr<const Parts> parts = Binder(config, context).Run();
  if (!parts) return nullptr;
  auto bound = std::make_shared<BoundUnnest>(parts, context.inputs[0]->size());
  bound->ports = {{"ok", PortRole::kData, "One row per element."}};
  bound->outputs = {parts->output};
  bound->exchanges = {{}};
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Text("column", &Config::column,
            "Array or jsonb column to take apart; the element stands in its place.")
      .NotEmpty();
  spec.Expression("expression", &Config::expression,
                  "Instead of `column`: an expression that gives an array or jsonb. All input columns stay.");
  spec.Text("as", &Config::as,
            "Name of the element column. Default: the name of `column`. With `expression`, a column of that "
            "name is replaced.")
      .NotEmpty();
  spec.Text("type", &Config::type,
            "Type to read the elements as, for example bigint. Default: the array's element type, or jsonb.")
      .NotEmpty();
  spec.Text("ordinality", &Config::ordinality,
            "Name of a bigint column to add with the element's number, from 1.")
      .NotEmpty();
  spec.Bool("keep_empty", &Config::keep_empty,
            "Keep a row whose array is null or empty, once, with a null element (LEFT JOIN LATERAL).");

  OperatorDefinition d;
  d.name = "unnest";
  d.summary = "Makes one row of each element of an array.";
  d.description =
      "The other columns are repeated for each element. A row whose array is null or empty is counted as "
      "filtered unless `keep_empty` is set; JSON null counts as no array. A row whose jsonb value is an "
      "object "
      "or a scalar leaves by `errors`, and so does a row with an element that cannot be read as `type`: no "
      "element of it is given out.\n\n"
      "An update becomes a delete for each element of the old row and an insert for each element of the new "
      "one.";
  d.guarantee = "Keeps the order of rows, and of elements within a row.";
  d.takes_changes = true;
  d.example = R"(pipeline: order-lines
sources:
  orders:
    connector: file
    on_error: dead_letter
    path: pipelines/data/baskets.jsonl
    format: json
    schema: {id: bigint, customer: text, lines: jsonb}
operators:
  lines:
    operator: unnest
    on_error: dead_letter
    input: orders
    column: lines
    as: line
    ordinality: position
sinks:
  out: {connector: stdout, input: lines, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(unnest, Define());

}  // namespace
}  // namespace streamrun
