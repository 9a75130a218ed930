// dedupe: of the rows of a key within an interval, one.
#include <algorithm>
#include <limits>
#include <optional>

#include "core/component/key_list.h"
#include "core/component/registry.h"
#include "core/component/state_facts.h"
#include "core/component/state_limit.h"
#include "core/data/row_store.h"
#include "core/stream/projection.h"
#include "core/window/aggregation_state.h"
#include "core/window/group_expiry.h"
#include "core/window/row_times.h"
#include "core/window/seen_intervals.h"

namespace streamrun {
namespace {

enum class Keep : uint8_t { kFirst, kLast };
enum class Time : uint8_t { kEvent, kProcessing };

struct Config : StateLimit {
  ConfigValue by;
  Duration within = 0;
  Time time = Time::kEvent;
  Keep keep = Keep::kFirst;
  Duration ttl = 0;
};

constexpr size_t kBatchRows = 8192;
constexpr int kDuplicatesPort = 1;
constexpr int kDedupeLatePort = 2;

struct Parts {
  SchemaPtr input;
  KeyList by;
  Duration within = 0;
  Time time = Time::kEvent;
  Keep keep = Keep::kFirst;
  Duration ttl = 0;
  int64_t max_state = 0;
  SchemaPtr output;
  SchemaPtr late;  // null when nothing can be late

  /// Rows belong to intervals by their event time.
  bool by_event_time() const { return within > 0 && time == Time::kEvent; }
  bool keeps_rows() const { return keep == Keep::kLast; }

  /// by; start, last, touched_at bigint; with `keep: last` the input's columns.
  StateShape State() const {
    std::vector<Field> value = {
        {"start", TypeId::kBigint}, {"last", TypeId::kBigint}, {"touched_at", TypeId::kBigint}};
    std::map<int, ColumnPtr> open;
    if (keeps_rows()) {
      open = OpenColumns(value.size(), static_cast<size_t>(input->size()));
      value.insert(value.end(), input->fields().begin(), input->fields().end());
    }
    StateShape shape = MakeState("seen", by.schema, std::move(value), std::move(open));
    shape.IdentifyByKeyAnd(1);  // start
    return shape;
  }
};

std::vector<DataType> TypesOf(const Schema& schema) {
  std::vector<DataType> types;
  for (const Field& field : schema.fields()) types.push_back(field.type);
  return types;
}

class Dedupe final : public Operator {
 public:
  explicit Dedupe(std::shared_ptr<const Parts> parts)
      : parts_(std::move(parts)), seen_(parts_->by.types(), parts_->within), rows_(TypesOf(*parts_->input)) {
    if (parts_->ttl > 0) expiry_.emplace(parts_->ttl);
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    for (const ExpressionPtr& key : parts_->by.expressions) by_.emplace_back(key, context.env);
    context.Keep(&seen_state_);
    context.Keep(&time_state_);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    if (parts_->time == Time::kProcessing) Advance(context_->ProcessingTime() - 1);
    std::vector<RowFailure> failures;
    std::vector<ColumnPtr> keys;
    for (Evaluator& key : by_) {
      std::vector<RowFailure> failed;
      keys.push_back(key.Evaluate(batch->columns(), batch->rows(), &failed));
      MergeFailures(std::move(failed), &failures);
    }
    ReadTimes(*batch, &failures);
    const Selection rows = InTime(batch, failures, out);
    seen_.Hash(keys, batch->rows(), &hashes_);
    seen_.FindOrOpen(keys, hashes_, rows, times_, &intervals_, &fresh_);
    if (expiry_) TouchKeys(*batch, rows);
    if (expiry_ || parts_->keeps_rows()) seen_.changes().Mark(intervals_);
    parts_->keeps_rows() ? KeepLast(*batch, rows, out) : KeepFirst(batch, rows, out);
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    SR_RETURN_IF_ERROR(CheckSize());
    return Drain(out);
  }

  Result<Outcome> Continue(Output& out) override { return Drain(out); }

  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    event_time_ = std::max(event_time_, time);
    if (parts_->by_event_time()) Advance(time);
    if (expiry_ && parts_->input->event_time >= 0) Expire(event_time_);
    return Drain(out);
  }

