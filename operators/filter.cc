// filter: rows for which a condition is true pass.
#include "core/component/registry.h"
#include "core/stream/changes.h"

namespace streamrun {
namespace {

struct Config {
  Sql where;
};

class Filter final : public Operator {
 public:
  explicit Filter(ExpressionPtr where) : where_(std::move(where)) {}

  Status Open(OperatorContext& context) override {
    evaluator_.emplace(where_, context.env);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    const Selection passed = evaluator_->Select(batch->columns(), batch->rows(), &failures);
    out.Count(Fate::kFiltered, batch->rows() - static_cast<int64_t>(passed.size() + failures.size()));
    out.Emit(Output::kOk, TakeChanges(batch, passed));
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    return Outcome::kNeedInput;
  }

 private:
  ExpressionPtr where_;
  std::optional<Evaluator> evaluator_;
};

class BoundFilter final : public BoundOperator {
 public:
  explicit BoundFilter(ExpressionPtr where) : where_(std::move(where)) { can_fail = where_->can_fail(); }

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed = wanted[0];
    for (const int column : where_->columns()) needed[static_cast<size_t>(column)] = true;
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Filter>(where_); }

 private:
  ExpressionPtr where_;
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  const SchemaPtr& input = context.inputs[0];
  ExpressionPtr where = context.BindAs(config.where, Scope(input), TypeId::kBoolean);
  if (!where || !context.CheckRepeatable(config.where, *where, *input)) return nullptr;
  auto bound = std::make_shared<BoundFilter>(std::move(where));
  bound->ports = {{"ok", PortRole::kData, "Rows for which the condition is true."}};
  bound->outputs = {input};
  bound->exchanges = {{}};
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Expression("where", &Config::where, "Condition; rows for which it is false or null are dropped.")
      .Required();

  OperatorDefinition d;
  d.name = "filter";
  d.summary = "Passes the rows for which a condition is true.";
  d.description =
      "The condition is an SQL expression of type boolean over the columns of the input. A row for which it "
      "is false or null is counted as filtered; a row for which it cannot be computed leaves by "
      "`errors`.\n\n"
      "Of an update whose old row passes and whose new row does not, a delete goes on; the other way round, "
      "an insert.";
  d.takes_changes = true;
  d.guarantee = "Keeps order. Each row passes at most once.";
  d.example = R"(pipeline: dear-bids
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
operators:
  dear:
    operator: filter
    input: bids
    where: price > 10000
sinks:
  out: {connector: stdout, input: dear, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(filter, Define());

}  // namespace
}  // namespace streamrun
