#include "core/window/over.h"

#include <algorithm>
#include <optional>

#include "core/stream/projection.h"
#include "core/window/aggregation_state.h"
#include "core/window/row_history.h"
#include "core/window/rows_ahead.h"
#include "core/window/running_aggregate.h"

namespace streamrun {

namespace {

using Kind = OverCall::Kind;

constexpr size_t kBatchRows = 8192;

// Values of a key: its rows, then those of each call that looks back, under the call's text. A call that is
// new knows of no rows.
SequenceValues Values(const OverPlan& plan) {
  SequenceValues values{{{"rows", TypeId::kBigint}}};
  const auto add = [&](const std::string& text, RowHistory history) {
    history.Grow(1);
    const std::vector<ColumnPtr> empty = history.Save({0});
    for (size_t i = 0; i < empty.size(); ++i) {
      values.open.emplace(static_cast<int>(values.fields.size()), empty[i]);
      values.fields.push_back({i == 0 ? text : text + " #" + std::to_string(i + 1), empty[i]->type()});
    }
  };
  for (const OverCall& call : plan.calls) {
    if (call.kind == Kind::kLag) {
      add(call.text, RowHistory(call.type, RowHistory::Keeps::kLast, call.distance));
    } else if (call.kind == Kind::kFirstValue) {
      add(call.text, RowHistory(call.type, RowHistory::Keeps::kFirst, 1));
    } else if (call.kind == Kind::kAggregate) {
      AddCallState(call.text, call.aggregate, &values.fields, &values.open);
    }
  }
  return values;
}

// by; then the input's columns, the calls' results, the time, and a number that tells a row from the others
// of its key: rows that wait for those behind them. Tells what changed of it.
StateShape AheadState(const OverPlan& plan) {
  std::vector<Field> value = plan.sequence.input->fields();
  std::map<int, ColumnPtr> open = OpenColumns(0, value.size());
  open.erase(plan.sequence.input->event_time);
  for (const OverCall& call : plan.calls) value.push_back({call.text, call.type});
  value.push_back({"time", TypeId::kBigint});
  value.push_back({"row_of_key", TypeId::kBigint});
  const auto number = static_cast<int>(value.size()) - 1;
  open.emplace(number, nullptr);  // nothing is read from it
  StateShape shape = MakeState("ahead", plan.sequence.by_schema, std::move(value), std::move(open));
  shape.IdentifyByKeyAnd(0);
  shape.identity.push_back(shape.key->size() + number);
  shape.version = shape.oldest = 2;  // 1 told calls by their place
  return shape;
}

std::vector<DataType> RowTypes(const OverPlan& plan) {
  std::vector<DataType> types;
  for (const Field& field : plan.sequence.input->fields()) types.push_back(field.type);
  for (const OverCall& call : plan.calls) types.push_back(call.type);
  return types;
}

class Over final : public Sequence {
 public:
  explicit Over(std::shared_ptr<const OverPlan> plan) : Sequence(plan->sequence, Values(*plan)), plan_(plan) {
    if (plan_->ahead() == 0) return;
    ahead_.emplace(RowTypes(*plan_), static_cast<size_t>(plan_->sequence.input->size()), plan_->ahead(),
                   [this](const std::vector<ColumnPtr>& input, int64_t rows) {
                     std::vector<RowFailure> none;  // rows that fail were refused
                     return Keys(Batch(plan_->sequence.input, rows, input), &none);
                   });
  }

  // A row that waits for the ones behind it must not be late behind this node.
  Timestamp OutputWatermark(Timestamp input) const override {
    const Timestamp first = ahead_ ? ahead_->FirstTime() : kMaxTimestamp;
    return first == kMaxTimestamp ? input : std::min(input, first - 1);
  }

 private:
  void Prepare(OperatorContext& context) override {
    for (const OverCall& call : plan_->calls) {
      args_.emplace_back();
      fallbacks_.emplace_back();
      histories_.emplace_back();
      aggregates_.emplace_back();
      if (call.arg) args_.back().emplace(call.arg, context.env);
      if (call.fallback) fallbacks_.back().emplace(call.fallback, context.env);
      if (call.kind == Kind::kLag) {
        histories_.back().emplace(call.type, RowHistory::Keeps::kLast, call.distance);
      } else if (call.kind == Kind::kFirstValue) {
        histories_.back().emplace(call.type, RowHistory::Keeps::kFirst, 1);
      } else if (call.kind == Kind::kAggregate) {
        aggregates_.back().emplace(call.aggregate, context.env);
      }
    }
    for (const ExpressionPtr& set : plan_->set) set_.emplace_back(set, context.env);
    if (ahead_) context.Keep(&ahead_state_);
  }