  // A row that waits for its interval to close must not be late behind this node.
  Timestamp OutputWatermark(Timestamp input) const override {
    if (!parts_->keeps_rows() || !parts_->by_event_time()) return input;
    const Timestamp start = seen_.FirstStart();
    return start == kMaxTimestamp ? input : std::min(input, start - 1);
  }

  Result<Outcome> OnEndOfStream(bool complete, Output& out) override {
    if (complete) {
      time_ = kMaxTimestamp;
      if (parts_->keeps_rows() && parts_->within == 0) at_end_ = seen_.Live();
    }
    return Drain(out);
  }

  Timestamp NextTimer() const override {
    if (expiry_ && parts_->input->event_time < 0) return expiry_->Next();
    if (parts_->time != Time::kProcessing || seen_.FirstStart() == kMaxTimestamp) return kMaxTimestamp;
    return seen_.FirstStart() + parts_->within;
  }
  Result<Outcome> OnTimer(Timestamp now, Output& out) override {
    if (parts_->time == Time::kProcessing) Advance(now - 1);
    if (expiry_ && parts_->input->event_time < 0) Expire(now);
    return Drain(out);
  }

 private:
  // --- rows in

  void ReadTimes(const Batch& batch, std::vector<RowFailure>* failures) {
    if (!parts_->by_event_time()) {
      times_.assign(static_cast<size_t>(batch.rows()), parts_->within > 0 ? time_ + 1 : 0);
      return;
    }
    const int column = parts_->input->event_time;
    std::vector<RowFailure> timeless;
    ReadRowTimes(*batch.column(column), parts_->input->event_time_bias(), &times_, &timeless);
    MergeFailures(std::move(timeless), failures);
  }

  Selection InTime(const BatchPtr& batch, const std::vector<RowFailure>& failures, Output& out) {
    if (!parts_->by_event_time()) return RowsWithout(batch->rows(), failures);
    return streamrun::InTime(batch, failures, times_, time_, time_, parts_->late, out, kDedupeLatePort);
  }

  void KeepFirst(const BatchPtr& batch, const Selection& rows, Output& out) {
    Selection first, again;
    for (size_t i = 0; i < rows.size(); ++i) (fresh_[i] ? first : again).push_back(rows[i]);
    out.Count(Fate::kDuplicate, static_cast<int64_t>(again.size()));
    if (!first.empty()) out.Emit(Output::kOk, Take(batch, first));
    if (!again.empty()) out.Emit(kDuplicatesPort, Take(batch, again));
  }

  // Of two rows of an interval the one that loses leaves by `duplicates`, and one of them is counted so.
  void KeepLast(const Batch& batch, const Selection& rows, Output& out) {
    rows_.Put(batch.columns(), rows, &stored_);
    kept_.Resize(seen_.slots());
    last_.Resize(seen_.slots());
    std::vector<uint32_t> lost;
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint32_t interval = intervals_[i];
      const Timestamp time = times_[rows[i]];
      if (!fresh_[i] && time < last_[interval]) {
        lost.push_back(stored_[i]);
        continue;
      }
      if (!fresh_[i]) lost.push_back(kept_[interval]);
      kept_[interval] = stored_[i];
      last_[interval] = time;
    }
    const auto duplicates = static_cast<int64_t>(lost.size());
    out.Count(Fate::kDuplicate, duplicates);
    out.Count(Fate::kAbsorbed, static_cast<int64_t>(rows.size()) - duplicates);
    if (!lost.empty()) out.Emit(kDuplicatesPort, Given(parts_->input, lost));
  }

  BatchPtr Given(const SchemaPtr& schema, const std::vector<uint32_t>& rows) {
    std::vector<ColumnPtr> columns = rows_.Gather(rows, 0, static_cast<size_t>(schema->size()));
    for (const uint32_t row : rows) rows_.Free(row);
    return std::make_shared<const Batch>(schema, static_cast<int64_t>(rows.size()), std::move(columns));
  }

  // --- time

  void Advance(Timestamp time) {
    time_ = std::max(time_, time);
    if (parts_->keeps_rows()) return;  // Drain closes them
    closed_.clear();
    seen_.Close(time_, std::numeric_limits<size_t>::max(), &closed_);
  }

