// union: the rows of several inputs as one stream.
#include <limits>

#include "core/component/registry.h"

namespace streamrun {
namespace {

struct Config {};

// order[i][c]: which column of input i is column c of the output.
using ColumnOrder = std::vector<std::vector<int>>;

class Union final : public Operator {
 public:
  Union(SchemaPtr schema, ColumnOrder order) : schema_(std::move(schema)), order_(std::move(order)) {}

  Result<Outcome> Process(int input, const BatchPtr& batch, Output& out) override {
    std::vector<ColumnPtr> columns;
    columns.reserve(batch->columns().size());
    for (const int c : order_[static_cast<size_t>(input)]) columns.push_back(batch->column(c));
    out.Emit(Output::kOk, std::make_shared<const Batch>(schema_, batch->rows(), std::move(columns),
                                                        batch->origin(), batch->changes()));
    return Outcome::kNeedInput;
  }

 private:
  const SchemaPtr schema_;
  const ColumnOrder order_;
};

class BoundUnion final : public BoundOperator {
 public:
  explicit BoundUnion(ColumnOrder order) : order_(std::move(order)) { preserves_order = false; }

  std::vector<bool> NeededColumns(int input, const std::vector<std::vector<bool>>& wanted) const override {
    const std::vector<int>& order = order_[static_cast<size_t>(input)];
    std::vector<bool> needed(order.size(), false);
    for (size_t c = 0; c < order.size(); ++c) needed[static_cast<size_t>(order[c])] = wanted[0][c];
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Union>(outputs[0], order_); }

 private:
  ColumnOrder order_;
};

// Finds the columns of the first input in another one; false after reporting every difference.
bool MatchColumns(BindContext& context, size_t input, std::vector<int>* order) {
  const Schema& first = *context.inputs[0];
  const Schema& other = *context.inputs[input];
  const std::string& name = context.input_names[input];
  const std::string& first_name = context.input_names[0];
  const ConfigValue& list = context.config()["input"];
  const ConfigValue& where =
      list.is_list() && input < list.items().size() ? list.items()[input] : context.config();
  const auto error = [&](std::string message, std::string suggestion) {
    context.diagnostics().ErrorAt(where, "union.columns", std::move(message), std::move(suggestion));
    return false;
  };
  bool ok = true;
  std::vector<bool> found(static_cast<size_t>(other.size()), false);
  for (const Field& field : first.fields()) {
    const int c = other.Find(field.name);
    order->push_back(c);
    if (c < 0) {
      ok = error("'" + name + "' has no column '" + field.name + "', which '" + first_name + "' has",
                 "'" + name + "' has: " + other.ToString());
      continue;
    }
    found[static_cast<size_t>(c)] = true;
    const DataType& type = other.field(c).type;
    if (!(type == field.type)) {
      ok = error("column '" + field.name + "' is " + type.ToString() + " in '" + name + "' but " +
                     field.type.ToString() + " in '" + first_name + "'",
                 "cast it in a map before the union");
    }
  }
  for (size_t c = 0; c < found.size(); ++c) {
    if (found[c] || first.Find(other.field(static_cast<int>(c)).name) >= 0) continue;
    ok = error("'" + name + "' has a column '" + other.field(static_cast<int>(c)).name + "', which '" +
                   first_name + "' has not",
               "drop it in a map before the union");
  }
  return ok;
}

// The mark at `first` when every input has its mark at the same column, else none.
int CommonMark(const BindContext& context, const ColumnOrder& order, int Schema::*mark) {
  const int first = context.inputs[0].get()->*mark;
  for (size_t i = 0; first >= 0 && i < order.size(); ++i) {
    if (context.inputs[i].get()->*mark != order[i][static_cast<size_t>(first)]) return -1;
  }
  return first;
}

std::shared_ptr<const BoundOperator> Bind(const Config&, BindContext& context) {
  ColumnOrder order(context.inputs.size());
  bool ok = true;
  for (size_t i = 0; i < context.inputs.size(); ++i) ok = MatchColumns(context, i, &order[i]) && ok;
  if (!ok) return nullptr;
  auto schema = std::make_shared<Schema>(context.inputs[0]->fields());
  schema->event_time = CommonMark(context, order, &Schema::event_time);
  schema->window_start = CommonMark(context, order, &Schema::window_start);
  schema->window_end = CommonMark(context, order, &Schema::window_end);
  for (const SchemaPtr& input : context.inputs) schema->changes = schema->changes || input->changes;
  auto bound = std::make_shared<BoundUnion>(std::move(order));
  bound->ports = {{"ok", PortRole::kData, "The rows of all inputs."}};
  bound->outputs = {std::move(schema)};
  bound->exchanges.resize(context.inputs.size());
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;

  OperatorDefinition d;
  d.name = "union";
  d.summary = "Puts the rows of several inputs into one stream.";
  d.description =
      "All inputs have the same columns of the same types; columns are matched by name, and their order is "
      "that of the first input. Rows are passed on as they come, without removing duplicates (SQL's UNION "
      "ALL). The result has an event time when all inputs have it in the same column; its watermark is the "
      "least of theirs.";
  d.guarantee =
      "Each row passes exactly once. Rows of one input keep their order; rows of different inputs mix.";
  d.min_inputs = 2;
  d.max_inputs = std::numeric_limits<int>::max();
  d.takes_changes = true;
  d.example = R"yaml(pipeline: both-shops
sources:
  berlin:
    connector: file
    on_error: dead_letter
    path: pipelines/data/orders_berlin.jsonl
    format: json
    schema: {id: bigint, item: text, amount: "numeric(10,2)"
}
  madrid:
    connector: file
    on_error: dead_letter
    path: pipelines/data/orders_madrid.csv
    format: csv
    schema: {id: bigint, amount: "numeric(10,2)", item: text}
operators:
  orders:
    operator: union
    input: [berlin, madrid]
sinks:
  out: {connector: stdout, input: orders, format: json}
)yaml";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(union, Define());

}  // namespace
}  // namespace streamrun
