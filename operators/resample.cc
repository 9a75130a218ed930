// resample: rows of a series at regular times, gaps filled.
//
// A tumbling aggregation gives a row for each key and slot that has rows; a GapFiller behind it gives the
// slots between.
#include <optional>

#include "core/component/key_list.h"
#include "core/component/registry.h"
#include "core/component/state_facts.h"
#include "core/expr/canonical_text.h"
#include "core/window/aggregation_state.h"
#include "core/window/gap_filler.h"
#include "core/window/row_times.h"
#include "core/window/time_aggregation.h"

namespace streamrun {
namespace {

struct Config {
  ConfigValue by;
  Duration every = 0;
  Duration offset = 0;
  std::vector<NamedSql> values;
  ConfigValue fill;
  Duration max_gap = 0;
  std::string filled;
};

struct Parts {
  AggregationPlanPtr aggregation;
  GapFillPlan fill;
  std::vector<std::vector<int>> columns;  // read by each expression
};

constexpr int64_t kGivenRows = 8192;

class Resample final : public Operator {
 public:
  explicit Resample(std::shared_ptr<const Parts> parts)
      : parts_(std::move(parts)), slots_(MakeTimeAggregation(parts_->aggregation)), filler_(parts_->fill) {}

  Status Open(OperatorContext& context) override {
    context.Keep(&state_);
    return slots_->Open(context);
  }
  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    return Run(out, [&](Output& slots) { return slots_->Process(0, batch, slots); });
  }
  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    watermark_ = time;
    return Run(out, [&](Output& slots) { return slots_->OnWatermark(time, slots); });
  }
  Result<Outcome> OnEndOfStream(bool complete, Output& out) override {
    return Run(out, [&](Output& slots) { return slots_->OnEndOfStream(complete, slots); });
  }
  // Rows that are still to fill a gap must not be late.
  Timestamp OutputWatermark(Timestamp input) const override {
    const Timestamp time = slots_->OutputWatermark(input);
    return time == kMaxTimestamp ? time : filler_.FilledUntil(time + 1) - 1;
  }

  Result<Outcome> Continue(Output& out) override {
    if (filler_.has_more()) return Give(out);
    return Run(out, [&](Output& slots) { return slots_->Continue(slots); });
  }

 private:
  // What the aggregation gives goes to the filler, everything else out.
  class SlotOutput final : public Output {
   public:
    SlotOutput(GapFiller& filler, Output& out) : filler_(filler), out_(out) {}
    void Emit(int port, BatchPtr batch) override {
      if (port != kOk) return out_.Emit(port, std::move(batch));
      if (batch != nullptr && batch->rows() > 0) filler_.Take(std::move(batch));
    }
    void Fail(const BatchPtr& input, std::vector<RowFailure> failures) override {
      out_.Fail(input, std::move(failures));
    }
    void FailResult(const BatchPtr& rows, std::vector<RowFailure> failures) override {
      out_.FailResult(rows, std::move(failures));
    }
    void Count(Fate fate, int64_t rows) override { out_.Count(fate, rows); }

   private:
    GapFiller& filler_;
    Output& out_;
  };

  // At most one call of the aggregation in each call, as each may give late rows.
  template <typename Call>
  Result<Outcome> Run(Output& out, const Call& call) {
    SlotOutput slots(filler_, out);
    SR_ASSIGN_OR_RETURN(const Outcome outcome, call(slots));
    more_slots_ = outcome == Outcome::kHaveMore;
    return Give(out);
  }

  Result<Outcome> Give(Output& out) {
    if (filler_.has_more()) out.Emit(Output::kOk, filler_.Next(kGivenRows));
    if (filler_.has_more() || more_slots_) return Outcome::kHaveMore;
    if (watermark_ != kMinTimestamp && watermark_ != kMaxTimestamp) filler_.Forget(watermark_ + 1);
    return Outcome::kNeedInput;
  }