  void Grow(uint32_t keys) override {
    if (keys <= counts_.size()) return;
    counts_.Resize(keys);
    seen_.Resize(keys);
    for (auto& history : histories_) {
      if (history) history->Grow(keys);
    }
    for (auto& aggregate : aggregates_) {
      if (aggregate) aggregate->Grow(keys);
    }
    if (ahead_) ahead_->Grow(keys);
  }

  void Follow(const Ordered& rows, Output& out) override {
    std::vector<RowFailure> failures;
    const std::vector<ColumnPtr> columns = Computed(rows, &failures);
    if (!ahead_) return Give(columns, rows.batch->rows(), rows.batch->origin(), std::move(failures), out);
    const Selection good = RowsWithout(rows.batch->rows(), failures);
    if (!failures.empty()) out.FailResult(rows.batch, std::move(failures));
    ahead_->Put(columns, good, &slots_);
    size_t next = 0;
    for (uint32_t row = 0; row < rows.slots.size(); ++row) {
      const uint32_t key = rows.slots[row];
      if (rows.before[row] == kMinTimestamp) Finish(key);
      if (next < good.size() && good[next] == row) {
        LookBack(key, row);
        ahead_->Hold(key, slots_[next++], rows.times[row]);
      }
    }
    ahead_->DropFinished();
  }

  // The input's columns, then one a call; of a lead, what it is if no row follows.
  std::vector<ColumnPtr> Computed(const Ordered& rows, std::vector<RowFailure>* failures) {
    const int64_t count = rows.batch->rows();
    std::vector<bool> begins(rows.slots.size());
    for (size_t i = 0; i < begins.size(); ++i) begins[i] = rows.before[i] == kMinTimestamp;
    CountRows(rows.slots, begins);
    std::vector<ColumnPtr> columns = rows.batch->columns();
    leads_.assign(plan_->calls.size(), nullptr);
    for (size_t c = 0; c < plan_->calls.size(); ++c) {
      const OverCall& call = plan_->calls[c];
      if (call.kind == Kind::kRowNumber) {
        columns.push_back(BigintColumn(numbers_));
        continue;
      }
      if (call.kind == Kind::kAggregate) {
        std::vector<RowFailure> failed;
        columns.push_back(aggregates_[c]->Follow(*rows.batch, rows.slots, begins, rounds_, &failed));
        MergeFailures(std::move(failed), failures);
        continue;
      }
      std::vector<RowFailure> none;  // rows that fail were refused
      const ColumnPtr values = args_[c]->Evaluate(rows.batch->columns(), count, &none);
      const ColumnPtr missing = fallbacks_[c] ? fallbacks_[c]->Evaluate(rows.batch->columns(), count, &none)
                                              : Column::Nulls(call.type, count);
      leads_[c] = call.kind == Kind::kLead ? values : nullptr;
      columns.push_back(leads_[c] ? missing : histories_[c]->Follow(values, rows.slots, begins, missing));
    }
    return columns;
  }

  // numbers_: of the rows within their keys; rounds_: the keys' first rows of the batch, their second ones,
  // ...
  void CountRows(const std::vector<uint32_t>& keys, const std::vector<bool>& begins) {
    numbers_.clear();
    rounds_.clear();
    for (uint32_t row = 0; row < keys.size(); ++row) {
      int64_t& count = counts_[keys[row]];
      count = begins[row] ? 1 : count + 1;
      numbers_.push_back(count);
      const uint32_t round = seen_[keys[row]]++;
      if (round == rounds_.size()) rounds_.emplace_back();
      rounds_[round].push_back(row);
    }
    for (const uint32_t key : keys) seen_[key] = 0;
  }

  // --- rows that wait for those behind them

  // Tells the rows before this one what they lead to.
  void LookBack(uint32_t key, uint32_t row) {
    for (size_t c = 0; c < leads_.size(); ++c) {
      if (leads_[c]) ahead_->Set(key, plan_->calls[c].distance, c, *leads_[c], row);
    }
  }

  void Finish(uint32_t key) override {
    if (ahead_) ahead_->Finish(key);
  }

  bool EmitFinished(Output& out) override {
    int64_t rows = 0;
    std::vector<ColumnPtr> columns;
    if (ahead_) columns = ahead_->TakeFinished(kBatchRows, &rows);
    if (rows == 0) return false;
    Give(columns, rows, {}, {}, out);
    return true;
  }

  void Give(const std::vector<ColumnPtr>& columns, int64_t rows, Origin origin,
            std::vector<RowFailure> failures, Output& out) {
    const auto inputs = static_cast<std::ptrdiff_t>(plan_->sequence.input->size());
    std::vector<ColumnPtr> given(columns.begin(), columns.begin() + inputs);
    const auto input = std::make_shared<const Batch>(plan_->sequence.input, rows, given, origin);
    for (Evaluator& set : set_) {
      std::vector<RowFailure> failed;
      given.push_back(set.Evaluate(columns, rows, &failed));
      MergeFailures(std::move(failed), &failures);
    }
    BatchPtr batch =
        std::make_shared<const Batch>(plan_->sequence.output, rows, std::move(given), std::move(origin));
    if (!failures.empty()) batch = Take(batch, RowsWithout(rows, failures));
    if (!failures.empty()) out.FailResult(input, std::move(failures));
    out.Emit(Output::kOk, std::move(batch));
  }