  // The intervals in intervals_ got these rows.
  void TouchKeys(const Batch& batch, const Selection& rows) {
    const int column = parts_->input->event_time;
    if (column < 0) return expiry_->Touch(intervals_, context_->ProcessingTime());
    for (size_t i = 0; i < intervals_.size(); ++i) {
      expiry_->Touch(intervals_[i], TouchTime(*batch.column(column), rows[i], event_time_));
    }
  }
  void Expire(Timestamp now) {
    if (now == kMinTimestamp) return;
    const std::vector<uint32_t> expired = expiry_->Take(now);
    seen_.changes().Mark(expiry_->TakeDated());
    seen_.Forget(expired);
  }

  Status CheckSize() const {
    const size_t bytes = StateBytes();
    if (parts_->max_state == 0 || bytes <= static_cast<size_t>(parts_->max_state)) return Status::Ok();
    return Status::ResourceExhausted("its state has grown to " + std::to_string(bytes) +
                                     " bytes, above the max_state of " + std::to_string(parts_->max_state) +
                                     "; raise max_state, or give it a shorter 'within' or a 'ttl'");
  }
  size_t StateBytes() const {
    return seen_.MemoryBytes() + rows_.MemoryBytes() + kept_.MemoryBytes() + last_.MemoryBytes() +
           (expiry_ ? expiry_->MemoryBytes() : 0);
  }

  // The rows of closed intervals, by their start.
  Result<Outcome> Drain(Output& out) {
    if (!parts_->keeps_rows()) return Outcome::kNeedInput;
    std::vector<uint32_t> rows;
    closed_.clear();
    seen_.Close(time_, kBatchRows, &closed_);
    if (closed_.empty()) {
      for (; closed_.size() < kBatchRows && !at_end_.empty(); at_end_.pop_back()) {
        closed_.push_back(at_end_.back());
      }
      seen_.Forget(closed_);
    }
    for (const uint32_t interval : closed_) rows.push_back(kept_[interval]);
    if (rows.empty()) return Outcome::kNeedInput;
    out.Emit(Output::kOk, Given(parts_->output, rows));
    return Outcome::kHaveMore;
  }

  // --- checkpoints

  Status SaveChangedSeen(const TakeRows& removed, const TakeRows& rows) const {
    SR_RETURN_IF_ERROR(SaveRemoved(seen_.changes(), parts_->State(), removed));
    return SaveSeen(seen_.Changed(), rows);
  }

  Status SaveSeen(const std::vector<uint32_t>& some, const TakeRows& take) const {
    return InPieces(some, kBatchRows, [&](const std::vector<uint32_t>& intervals) {
      std::vector<ColumnPtr> columns = seen_.Keys(intervals);
      std::vector<int64_t> starts, lasts, touched;
      std::vector<uint32_t> rows;
      for (const uint32_t interval : intervals) {
        starts.push_back(seen_.start(interval));
        lasts.push_back(parts_->keeps_rows() ? last_[interval] : 0);
        touched.push_back(expiry_ ? expiry_->touched_at(interval) : kMinTimestamp);
        if (parts_->keeps_rows()) rows.push_back(kept_[interval]);
      }
      for (const auto* values : {&starts, &lasts, &touched}) columns.push_back(BigintColumn(*values));
      if (parts_->keeps_rows()) {
        for (ColumnPtr& column : rows_.GatherAll(rows, 0, static_cast<size_t>(parts_->input->size()))) {
          columns.push_back(std::move(column));
        }
      }
      return take(std::make_shared<const Batch>(parts_->State().Row(), static_cast<int64_t>(intervals.size()),
                                                std::move(columns)));
    });
  }