  const std::shared_ptr<const Parts> parts_;
  std::unique_ptr<Operator> slots_;
  GapFiller filler_;
  bool more_slots_ = false;
  Timestamp watermark_ = kMinTimestamp;

  KeptState state_{
      parts_->fill.State().name,
      {[this](const TakeRows& take) { return filler_.Save(take); },
       [this](const BatchPtr& rows) { return filler_.Load(rows); }, [this] { return filler_.keys(); },
       [this] { return filler_.MemoryBytes(); }, [this](int64_t most) { filler_.changes().Track(most); },
       [this] { return filler_.changes().count(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return filler_.SaveChanges(removed, rows); }}};
};

class BoundResample final : public BoundOperator {
 public:
  explicit BoundResample(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    const AggregationPlan& plan = *parts_->aggregation;
    std::vector<bool> needed(static_cast<size_t>(plan.input->size()), false);
    for (const std::vector<int>& columns : parts_->columns) {
      for (const int column : columns) needed[static_cast<size_t>(column)] = true;
    }
    needed[static_cast<size_t>(plan.time_column)] = true;
    // Late rows go on as they came.
    for (size_t i = 0; wanted.size() > 1 && i < needed.size(); ++i) needed[i] = needed[i] || wanted[1][i];
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Resample>(parts_); }

 private:
  std::shared_ptr<const Parts> parts_;
};

// Reads the configuration into Parts, one piece after the other; every problem is reported.
class Builder {
 public:
  Builder(const Config& config, BindContext& context)
      : config_(config), context_(context), input_(context.inputs[0]), scope_(input_) {}

  std::shared_ptr<const BoundOperator> Build() {
    bool fine = ReadTime();
    fine &= ReadKeys(config_.by, "by", scope_, context_, &keys_);
    if (!fine) return nullptr;
    plan_->keys = keys_.expressions;
    plan_->key_types = keys_.types();
    for (const Field& field : keys_.schema->fields()) fields_.push_back(field);
    plan_->groups = std::make_shared<const Schema>(fields_);
    fine = ReadValues();
    if (fine) fine &= ReadFill();
    fine &= CheckNames();
    return fine ? Bound() : nullptr;
  }

 private:
  bool Error(const ConfigValue& where, std::string code, std::string message, std::string suggestion = "") {
    context_.diagnostics().ErrorAt(where, std::move(code), std::move(message), std::move(suggestion));
    return false;
  }

  bool ReadTime() {
    if (input_->event_time < 0) {
      return Error(context_.config(), "plan.no_event_time",
                   "resample goes by event time, but the input has none",
                   "give the source event_time: {column: ...}");
    }
    if (config_.max_gap < config_.every) {
      return Error(context_.config()["max_gap"], "resample.max_gap",
                   "a gap is at least one slot long, but max_gap is shorter",
                   "write a max_gap of at least " + PrintDuration(config_.every));
    }
    plan_->input = input_;
    plan_->time_column = input_->event_time;
    plan_->time_bias = input_->event_time_bias();
    plan_->window.kind = WindowSpec::Kind::kTumbling;
    plan_->window.size = config_.every;
    plan_->window.step = config_.every;
    plan_->window.offset = config_.offset;
    const DataType& time = input_->field(input_->event_time).type;
    fields_ = {{"window_start", time}, {"window_end", time}};
    return true;
  }

  bool ReadValues() {
    SelectBinder binder(scope_, plan_->groups);
    binder.set_event_time(input_->event_time);
    bool fine = true;
    for (const NamedSql& named : config_.values) {
      ExprProblem problem;
      ExpressionPtr expression = binder.Bind(named.expression.text, &problem);
      if (!expression) {
        context_.Report(named.expression, problem);
        fine = false;
        continue;
      }
      fields_.push_back({named.name(), expression->type()});
      plan_->select.push_back(std::move(expression));
    }
    plan_->calls = binder.calls();
    return fine;
  }

