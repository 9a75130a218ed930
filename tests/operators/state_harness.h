// Cuts the life of an operator in two: what it kept is saved, goes through the serialiser of checkpoints, and
// is loaded into new instances, as the host does it after a crash or with another parallelism.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>

#include "core/data/arrow_ipc.h"
#include "core/data/row_hash.h"
#include "core/data/selection.h"
#include "operator_fixture.h"
#include "runner/config/source_text.h"
#include "runner/config/yaml_reader.h"
#include "runner/exec/table_chain.h"
#include "runner/exec/table_saver.h"

namespace streamrun::testing {

/// An operator out of text, without a pipeline: `config` is YAML as under a node's name.
struct OperatorText {
  std::string name;
  std::string config;
  std::string input = "k text, v bigint, d double precision, at timestamp";
  std::string event_time = "at";  // column, empty: none
  bool changes = false;           // the input is a stream of changes
  bool bounded = false;

  SchemaPtr schema() const {
    const std::shared_ptr<Schema> schema = SchemaOf(input);
    if (!event_time.empty()) schema->event_time = schema->Find(event_time);
    schema->window_start = schema->Find("window_start");
    schema->window_end = schema->Find("window_end");
    schema->changes = changes;
    return schema;
  }

  std::shared_ptr<const BoundOperator> Bind() const {
    Diagnostics diagnostics;
    const std::string text = "operator: " + name + "\n" + config;
    const std::optional<ConfigValue> value = ReadYaml(SourceText("test.yaml", text), diagnostics);
    std::shared_ptr<const BoundOperator> bound;
    if (value) {
      FakeBindContext context(name, *value, diagnostics, nullptr);
      context.inputs = {schema()};
      context.input_names = {"in"};
      context.bounded = bounded;
      bound = Registry::Global().FindOperator(name)->bind(context);
    }
    for (const Finding& finding : diagnostics.findings()) {
      if (!bound) MESSAGE("" << finding.code << ": " << finding.message);
    }
    REQUIRE(bound != nullptr);
    return bound;
  }
};

/// What happens to an operator.
struct StateEvent {
  enum class Kind : uint8_t { kRows, kWatermark, kClock, kEnd };
  Kind kind = Kind::kRows;
  TextRows rows;
  Timestamp time = 0;  // the watermark, or the clock from now on

  static StateEvent Rows(TextRows rows) { return {Kind::kRows, std::move(rows), 0}; }
  static StateEvent Watermark(Timestamp time) { return {Kind::kWatermark, {}, time}; }
  static StateEvent Clock(Timestamp time) { return {Kind::kClock, {}, time}; }
  static StateEvent End() { return {Kind::kEnd, {}, 0}; }
};
using StateScript = std::vector<StateEvent>;

/// What one event led to.
struct Observed {
  std::vector<std::string> lines;  // rows by port, failures, fates
  Timestamp watermark = kMinTimestamp;
  Timestamp timer = kMaxTimestamp;

  Observed Sorted() const {
    Observed sorted = *this;
    std::sort(sorted.lines.begin(), sorted.lines.end());
    return sorted;
  }
  std::string ToString() const {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text + "watermark " + std::to_string(watermark) + ", timer " + std::to_string(timer) + "\n";
  }
  friend bool operator==(const Observed&, const Observed&) = default;
};

/// Batches by name of the state.
using SavedState = std::map<std::string, std::vector<BatchPtr>>;

/// Through the bytes of a checkpoint.
inline BatchPtr ThroughBytes(const BatchPtr& batch) {
  IpcLayout layout{batch->schema(), {}, false, false};
  for (int c = 0; c < batch->schema()->size(); ++c) layout.live.push_back(c);
  const Result<IpcLayout> read = DecodeIpcSchema(EncodeIpcSchema(layout));
  REQUIRE_MESSAGE(read.ok(), read.status().message());
  const Result<BatchPtr> decoded = DecodeIpcBatch(EncodeIpcBatch(*batch, layout), *read);
  REQUIRE_MESSAGE(decoded.ok(), decoded.status().message());
  CHECK((*decoded)->schema()->fields() == batch->schema()->fields());
  return *decoded;
}

/// What of an operator runs: all of it, or the part before or behind the exchange.
enum class OperatorPart : uint8_t { kWhole, kCombiner, kMerger };

/// One running instance.
class StateInstance final : Output, OperatorContext {
 public:
  explicit StateInstance(std::shared_ptr<const BoundOperator> bound, OperatorPart part = OperatorPart::kWhole,
                         std::string scratch = "", const std::vector<std::vector<bool>>* read = nullptr)
      : bound_(std::move(bound)), part_(part) {
    env = Env::Default();
    wanted = read;
    scratch_directory = std::move(scratch);
    op_ = part == OperatorPart::kWhole      ? bound_->Create()
          : part == OperatorPart::kCombiner ? bound_->CreateCombiner()
                                            : bound_->CreateMerger();
    const Status opened = op_->Open(*this);
    REQUIRE_MESSAGE(opened.ok(), opened.message());
  }

