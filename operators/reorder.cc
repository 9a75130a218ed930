// reorder: rows in order of event time.
//
// Rows wait until the watermark says that no earlier one can come. What does not fit into memory waits in
// sorted runs on disk, which are merged when rows are given.
#include "core/component/registry.h"
#include "core/component/state_facts.h"
#include "core/stream/projection.h"
#include "core/stream/time_order.h"
#include "core/window/aggregation_state.h"
#include "core/window/kept_state.h"
#include "core/window/row_times.h"
#include "core/window/waiting_rows.h"

namespace streamrun {
namespace {

struct Config {
  int64_t max_rows = 1'000'000;
  int64_t max_memory = 64 << 20;
};

constexpr int64_t kGivenRows = 8192;

struct Parts {
  Config config;
  SchemaPtr input;
  int time_column = -1;
  Duration time_bias = 0;
  SchemaPtr late;
};

StateShape WaitingState(const Parts& parts) {
  return WaitingState(std::make_shared<const Schema>(), parts.input->fields(), parts.time_column);
}

class Reorder final : public Operator {
 public:
  explicit Reorder(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

  Status Open(OperatorContext& context) override {
    SR_RETURN_IF_ERROR(RemoveLeftOvers(*context.env, context.scratch_directory));
    waiting_.set_spill_place(
        {context.env, context.scratch_directory, parts_->config.max_rows, parts_->config.max_memory});
    context.Keep(&waiting_state_);
    context.Keep(&time_state_);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    ReadRowTimes(*batch->column(parts_->time_column), parts_->time_bias, &times_, &failures);
    const Selection kept = InTime(batch, failures, times_, watermark_, watermark_, parts_->late, out);
    waiting_.Add(batch, kept, times_);
    out.Count(Fate::kAbsorbed, static_cast<int64_t>(kept.size()));
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    SR_RETURN_IF_ERROR(waiting_.SpillIfLarge());
    return Outcome::kNeedInput;
  }

  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    watermark_ = std::max(watermark_, time);
    return Continue(out);
  }

  Result<Outcome> OnEndOfStream(bool complete, Output& out) override {
    if (complete) watermark_ = kMaxTimestamp;
    return Continue(out);
  }

  Result<Outcome> Continue(Output& out) override {
    BatchPtr batch = waiting_.Release(watermark_, kGivenRows);
    SR_RETURN_IF_ERROR(waiting_.status());
    if (batch == nullptr) return Outcome::kNeedInput;
    out.Emit(Output::kOk, std::move(batch));
    return waiting_.first() <= watermark_ && waiting_.rows() > 0 ? Outcome::kHaveMore : Outcome::kNeedInput;
  }

 private:
  // Of a run that was killed while it wrote.
  static Status RemoveLeftOvers(Env& env, const std::string& directory) {
    if (directory.empty()) return Status::Ok();
    const Result<std::vector<std::string>> names = env.List(directory);
    if (!names.ok()) return names.status().code() == Code::kNotFound ? Status::Ok() : names.status();
    const std::string within = directory + "/";
    for (const std::string& name : *names) SR_RETURN_IF_ERROR(env.Remove(within + name));
    return Status::Ok();
  }

  Status LoadWaiting(const BatchPtr& rows) {
    const BatchPtr batch = FromWaitingState(WaitingState(*parts_), rows, parts_->input);
    std::vector<RowFailure> failures;
    ReadRowTimes(*batch->column(parts_->time_column), parts_->time_bias, &times_, &failures);
    if (!failures.empty()) return Status::Corruption("a saved row has no event time");
    waiting_.Add(batch, RowsWithout(batch->rows(), failures), times_);
    return waiting_.SpillIfLarge();
  }

  const std::shared_ptr<const Parts> parts_;
  TimeOrdered waiting_;
  Timestamp watermark_ = kMinTimestamp;
  std::vector<int64_t> times_;

  KeptState waiting_state_{"waiting",
                           {[this](const TakeRows& take) {
                              return waiting_.Save([&](const BatchPtr& rows, const std::vector<int64_t>&) {
                                return take(ToWaitingState(WaitingState(*parts_), {}, *rows));
                              });
                            },
                            [this](const BatchPtr& rows) { return LoadWaiting(rows); },
                            [this] { return waiting_.rows(); }, [this] { return waiting_.MemoryBytes(); }}};
  KeptTime time_state_{&watermark_};
};

class BoundReorder final : public BoundOperator {
 public:
  explicit BoundReorder(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed = wanted[0];
    for (size_t c = 0; wanted.size() > 1 && c < needed.size(); ++c) needed[c] = needed[c] || wanted[1][c];
    needed[static_cast<size_t>(parts_->time_column)] = true;
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Reorder>(parts_); }

 private:
  std::shared_ptr<const Parts> parts_;
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  const SchemaPtr& input = context.inputs[0];
  if (input->event_time < 0) {
    context.diagnostics().ErrorAt(context.config(), "plan.no_event_time",
                                  "reorder goes by event time, but the input has none",
                                  "give the source event_time: {column: ...}");
    return nullptr;
  }
  auto parts = std::make_shared<Parts>();
  parts->config = config;
  parts->input = input;
  parts->time_column = input->event_time;
  parts->time_bias = input->event_time_bias();
  parts->late = LateSchema(*input);
  auto bound = std::make_shared<BoundReorder>(parts);
  bound->ports = {{"ok", PortRole::kData, "Rows by event time."},
                  {"late", PortRole::kError, "Rows that came behind the watermark, with `late_by`."}};
  bound->outputs = {input, parts->late};
  // Order is that of one stream: rows of several workers would have to be merged again.
  bound->exchanges = {{Exchange::Kind::kSingle, {}}};
  bound->states = {WaitingState(*parts), TimeState()};
  bound->facts = {TimeFact(*input)};
  bound->can_fail = true;
  bound->preserves_order = false;
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Integer("max_rows", &Config::max_rows, "Rows that may wait in memory; beyond it they wait on disk.")
      .AtLeast(1);
  spec.Size("max_memory", &Config::max_memory,
            "Memory that waiting rows may take; beyond it they wait on disk, in the state directory.")
      .AtLeast(0);

  OperatorDefinition d;
  d.name = "reorder";
  d.summary = "Gives rows in the order of their event time.";
  d.description =
      "A row waits until the watermark has passed its event time; rows of one time keep the order in which "
      "they "
      "came. Rows behind the watermark leave by `late`.\n\n"
      "How long rows wait is how far the source says they are out of order (`event_time: {out_of_order: "
      "...}`). "
      "When more wait than `max_rows` or `max_memory`, all of them move to a sorted file; files are merged "
      "as "
      "rows are given. Beside what is in memory each file takes a block of about 64 KiB, of at most a few "
      "dozen "
      "files. The files are gone when the worker ends, however it ends.";
  d.guarantee =
      "Rows of `ok` never go back in event time. One instance sees all rows, whatever the parallelism.";
  d.example = R"(pipeline: bids-in-order
sources:
  bids:
    connector: file
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, price: bigint, date_time: timestamp}
    event_time: {column: date_time, out_of_order: 2s}
operators:
  in_order:
    operator: reorder
    input: bids
    on_error: dead_letter
sinks:
  out: {connector: stdout, input: in_order, format: json}
  too_late: {connector: discard, input: in_order.late}
  unread: {connector: discard, input: bids.errors}
)";
  d.ports = {{"late", PortRole::kError, "Rows that came behind the watermark, with `late_by`."}};
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(reorder, Define());

}  // namespace
}  // namespace streamrun