  // One kind for all values, or one for each that is named.
  bool ReadFill() {
    const ConfigValue& v = config_.fill;
    std::vector<Fill> fills(config_.values.size());
    bool fine = true;
    if (v.is_map()) {
      for (const auto& [name, kind] : v.entries()) {
        size_t i = 0;
        while (i < fills.size() && config_.values[i].name() != name.text()) ++i;
        fine &= i < fills.size() ? ReadKind(kind, i, &fills[i])
                                 : Error(name, "resample.unknown_value",
                                         "there is no value '" + name.text() + "'", "name one of 'values'");
      }
    } else if (v.present()) {
      for (size_t i = 0; i < fills.size() && fine; ++i) fine &= ReadKind(v, i, &fills[i]);
    }
    fill_.fills = std::move(fills);
    return fine;
  }

  bool ReadKind(const ConfigValue& v, size_t value, Fill* fill) {
    const DataType& type = plan_->select[value]->type();
    if (v.is_map() && v.entries().size() == 1 && v["constant"].present()) {
      Sql sql;
      if (!ReadSql(v["constant"], "constant", &sql, context_.diagnostics())) return false;
      const ExpressionPtr constant = context_.BindAs(sql, Scope(), type);
      if (!constant) return false;
      if (!constant->constant()) {
        return Error(v["constant"], "resample.constant", "the value that fills gaps must be a constant");
      }
      *fill = {Fill::Kind::kConstant, *constant->constant()};
      return true;
    }
    const std::string kind = v.is_scalar() ? v.text() : "";
    if (kind == "null" || kind == "last" || kind == "linear") {
      fill->kind = kind == "null"   ? Fill::Kind::kNull
                   : kind == "last" ? Fill::Kind::kLast
                                    : Fill::Kind::kLinear;
      return kind != "linear" || CheckLinear(v, value, type);
    }
    return Error(v, "config.choice", "gaps are filled with null, last, linear or {constant: value}",
                 "write fill: last, or fill: {" + config_.values[value].name() + ": {constant: 0}}");
  }

  bool CheckLinear(const ConfigValue& where, size_t value, const DataType& type) {
    for (const TypeId id : {TypeId::kInteger, TypeId::kBigint, TypeId::kDouble}) {
      if (type.id() == id) return true;
    }
    return Error(where, "resample.linear",
                 "value '" + config_.values[value].name() + "' is of type " + type.ToString() +
                     "; a line goes through integer, bigint and double precision",
                 "cast it: (...)::double precision");
  }