  /// The host tells the instance nothing of what was before; `clock` and `watermark` are what the host knows.
  void Restore(const SavedState& saved, Timestamp clock, Timestamp watermark, bool row_by_row) {
    now_ = clock;
    watermark_ = watermark;
    std::vector<StateTable*> tables = tables_;
    if (row_by_row) std::reverse(tables.begin(), tables.end());
    for (StateTable* table : tables) {
      const auto found = saved.find(table->name());
      if (found == saved.end()) continue;
      for (const BatchPtr& rows : found->second) Load(*table, rows, row_by_row);
    }
  }

  Observed Apply(const StateEvent& event, const BatchPtr& batch) {
    seen_ = {};
    given_.clear();
    switch (event.kind) {
      case StateEvent::Kind::kRows:
        if (batch->rows() > 0) Finish(op_->Process(0, batch, *this));
        break;
      case StateEvent::Kind::kWatermark:
        watermark_ = event.time;
        Finish(op_->OnWatermark(event.time, *this));
        break;
      case StateEvent::Kind::kClock:
        now_ = event.time;
        break;
      case StateEvent::Kind::kEnd:
        Finish(op_->OnEndOfStream(true, *this));
        ended_ = true;
    }
    for (int i = 0; !ended_ && op_->NextTimer() <= now_; ++i) {
      REQUIRE_MESSAGE(i < 10'000, "a timer that is always due");
      Finish(op_->OnTimer(now_, *this));
    }
    return Take();
  }

  /// What a barrier makes it give.
  Observed Barrier() {
    seen_ = {};
    given_.clear();
    Finish(op_->OnBarrier(*this));
    return Take();
  }

  /// Saves every table and holds its rows to the declaration.
  SavedState Save() const {
    SavedState saved;
    for (const StateTable* table : tables_) {
      const StateDeclaration& declared = Declared(table->name());
      std::vector<Field> fields = declared.key->fields();
      fields.insert(fields.end(), declared.value->fields().begin(), declared.value->fields().end());
      std::vector<BatchPtr>& batches = saved[table->name()];
      const Status status = table->Save([&](const BatchPtr& rows) {
        REQUIRE(rows->rows() > 0);
        CHECK(rows->schema()->fields() == fields);
        for (int c = 0; c < rows->schema()->size(); ++c) {
          REQUIRE_MESSAGE(!rows->pruned(c), "a state without column " << rows->schema()->field(c).name);
          CHECK(rows->column(c)->type() == rows->schema()->field(c).type);
          CHECK(rows->column(c)->length() == rows->rows());
        }
        batches.push_back(ThroughBytes(rows));
        return Status::Ok();
      });
      REQUIRE_MESSAGE(status.ok(), status.message());
    }
    return saved;
  }

  /// Saves what changed since it was called before, and gives what all that was saved so comes to.
  SavedState SaveChanges() {
    ++epoch_;
    SavedState saved;
    for (StateTable* table : tables_) {
      auto& [saver, chain] = changes_.try_emplace(table->name()).first->second;
      if (!saver) saver.emplace(table, Declared(table->name()), true, ChangesPolicy{true, 0, 1e9, 0});
      Result<TableSnapshot> snapshot = saver->Save(epoch_);
      REQUIRE_MESSAGE(snapshot.ok(), snapshot.status().message());
      const bool tells = table->tracks_changes() && !Declared(table->name()).identity.empty();
      CHECK(snapshot->whole == (epoch_ == 1 || !tells));
      if (!snapshot->whole) told_[table->name()].Add(*snapshot);
      chain.Add(std::move(*snapshot));
      std::vector<BatchPtr>& batches = saved[table->name()];
      const Status status = ReadTableChain(chain, [&](const TableSnapshot&, const BatchPtr& rows) {
        batches.push_back(ThroughBytes(rows));
        return Status::Ok();
      });
      REQUIRE_MESSAGE(status.ok(), status.message());
    }
    return saved;
  }

  /// What SaveChanges stored as changes, by table.
  struct Told {
    int64_t changed = 0;
    int64_t removed = 0;
    void Add(const TableSnapshot& snapshot) {
      for (const BatchPtr& rows : snapshot.rows) changed += rows->rows();
      for (const BatchPtr& rows : snapshot.removed) removed += rows->rows();
    }
  };
  const std::map<std::string, Told>& told() const { return told_; }

  std::vector<std::string> TableNames() const {
    std::vector<std::string> names;
    for (const StateTable* table : tables_) names.push_back(table->name());
    return names;
  }
  int64_t keys() const {
    int64_t keys = 0;
    for (const StateTable* table : tables_) keys += table->keys();
    return keys;
  }
  /// Batches of the last Apply or Barrier on port 0.
  const std::vector<BatchPtr>& given() const { return given_; }

 private:
  static void Load(StateTable& table, const BatchPtr& rows, bool row_by_row) {
    const int64_t step = row_by_row ? 1 : rows->rows();
    for (int64_t begin = 0; begin < rows->rows(); begin += step) {
      const Status loaded = table.Load(Slice(rows, begin, begin + step));
      REQUIRE_MESSAGE(loaded.ok(), loaded.message());
    }
  }

  const StateDeclaration& Declared(const std::string& name) const {
    for (const StateDeclaration& declared : bound_->states) {
      if (declared.name == name) return declared;
    }
    FAIL("state '" << name << "' is not declared");
    return bound_->states.front();
  }

  void Finish(Result<Outcome> outcome) {
    while (true) {
      REQUIRE_MESSAGE(outcome.ok(), outcome.status().message());
      in_call_.clear();
      if (*outcome != Outcome::kHaveMore) return;
      outcome = op_->Continue(*this);
    }
  }

  Observed Take() {
    for (const auto& [fate, rows] : fates_) {
      if (rows != 0)
        seen_.lines.push_back("fate " + std::to_string(static_cast<int>(fate)) + ": " + std::to_string(rows));
    }
    fates_.clear();
    if (watermark_ != kMinTimestamp) seen_.watermark = op_->OutputWatermark(watermark_);
    if (!ended_) seen_.timer = op_->NextTimer();
    return std::move(seen_);
  }

  // What nobody reads may be pruned or not.
  BatchPtr Wanted(int port, const BatchPtr& batch) const {
    return OperatorRun::Prune(batch, (*wanted)[static_cast<size_t>(port)]);
  }
  static std::string OriginOf(const Batch& batch, int64_t row) {
    if (!batch.origin()) return "";
    return " from " + *batch.origin().split + ":" +
           std::to_string(batch.origin().offsets->as<int64_t>()[row]);
  }

  void Emit(int port, BatchPtr batch) override {
    if (batch == nullptr || batch->rows() == 0) return;
    CHECK_MESSAGE(in_call_[port]++ == 0, "two batches on one port in one call");
    if (part_ != OperatorPart::kCombiner || port != kOk) {
      CHECK(*batch->schema() == *bound_->outputs[static_cast<size_t>(port)]);
      const std::string name = bound_->ports[static_cast<size_t>(port)].name + ": ";
      const std::vector<std::string> rows = TextOf(wanted ? *Wanted(port, batch) : *batch);
      for (int64_t row = 0; row < batch->rows(); ++row) {
        seen_.lines.push_back(name + rows[static_cast<size_t>(row)] + OriginOf(*batch, row));
      }
    }
    if (port == kOk) given_.push_back(std::move(batch));
  }
  void Fail(const BatchPtr& input, std::vector<RowFailure> failures) override {
    AddFailures("fail", *input, failures);
  }
  void FailResult(const BatchPtr& rows, std::vector<RowFailure> failures) override {
    AddFailures("fail result", *rows, failures);
  }
  void AddFailures(const std::string& what, const Batch& batch, const std::vector<RowFailure>& failures) {
    const std::vector<std::string> rows = TextOf(batch);
    for (const RowFailure& failure : failures) {
      seen_.lines.push_back(what + ": " + rows[failure.row] + ": " + failure.code);
    }
  }
  void Count(Fate fate, int64_t rows) override { fates_[fate] += rows; }
  void Keep(StateTable* table) override { tables_.push_back(table); }
  Timestamp ProcessingTime() override { return now_; }

  std::shared_ptr<const BoundOperator> bound_;
  OperatorPart part_;
  std::vector<StateTable*> tables_;
  uint64_t epoch_ = 0;
  std::map<std::string, std::pair<std::optional<TableSaver>, MemoryChain>> changes_;
  std::map<std::string, Told> told_;
  Timestamp now_ = 0;
  Timestamp watermark_ = kMinTimestamp;
  bool ended_ = false;
  Observed seen_;
  std::map<Fate, int64_t> fates_;
  std::map<int, int> in_call_;
  std::vector<BatchPtr> given_;
  std::unique_ptr<Operator> op_;
};

/// Several instances that share the rows by key, as behind a hash exchange.
class StateFamily {
 public:
  StateFamily(std::shared_ptr<const BoundOperator> bound, SchemaPtr schema, int parallelism)
      : bound_(std::move(bound)), schema_(std::move(schema)) {
    for (const ExpressionPtr& key : bound_->exchanges[0].keys) keys_.emplace_back(key, Env::Default());
    for (int i = 0; i < parallelism; ++i) instances_.push_back(std::make_unique<StateInstance>(bound_));
  }

