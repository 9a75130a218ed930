// sessionize: which session each row belongs to, and its place in it.
#include <algorithm>

#include "core/component/key_list.h"
#include "core/component/registry.h"
#include "core/component/state_facts.h"
#include "core/component/state_limit.h"
#include "core/data/column_builder.h"
#include "core/data/row_hash.h"
#include "core/data/slot_array.h"
#include "core/window/aggregation_state.h"
#include "core/window/row_times.h"
#include "core/window/sequence.h"

namespace streamrun {
namespace {

struct Config : StateLimit {
  ConfigValue by;
  Duration gap = 0;
};

// Columns behind the input's.
enum Added : size_t { kId, kStart, kPosition, kSince, kAddedColumns };

// An id that does not depend on the run: a UUID of version 8 (RFC 9562, section 5.8) from the session's start
// and the hash of its key. Ids are ordered by the start: 60 bits of microseconds, then 62 bits of hash.
Uuid SessionId(uint64_t key_hash, Timestamp start) {
  const uint64_t time = (static_cast<uint64_t>(start) + (uint64_t{1} << 59)) & ((uint64_t{1} << 60) - 1);
  const uint64_t high = (time >> 12) << 16 | uint64_t{8} << 12 | (time & 0xfff);
  const uint64_t low = uint64_t{2} << 62 | key_hash >> 2;
  Uuid id;
  for (int i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
    id.bytes[8 + i] = static_cast<uint8_t>(low >> (56 - 8 * i));
  }
  return id;
}

SequenceValues Values() { return {{{"start", TypeId::kBigint}, {"rows", TypeId::kBigint}}}; }

class Sessionize final : public Sequence {
 public:
  explicit Sessionize(std::shared_ptr<const SequencePlan> plan) : Sequence(*plan, Values()), plan_(plan) {}

 private:
  void Prepare(OperatorContext&) override {}
  void Grow(uint32_t keys) override {
    if (keys <= starts_.size()) return;
    starts_.Resize(keys);
    rows_.Resize(keys);
  }

  void Follow(const Ordered& rows, Output& out) override {
    ids_.clear();
    BufferBuilder ids, starts, positions;
    ColumnBuilder since{DataType(TypeId::kInterval)};
    for (size_t i = 0; i < rows.slots.size(); ++i) {
      const uint32_t key = rows.slots[i];
      const bool begins = rows.before[i] == kMinTimestamp;
      if (begins) {
        starts_[key] = rows.times[i] - plan_->time_bias();
        rows_[key] = 0;
        since.AppendNull();
      } else {
        since.Append(Interval{0, 0, rows.times[i] - rows.before[i]});
      }
      ids_.push_back(starts_[key]);
      starts.Push(starts_[key]);
      positions.Push(++rows_[key]);
    }
    HashRows(rows.keys, rows.batch->rows(), &hashes_);
    for (size_t i = 0; i < ids_.size(); ++i) ids.Push(SessionId(hashes_[i], ids_[i]));
    const int64_t count = rows.batch->rows();
    std::vector<ColumnPtr> columns = rows.batch->columns();
    const auto add = [&](Added which, BufferBuilder& values) {
      const DataType& type = plan_->output->field(plan_->input->size() + static_cast<int>(which)).type;
      columns.push_back(std::make_shared<const Column>(type, count, 0, nullptr, values.Finish()));
    };
    add(kId, ids);
    add(kStart, starts);
    add(kPosition, positions);
    columns.push_back(since.Finish());
    out.Emit(Output::kOk,
             std::make_shared<const Batch>(plan_->output, count, std::move(columns), rows.batch->origin()));
  }

  void Finish(uint32_t) override {}
  bool EmitFinished(Output&) override { return false; }

  std::vector<ColumnPtr> SaveValues(const std::vector<uint32_t>& keys) const override {
    std::vector<int64_t> starts, rows;
    for (const uint32_t key : keys) {
      starts.push_back(starts_[key]);
      rows.push_back(rows_[key]);
    }
    return {BigintColumn(starts), BigintColumn(rows)};
  }
  void LoadValues(const std::vector<uint32_t>& keys, const std::vector<ColumnPtr>& values) override {
    for (size_t i = 0; i < keys.size(); ++i) {
      starts_[keys[i]] = values[0]->values<int64_t>()[i];
      rows_[keys[i]] = values[1]->values<int64_t>()[i];
    }
  }
  size_t ValueBytes() const override { return starts_.MemoryBytes() + rows_.MemoryBytes(); }

  std::shared_ptr<const SequencePlan> plan_;
  // By key: its session.
  SlotArray<Timestamp> starts_;
  SlotArray<int64_t> rows_;
  std::vector<Timestamp> ids_;
  std::vector<uint64_t> hashes_;
};

class BoundSessionize final : public BoundOperator {
 public:
  explicit BoundSessionize(std::shared_ptr<const SequencePlan> plan) : plan_(std::move(plan)) {}