  bool CheckNames() {
    if (!config_.filled.empty()) filled_ = {{config_.filled, TypeId::kBoolean}};
    std::vector<Field> all = fields_;
    all.insert(all.end(), filled_.begin(), filled_.end());
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (all[i].name != all[j].name) continue;
        return Error(context_.config()["values"], "resample.duplicate_column",
                     "column '" + all[i].name + "' would be there twice", "choose another name");
      }
    }
    return true;
  }

  SchemaPtr Marked(std::vector<Field> fields) const {
    Schema schema(std::move(fields));
    schema.window_start = 0;
    schema.window_end = 1;
    schema.event_time = 1;
    return std::make_shared<const Schema>(std::move(schema));
  }

  std::shared_ptr<const BoundOperator> Bound() {
    plan_->output = Marked(fields_);
    plan_->late = LateSchema(*input_);
    fill_.slots = plan_->output;
    fields_.insert(fields_.end(), filled_.begin(), filled_.end());
    fill_.output = Marked(fields_);
    fill_.keys = static_cast<int>(plan_->keys.size());
    for (const ExpressionPtr& value : plan_->select) fill_.texts.push_back(CanonicalText(value->text()));
    fill_.every = config_.every;
    fill_.max_gap = config_.max_gap;
    auto parts = std::make_shared<Parts>();
    parts->aggregation = plan_;
    parts->fill = fill_;
    for (const ExpressionPtr& key : plan_->keys) parts->columns.push_back(key->columns());
    for (const AggregateCall& call : plan_->calls) {
      for (const ExpressionPtr& input : call.Inputs()) parts->columns.push_back(input->columns());
      if (call.filter) parts->columns.push_back(call.filter->columns());
    }
    auto bound = std::make_shared<BoundResample>(parts);
    bound->ports = {{"ok", PortRole::kData, "One row for each key and slot."},
                    {"late", PortRole::kError, "Rows that came after their slot was closed."}};
    bound->outputs = {fill_.output, plan_->late};
    bound->exchanges = {{plan_->keys.empty() ? Exchange::Kind::kSingle : Exchange::Kind::kHash, plan_->keys}};
    bound->states = StatesOf(*plan_);
    bound->states.push_back(fill_.State());
    bound->facts = AggregationFacts(*plan_);
    bound->can_fail = true;
    bound->preserves_order = false;
    return bound;
  }

  const Config& config_;
  BindContext& context_;
  SchemaPtr input_;
  Scope scope_;
  KeyList keys_;
  std::shared_ptr<AggregationPlan> plan_ = std::make_shared<AggregationPlan>();
  GapFillPlan fill_;
  std::vector<Field> fields_;
  std::vector<Field> filled_;
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  return Builder(config, context).Build();
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Raw("by", &Config::by, "Columns or expressions that tell the series apart. Without: one series.");
  spec.DurationField("every", &Config::every, "Length of a slot.").Required().AtLeast(1);
  spec.DurationField("offset", &Config::offset,
                     "Slots begin so long after a multiple of `every` since 1970.");
  spec.ExpressionMap("values", &Config::values,
                     "Values of a slot: expressions over aggregates of its rows, as in `aggregate`.")
      .Required();
  spec.Raw(
      "fill", &Config::fill,
      "Values of slots without rows: null (the default), last, linear or {constant: value}; for all values, "
      "or a mapping that says it for each.");
  spec.DurationField(
          "max_gap", &Config::max_gap,
          "Longest gap that is filled. A key that is silent for longer is forgotten, and its next slot "
          "begins a new series.")
      .Required();
  spec.Text("filled", &Config::filled,
            "Name of a column (boolean) that is true for filled slots; without: none.")
      .NotEmpty();

  OperatorDefinition d;
  d.name = "resample";
  d.summary = "Gives one row for each key and slot of time, and fills the slots that have no rows.";
  d.description =
      "Slots are tumbling windows of length `every`: rows have `window_start`, `window_end`, the keys, then "
      "`values`. Slots between two of a key that have rows are filled: with nulls, with the values of the "
      "slot "
      "before, on the line between the two (integers are rounded), or with a constant. Nothing is filled "
      "before "
      "the first slot of a key nor behind its last one.\n\n"
      "A slot is given when the watermark passes its end; the slots of a gap when the slot behind it is. "
      "Until "
      "then the watermark behind this node waits, at most for `max_gap`.";
  d.guarantee = "Rows of a key come in the order of their slots. Each row counts in one slot.";
  d.example = R"(pipeline: temperatures-every-minute
sources:
  readings:
    connector: file
    path: pipelines/data/temperatures.jsonl
    format: json
    schema: {at: timestamp, sensor: text, celsius: double precision}
    event_time: {column: at, out_of_order: 10s}
operators:
  minutes:
    operator: resample
    input: readings
    on_error: dead_letter
    by: [sensor]
    every: 1m
    max_gap: 10m
    values:
      celsius: avg(celsius)
      readings: count(*)
    fill:
      celsius: linear
      readings: {constant: 0}
sinks:
  out: {connector: stdout, input: minutes, format: json}
  too_late: {connector: discard, input: minutes.late}
  unread: {connector: discard, input: readings.errors}
)";
  d.ports = {{"late", PortRole::kError, "Rows that came after their slot was closed, with `late_by`."}};
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(resample, Define());

}  // namespace
}  // namespace streamrun