  Observed Apply(const StateEvent& event) {
    const BatchPtr batch = BatchOf(schema_, event.rows);
    std::vector<Selection> lanes(instances_.size());
    if (event.kind == StateEvent::Kind::kRows) {
      std::vector<ColumnPtr> keys;
      std::vector<RowFailure> failures;
      for (Evaluator& key : keys_) keys.push_back(key.Evaluate(batch->columns(), batch->rows(), &failures));
      lanes = Deal(keys, batch->rows());
    }
    if (event.kind == StateEvent::Kind::kClock) clock_ = event.time;
    if (event.kind == StateEvent::Kind::kWatermark) watermark_ = event.time;
    Observed all{{}, kMaxTimestamp, kMaxTimestamp};
    for (size_t i = 0; i < instances_.size(); ++i) {
      const Observed seen = instances_[i]->Apply(event, Take(batch, lanes[i]));
      all.lines.insert(all.lines.end(), seen.lines.begin(), seen.lines.end());
      all.watermark = std::min(all.watermark, seen.watermark);
      all.timer = std::min(all.timer, seen.timer);
    }
    return SumFates(std::move(all));
  }

  /// All rows of all instances, by state.
  SavedState Save() const {
    SavedState saved;
    for (const auto& instance : instances_) {
      for (auto& [name, batches] : instance->Save()) {
        saved[name].insert(saved[name].end(), batches.begin(), batches.end());
      }
    }
    return saved;
  }