  std::vector<bool> NeededColumns(int, const std::vector<std::vector<bool>>& wanted) const override {
    std::vector<bool> needed(static_cast<size_t>(plan_->input->size()), false);
    for (size_t c = 0; c < needed.size(); ++c)
      needed[c] = wanted[0][c] || (wanted.size() > 1 && wanted[1][c]);
    for (const ExpressionPtr& key : plan_->by) {
      for (const int column : key->columns()) needed[static_cast<size_t>(column)] = true;
    }
    needed[static_cast<size_t>(plan_->input->event_time)] = true;
    return needed;
  }
  std::unique_ptr<Operator> Create() const override { return std::make_unique<Sessionize>(plan_); }

 private:
  std::shared_ptr<const SequencePlan> plan_;
};

bool CheckInput(const Schema& input, BindContext& context) {
  if (input.event_time < 0) {
    context.diagnostics().ErrorAt(context.config()["gap"], "plan.no_event_time",
                                  "sessions go by event time, but the input has none",
                                  "give the source event_time: {column: ...}");
    return false;
  }
  for (const char* name : {"session_id", "session_start", "position", "since_previous"}) {
    if (input.Find(name) == -1) continue;
    context.diagnostics().ErrorAt(context.config(), "sessionize.duplicate_column",
                                  "the input has a column '" + std::string(name) + "' already",
                                  "rename it in a map before");
    return false;
  }
  return true;
}

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  auto plan = std::make_shared<SequencePlan>();
  const SchemaPtr& input = context.inputs[0];
  KeyList by;
  const bool keys = ReadKeys(config.by, "by", Scope(input), context, &by);
  if (!CheckInput(*input, context) || !CheckStateLimit(config, context) || !keys) return nullptr;
  plan->input = input;
  plan->by = by.expressions;
  plan->by_schema = by.schema;
  plan->silence = config.gap;
  plan->max_state = config.fails_above();
  plan->late = LateSchema(*input);
  std::vector<Field> fields = input->fields();
  fields.push_back({"session_id", TypeId::kUuid});
  fields.push_back({"session_start", input->field(input->event_time).type});
  fields.push_back({"position", TypeId::kBigint});
  fields.push_back({"since_previous", TypeId::kInterval});
  Schema output(std::move(fields));
  output.event_time = input->event_time;
  output.window_start = input->window_start;
  output.window_end = input->window_end;
  plan->output = std::make_shared<const Schema>(std::move(output));

  auto bound = std::make_shared<BoundSessionize>(plan);
  bound->ports = {{"ok", PortRole::kData, "Rows with their session, in order of event time."},
                  {"late", PortRole::kError, "Rows that came behind the watermark."}};
  bound->outputs = {plan->output, plan->late};
  bound->exchanges = {{plan->by.empty() ? Exchange::Kind::kSingle : Exchange::Kind::kHash, plan->by}};
  bound->states = {WaitingState(*plan), SequenceState(*plan, Values()), TimeState()};
  bound->facts = {KeysFact("by", plan->by), TimeFact(*input), {"gap", PrintDuration(plan->silence)}};
  bound->can_fail = true;
  bound->spill_above = config.spills_above();
  bound->preserves_order = false;
  return bound;
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  spec.Raw("by", &Config::by, "Columns (or expressions): each combination of values has its own sessions.")
      .Required();
  spec.DurationField("gap", &Config::gap, "A row this long after the one before it starts a new session.")
      .Required()
      .AtLeast(1);
  AddStateLimit(spec);

  OperatorDefinition d;
  d.name = "sessionize";
  d.summary = "Tells of every row which session it belongs to, and its place in it.";
  d.description =
      "Adds `session_id` (a uuid made from the key and the start: the same in every run), `session_start`, "
      "`position` (1, 2, 3, ... within the session) and `since_previous` (null for the first row). For one "
      "row "
      "a session use `aggregate` with `window: {session: ...}`.\n\n"
      "Rows wait until the watermark passes them and leave in the order of their event time; rows of one "
      "time "
      "keep the order in which they came. A row that comes behind the watermark leaves by `late`. What is "
      "known of a key is forgotten when the watermark is `gap` behind its last row.";
  d.guarantee = "Rows leave in order of event time. Ids do not depend on the run nor on the parallelism.";
  d.ports = {{"late", PortRole::kError, "Rows that came behind the watermark, with `late_by`."}};
  d.example = R"(pipeline: bidding-sessions
sources:
  bids:
    connector: file
    on_error: dead_letter
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint, date_time: timestamp}
    event_time: {column: date_time, out_of_order: 2s}
operators:
  sessions:
    operator: sessionize
    input: bids
    on_error: dead_letter
    by: [bidder]
    gap: 30s
sinks:
  out: {connector: stdout, input: sessions, format: json}
)";
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(sessionize, Define());

}  // namespace
}  // namespace streamrun
