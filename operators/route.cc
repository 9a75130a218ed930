// route: each row leaves by the port whose condition it meets.
#include <algorithm>
#include <array>

#include "core/component/registry.h"
#include "core/stream/changes.h"
#include "core/stream/projection.h"

namespace streamrun {
namespace {

enum class Mode { kFirst, kAll };

struct Config {
  std::vector<NamedSql> routes;
  Mode mode = Mode::kFirst;
};

class Route final : public Operator {
 public:
  Route(std::vector<ExpressionPtr> conditions, Mode mode) : conditions_(std::move(conditions)), mode_(mode) {}

  Status Open(OperatorContext& context) override {
    evaluators_.reserve(conditions_.size());
    for (const ExpressionPtr& condition : conditions_) evaluators_.emplace_back(condition, context.env);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    settled_.assign(static_cast<size_t>(batch->rows()), 0);
    std::vector<Selection> chosen;
    std::vector<RowFailure> failures;
    for (Evaluator& evaluator : evaluators_) {
      std::vector<RowFailure> failed;
      chosen.push_back(evaluator.Select(batch->columns(), batch->rows(), &failed));
      // A row that an earlier route took does not get as far as this condition.
      if (mode_ == Mode::kFirst) {
        std::erase_if(chosen.back(), [this](uint32_t row) { return settled_[row] != 0; });
        std::erase_if(failed, [this](const RowFailure& f) { return settled_[f.row] != 0; });
      }
      for (const uint32_t row : chosen.back()) settled_[row] = kRouted;
      for (const RowFailure& f : failed) settled_[f.row] = kFailed;
      MergeFailures(std::move(failed), &failures);
    }
    for (const RowFailure& f : failures) settled_[f.row] = kFailed;
    for (size_t port = 0; port < chosen.size(); ++port) {
      // mode: all: a row that failed anywhere leaves by `errors` only.
      std::erase_if(chosen[port], [this](uint32_t row) { return settled_[row] == kFailed; });
      if (!chosen[port].empty()) out.Emit(static_cast<int>(port), TakeChanges(batch, chosen[port]));
    }
    EmitUnmatched(batch, out);
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    return Outcome::kNeedInput;
  }

 private:
  static constexpr uint8_t kRouted = 1;
  static constexpr uint8_t kFailed = 2;

  void EmitUnmatched(const BatchPtr& batch, Output& out) {
    Selection rest;
    for (uint32_t row = 0; row < settled_.size(); ++row) {
      if (settled_[row] == 0) rest.push_back(row);
    }
    if (rest.empty()) return;
    out.Count(Fate::kUnmatched, static_cast<int64_t>(rest.size()));
    out.Emit(static_cast<int>(evaluators_.size()), TakeChanges(batch, rest));
  }

  const std::vector<ExpressionPtr> conditions_;
  const Mode mode_;
  std::vector<Evaluator> evaluators_;
  std::vector<uint8_t> settled_;  // per row of the batch under way
};

class BoundRoute final : public BoundOperator {
 public:
  BoundRoute(std::vector<ExpressionPtr> conditions, Mode mode)
      : conditions_(std::move(conditions)), mode_(mode) {
    can_fail =
        std::any_of(conditions_.begin(), conditions_.end(), [](const auto& c) { return c->can_fail(); });
  }

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed(wanted[0].size(), false);
    for (const std::vector<bool>& port : wanted) {
      for (size_t c = 0; c < port.size(); ++c) needed[c] = needed[c] || port[c];
    }
    for (const ExpressionPtr& condition : conditions_) {
      for (const int column : condition->columns()) needed[static_cast<size_t>(column)] = true;
    }
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Route>(conditions_, mode_); }

 private:
  std::vector<ExpressionPtr> conditions_;
  Mode mode_;
};

// A route's name becomes a port's name, so it must be one and must not be a port that means something else.
bool CheckName(const ConfigValue& key, BindContext& context) {
  static constexpr std::array<std::string_view, 6> kTaken = {"errors",    "late",       "rejected",
                                                             "unmatched", "duplicates", "expired"};
  const std::string& name = key.text();
  if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end()) {
    context.diagnostics().ErrorAt(
        key, "route.reserved_name", "'" + name + "' is the name of a port with a meaning of its own",
        name == "unmatched" ? "rows that meet no condition leave by 'unmatched' anyway" : "");
    return false;
  }
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const bool good =
      !name.empty() && name.size() <= 63 && letter(name[0]) &&
      std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
  if (!good) {
    context.diagnostics().ErrorAt(key, "route.name", "'" + name + "' cannot be the name of a port",
                                  "a name has small letters, digits and _, and begins with a letter");
  }
  return good;
}

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  const SchemaPtr& input = context.inputs[0];
  std::vector<ExpressionPtr> conditions;
  std::vector<PortSpec> ports;
  bool ok = true;
  for (const NamedSql& route : config.routes) {
    ok = CheckName(route.key, context) && ok;
    ExpressionPtr condition = context.BindAs(route.expression, Scope(input), TypeId::kBoolean);
    ok = condition && context.CheckRepeatable(route.expression, *condition, *input) && ok;
    conditions.push_back(std::move(condition));
    ports.push_back({route.name(), PortRole::kData, "Rows for which " + route.expression.text + "."});
  }
  if (config.routes.empty()) {
    context.diagnostics().ErrorAt(context.config()["routes"], "route.empty", "'routes' must not be empty",
                                  "write name: condition, one line a route");
  }
  if (!ok || conditions.empty()) return nullptr;
  ports.push_back({"unmatched", PortRole::kSide, "Rows that meet no condition."});
  auto bound = std::make_shared<BoundRoute>(std::move(conditions), config.mode);
  bound->outputs.assign(ports.size(), input);
  bound->ports = std::move(ports);
  bound->exchanges = {{}};
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.ExpressionMap("routes", &Config::routes,
                     "`name: condition`, in order; each name becomes an output port.")
      .Required();
  spec.OneOf("mode", &Config::mode, {{"first", Mode::kFirst}, {"all", Mode::kAll}},
             "`first`: a row leaves by the first route whose condition is true. `all`: by every such route.");

  OperatorDefinition d;
  d.name = "route";
  d.summary = "Sends each row to the port whose condition it meets.";
  d.description =
      "Each route is an output port of its own: `input: node.name`. There is no `ok` port unless a route is "
      "called that. A row that meets no condition leaves by `unmatched`, which is only counted when nothing "
      "is wired to it. With `mode: first` a condition is looked at only for rows that no earlier route "
      "took. A row for which a condition cannot be computed leaves by `errors`, and by no route.\n\n"
      "An update whose old and new row take different ways becomes a delete here and an insert there.";
  d.guarantee = "Each port keeps the order. With `mode: first` each row leaves exactly once.";
  d.takes_changes = true;
  d.ports = {{"unmatched", PortRole::kSide, "Rows that meet no condition."}};
  d.example = R"(pipeline: bids-by-price
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
operators:
  by_price:
    operator: route
    input: bids
    routes:
      dear: price >= 10000
      fair: price >= 100
sinks:
  dear: {connector: stdout, input: by_price.dear, format: json}
  fair: {connector: discard, input: by_price.fair}
  cheap: {connector: discard, input: by_price.unmatched}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(route, Define());

}  // namespace
}  // namespace streamrun