  /// Rows with keys go to the instance of their key group, the others to all.
  void Restore(const SavedState& saved, Timestamp clock, Timestamp watermark) {
    clock_ = clock;
    watermark_ = watermark;
    std::vector<SavedState> parts(instances_.size());
    for (const StateDeclaration& state : bound_->states) {
      const auto found = saved.find(state.name);
      if (found == saved.end()) continue;
      for (const BatchPtr& rows : found->second) {
        const auto width = static_cast<std::ptrdiff_t>(keys_.size());
        const bool keyed = state.key->size() > 0;
        if (keyed) REQUIRE(state.key->size() >= static_cast<int>(width));
        const std::vector<ColumnPtr> keys(rows->columns().begin(),
                                          rows->columns().begin() + (keyed ? width : 0));
        const std::vector<Selection> lanes = Deal(keys, rows->rows());
        for (size_t i = 0; i < parts.size(); ++i) {
          if (keyed && lanes[i].empty()) continue;
          parts[i][state.name].push_back(keyed ? Take(rows, lanes[i]) : rows);
        }
      }
    }
    for (size_t i = 0; i < parts.size(); ++i) instances_[i]->Restore(parts[i], clock, watermark, false);
  }

  Timestamp clock() const { return clock_; }
  Timestamp watermark() const { return watermark_; }

 private:
  std::vector<Selection> Deal(const std::vector<ColumnPtr>& keys, int64_t rows) const {
    std::vector<Selection> lanes(instances_.size());
    std::vector<uint64_t> hashes;
    HashRows(keys, rows, &hashes);
    for (uint32_t row = 0; row < rows; ++row) {
      lanes[hashes[row] % 128 * lanes.size() / 128].push_back(row);
    }
    return lanes;
  }

  // "fate 1: 2" of each instance into one line.
  static Observed SumFates(Observed all) {
    std::map<std::string, int64_t> fates;
    std::erase_if(all.lines, [&](const std::string& line) {
      if (!line.starts_with("fate ")) return false;
      const size_t colon = line.find(':');
      fates[line.substr(0, colon)] += std::stoll(line.substr(colon + 2));
      return true;
    });
    for (const auto& [fate, rows] : fates) all.lines.push_back(fate + ": " + std::to_string(rows));
    return all.Sorted();
  }

  std::shared_ptr<const BoundOperator> bound_;
  SchemaPtr schema_;
  std::vector<Evaluator> keys_;
  std::vector<std::unique_ptr<StateInstance>> instances_;
  Timestamp clock_ = 0;
  Timestamp watermark_ = kMinTimestamp;
};

/// The rows of a state as sorted text.
inline std::vector<std::string> TextOf(const SavedState& saved) {
  std::vector<std::string> all;
  for (const auto& [name, batches] : saved) {
    for (const BatchPtr& batch : batches) {
      for (const std::string& row : TextOf(*batch)) all.push_back(name + ": " + row);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace streamrun::testing