  Status LoadSeen(const BatchPtr& saved) {
    const auto& all = saved->columns();
    const auto by = static_cast<std::ptrdiff_t>(parts_->by.expressions.size());
    const std::vector<ColumnPtr> keys(all.begin(), all.begin() + by);
    const Selection rows = RowsWithout(saved->rows(), {});
    const auto* starts = all[static_cast<size_t>(by)]->values<int64_t>();
    const auto* lasts = all[static_cast<size_t>(by) + 1]->values<int64_t>();
    const auto* touched = all[static_cast<size_t>(by) + 2]->values<int64_t>();
    times_.assign(starts, starts + saved->rows());
    seen_.Hash(keys, saved->rows(), &hashes_);
    seen_.FindOrOpen(keys, hashes_, rows, times_, &intervals_, &fresh_);
    for (size_t i = 0; expiry_ && i < rows.size(); ++i) expiry_->Restore(intervals_[i], touched[i]);
    if (!parts_->keeps_rows()) return Status::Ok();
    rows_.Put({all.begin() + by + 3, all.end()}, rows, &stored_);
    kept_.Resize(seen_.slots());
    last_.Resize(seen_.slots());
    for (size_t i = 0; i < rows.size(); ++i) {
      kept_[intervals_[i]] = stored_[i];
      last_[intervals_[i]] = lasts[i];
    }
    return Status::Ok();
  }

  std::shared_ptr<const Parts> parts_;
  OperatorContext* context_ = nullptr;
  std::vector<Evaluator> by_;
  SeenIntervals seen_;
  std::optional<GroupExpiry> expiry_;
  // With `keep: last`, by interval: its row and that row's time.
  RowStore rows_;
  SlotArray<uint32_t> kept_;
  SlotArray<Timestamp> last_;
  std::vector<uint32_t> at_end_;
  Timestamp time_ = kMinTimestamp;        // closes intervals
  Timestamp event_time_ = kMinTimestamp;  // the watermark
  // Scratch of the batch under way.
  std::vector<int64_t> times_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> intervals_;
  std::vector<uint32_t> closed_;
  std::vector<bool> fresh_;
  std::vector<uint32_t> stored_;

  KeptState seen_state_{
      "seen",
      {[this](const TakeRows& take) { return SaveSeen(seen_.Live(), take); },
       [this](const BatchPtr& rows) { return LoadSeen(rows); }, [this] { return seen_.size(); },
       [this] { return StateBytes(); }, [this](int64_t most) { seen_.changes().Track(most); },
       [this] { return seen_.changes().count(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return SaveChangedSeen(removed, rows); }}};
  KeptTime time_state_{&time_, &event_time_};
};

class BoundDedupe final : public BoundOperator {
 public:
  explicit BoundDedupe(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed = wanted[0];
    for (size_t port = 1; port < wanted.size(); ++port) {
      for (size_t c = 0; c < needed.size(); ++c) needed[c] = needed[c] || wanted[port][c];
    }
    for (const ExpressionPtr& key : parts_->by.expressions) {
      for (const int column : key->columns()) needed[static_cast<size_t>(column)] = true;
    }
    if (parts_->by_event_time() || (parts_->ttl > 0 && parts_->input->event_time >= 0)) {
      needed[static_cast<size_t>(parts_->input->event_time)] = true;
    }
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Dedupe>(parts_); }

 private:
  std::shared_ptr<const Parts> parts_;
};

bool Check(const Config& config, const Schema& input, BindContext& context) {
  const auto error = [&](const char* field, std::string code, std::string message, std::string suggestion) {
    const ConfigValue& where = context.config()[field];
    context.diagnostics().ErrorAt(where.present() ? where : context.config(), std::move(code),
                                  std::move(message), std::move(suggestion));
    return false;
  };
  if (config.within > 0 && config.time == Time::kEvent && input.event_time < 0) {
    return error("within", "plan.no_event_time", "'within' goes by event time, but the input has none",
                 "give the source event_time: {column: ...}, or write time: processing");
  }
  if (config.within == 0 && config.time == Time::kProcessing) {
    return error("time", "dedupe.no_interval", "without 'within' a key is seen for ever, by whatever time",
                 "add within: 10m, or leave 'time' out");
  }
  if (config.within > 0 && config.ttl > 0) {
    return error("ttl", "dedupe.ttl", "with 'within' keys are forgotten when their interval is over",
                 "leave 'ttl' out");
  }
  if (config.keep == Keep::kLast && config.within == 0 && !(context.bounded && config.ttl == 0)) {
    return error("keep", "dedupe.never_closes",
                 "the last row of a key is known when its interval is over, and without 'within' it never is",
                 "add within: 10m, or keep: first");
  }
  return true;
}

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  auto parts = std::make_shared<Parts>();
  const SchemaPtr& input = context.inputs[0];
  const Scope scope(input);
  const bool keys = ReadKeys(config.by, "by", scope, context, &parts->by);
  if (!Check(config, *input, context) || !CheckStateLimit(config, context) || !keys) return nullptr;
  parts->input = input;
  parts->within = config.within;
  parts->time = config.time;
  parts->keep = config.keep;
  parts->ttl = config.ttl;
  parts->max_state = config.fails_above();
  Schema output = *input;
  // Rows that waited for anything but the watermark are behind it.
  if (parts->keeps_rows() && !parts->by_event_time()) output.event_time = -1;
  parts->output = std::make_shared<const Schema>(std::move(output));
  if (parts->by_event_time()) parts->late = LateSchema(*input);