  // --- checkpoints

  std::vector<ColumnPtr> SaveValues(const std::vector<uint32_t>& keys) const override {
    std::vector<int64_t> counts;
    counts.reserve(keys.size());
    for (const uint32_t key : keys) counts.push_back(counts_[key]);
    std::vector<ColumnPtr> columns{BigintColumn(counts)};
    for (size_t c = 0; c < plan_->calls.size(); ++c) {
      std::vector<ColumnPtr> more;
      if (histories_[c]) more = histories_[c]->Save(keys);
      if (aggregates_[c]) more = aggregates_[c]->Save(keys);
      columns.insert(columns.end(), more.begin(), more.end());
    }
    return columns;
  }

  void LoadValues(const std::vector<uint32_t>& keys, const std::vector<ColumnPtr>& values) override {
    for (size_t i = 0; i < keys.size(); ++i) counts_[keys[i]] = values[0]->values<int64_t>()[i];
    auto at = values.begin() + 1;
    for (size_t c = 0; c < plan_->calls.size(); ++c) {
      const OverCall& call = plan_->calls[c];
      if (histories_[c]) {
        const auto end = at + static_cast<std::ptrdiff_t>(histories_[c]->SavedTypes().size());
        histories_[c]->Load(keys, {at, end});
        at = end;
      } else if (aggregates_[c]) {
        const auto end = at + static_cast<std::ptrdiff_t>(call.aggregate.StateTypes().size());
        aggregates_[c]->Load(keys, {at, end});
        at = end;
      }
    }
  }

  Status LoadAhead(const BatchPtr& saved) {
    const auto by = static_cast<std::ptrdiff_t>(plan_->sequence.by.size());
    const auto& all = saved->columns();
    ahead_->Load(saved, plan_->sequence.by.size(), SlotsOf({all.begin(), all.begin() + by}, saved->rows()));
    return Status::Ok();
  }

  size_t ValueBytes() const override {
    size_t bytes = counts_.MemoryBytes() + seen_.MemoryBytes() + (ahead_ ? ahead_->MemoryBytes() : 0);
    for (const auto& history : histories_) bytes += history ? history->MemoryBytes() : 0;
    for (const auto& aggregate : aggregates_) bytes += aggregate ? aggregate->MemoryBytes() : 0;
    return bytes;
  }

  std::shared_ptr<const OverPlan> plan_;
  // By call; those that it needs.
  std::vector<std::optional<Evaluator>> args_, fallbacks_;
  std::vector<std::optional<RowHistory>> histories_;
  std::vector<std::optional<RunningAggregate>> aggregates_;
  std::vector<Evaluator> set_;
  SlotArray<int64_t> counts_;       // by key: its rows
  SlotArray<uint32_t> seen_;        // by key: rows in the batch under way
  std::optional<RowsAhead> ahead_;  // if there is a lead
  // Scratch of the batch under way.
  std::vector<ColumnPtr> leads_;
  std::vector<int64_t> numbers_;
  std::vector<std::vector<uint32_t>> rounds_;
  std::vector<uint32_t> slots_;

  KeptState ahead_state_{
      "ahead",
      {[this](const TakeRows& take) { return ahead_->Save(AheadState(*plan_).Row(), take); },
       [this](const BatchPtr& rows) { return LoadAhead(rows); }, [this] { return ahead_->rows(); },
       [] { return size_t{0}; },  // ValueBytes has them
       [this](int64_t most) { ahead_->Track(most); }, [this] { return ahead_->changed(); },
       [this](const TakeRows& removed, const TakeRows& rows) {
         return ahead_->SaveChanges(AheadState(*plan_), removed, rows);
       }}};
};

}  // namespace

uint32_t OverPlan::ahead() const {
  uint32_t rows = 0;
  for (const OverCall& call : calls) {
    if (call.kind == Kind::kLead) rows = std::max(rows, call.distance);
  }
  return rows;
}

std::vector<StateShape> OverStates(const OverPlan& plan) {
  std::vector<StateShape> shapes{WaitingState(plan.sequence), SequenceState(plan.sequence, Values(plan)),
                                 TimeState()};
  shapes[1].version = shapes[1].oldest = 2;  // 1 told calls by their place
  if (plan.ahead() > 0) shapes.push_back(AheadState(plan));
  return shapes;
}

std::unique_ptr<Operator> MakeOver(std::shared_ptr<const OverPlan> plan) {
  return std::make_unique<Over>(std::move(plan));
}

}  // namespace streamrun