  auto bound = std::make_shared<BoundDedupe>(parts);
  bound->ports = {{"ok", PortRole::kData, "One row of each key and interval."},
                  {"duplicates", PortRole::kSide, "The other rows."}};
  bound->outputs = {parts->output, input};
  if (parts->late) {
    bound->ports.push_back({"late", PortRole::kError, "Rows that came behind the watermark."});
    bound->outputs.push_back(parts->late);
  }
  bound->exchanges = {
      {parts->by.empty() ? Exchange::Kind::kSingle : Exchange::Kind::kHash, parts->by.expressions}};
  bound->states = {parts->State(), TimeState()};
  bound->facts = {KeysFact("by", parts->by.expressions),
                  {"within", PrintDuration(parts->within)},
                  {"time", parts->time == Time::kEvent ? TimeFact(*input).value : "processing time"},
                  {"keep", parts->keeps_rows() ? "last" : "first"}};
  bound->can_fail = parts->by.can_fail() || parts->by_event_time();
  bound->spill_above = config.spills_above();
  bound->preserves_order = parts->keep == Keep::kFirst;
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Raw("by", &Config::by, "Columns (or expressions): rows that are equal in all of them are duplicates.")
      .Required();
  spec.DurationField(
          "within", &Config::within,
          "Only rows less than this before or after the first one of their key are its duplicates. "
          "0: for ever.")
      .AtLeast(0);
  spec.OneOf("time", &Config::time, {{"event", Time::kEvent}, {"processing", Time::kProcessing}},
             "Whether `within` goes by event time, or by the clock at which rows come.");
  spec.OneOf("keep", &Config::keep, {{"first", Keep::kFirst}, {"last", Keep::kLast}},
             "first: the row that comes first goes on at once. last: the row with the latest event time (of "
             "equal ones the one that came last) goes on when the interval is over.");
  spec.DurationField("ttl", &Config::ttl,
                     "Without `within`: keys of which no row came for this long are forgotten, by event time "
                     "where the input has it; 0: never.")
      .AtLeast(0);
  AddStateLimit(spec);

  OperatorDefinition d;
  d.name = "dedupe";
  d.summary = "Of the rows with the same key, passes the first or the last.";
  d.description =
      "The first row of a key opens an interval at its time; rows of the key less than `within` before or "
      "after it are duplicates, and leave by `duplicates`. The next row beyond opens a new interval. Null "
      "keys "
      "are equal to each other.\n\n"
      "An interval is over, and forgotten, when the watermark (or the clock) has passed `within` after its "
      "start. A row behind the watermark leaves by `late`: what it might be a duplicate of may be forgotten.";
  d.guarantee =
      "`keep: first` keeps order. No two rows of a key less than `within` apart from the first pass.";
  d.ports = {{"duplicates", PortRole::kSide, "The other rows of a key."},
             {"late", PortRole::kError, "Rows that came behind the watermark, with `late_by`."}};
  d.example = R"(pipeline: one-bid-a-minute
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint, date_time: timestamp}
    event_time: {column: date_time, out_of_order: 2s}
operators:
  once:
    operator: dedupe
    input: bids
    on_error: dead_letter
    by: [auction, bidder]
    within: 1m
sinks:
  out: {connector: stdout, input: once, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(dedupe, Define());

}  // namespace
}  // namespace streamrun
