#include "core/window/over.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "core/data/row_store.h"
#include "core/stream/projection.h"
#include "core/window/aggregation_state.h"
#include "core/window/row_history.h"
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

// by; then the input's columns, the calls' results and the time: rows that wait for those behind them.
StateShape AheadState(const OverPlan& plan) {
  std::vector<Field> value = plan.sequence.input->fields();
  std::map<int, ColumnPtr> open = OpenColumns(0, value.size());
  open.erase(plan.sequence.input->event_time);
  for (const OverCall& call : plan.calls) value.push_back({call.text, call.type});
  value.push_back({"time", TypeId::kBigint});
  StateShape shape = MakeState("ahead", plan.sequence.by_schema, std::move(value), std::move(open));
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
  explicit Over(std::shared_ptr<const OverPlan> plan)
      : Sequence(plan->sequence, Values(*plan)), plan_(plan), ahead_(plan->ahead()), rows_(RowTypes(*plan)) {}

  // A row that waits for the ones behind it must not be late behind this node.
  Timestamp OutputWatermark(Timestamp input) const override {
    for (const Waiting& row : waiting_) {
      if (serials_[row.slot] == row.serial) return std::min(input, row.time - 1);
    }
    return input;
  }

 private:
  struct Waiting {
    Timestamp time;
    uint32_t slot;
    uint64_t serial;
  };

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
    if (ahead_ > 0) context.Keep(&ahead_state_);
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
    if (ahead_ == 0) return;
    held_.Resize(keys);
    ring_.Resize(size_t{keys} * ahead_);
  }

  void Follow(const Ordered& rows, Output& out) override {
    std::vector<RowFailure> failures;
    const std::vector<ColumnPtr> columns = Computed(rows, &failures);
    if (ahead_ == 0) return Give(columns, rows.batch->rows(), rows.batch->origin(), std::move(failures), out);
    const Selection good = RowsWithout(rows.batch->rows(), failures);
    if (!failures.empty()) out.FailResult(rows.batch, std::move(failures));
    rows_.Put(columns, good, &slots_);
    if (serials_.size() < rows_.slots()) serials_.Resize(rows_.slots());
    size_t next = 0;
    for (uint32_t row = 0; row < rows.slots.size(); ++row) {
      const uint32_t key = rows.slots[row];
      if (rows.before[row] == kMinTimestamp) Finish(key);
      if (next < good.size() && good[next] == row) {
        LookBack(key, row);
        Hold(key, slots_[next++], rows.times[row]);
      }
    }
    while (!waiting_.empty() && serials_[waiting_.front().slot] != waiting_.front().serial) {
      waiting_.pop_front();
    }
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

  uint32_t& Held(uint32_t key, int64_t at) {
    return ring_[size_t{key} * ahead_ + static_cast<size_t>(at % static_cast<int64_t>(ahead_))];
  }

  // Tells the rows before this one what they lead to.
  void LookBack(uint32_t key, uint32_t row) {
    const auto inputs = static_cast<size_t>(plan_->sequence.input->size());
    const int64_t held = held_[key].count;
    for (size_t c = 0; c < leads_.size(); ++c) {
      const auto distance = static_cast<int64_t>(plan_->calls[c].distance);
      if (!leads_[c] || distance > held) continue;
      rows_.Set(inputs + c, Held(key, held_[key].next - distance + ahead_), *leads_[c], row);
    }
  }

  void Hold(uint32_t key, uint32_t slot, Timestamp time) {
    HeldRows& held = held_[key];
    if (held.count == static_cast<int64_t>(ahead_)) Release(Held(key, held.next));
    Held(key, held.next) = slot;
    held.next = (held.next + 1) % static_cast<int64_t>(ahead_);
    held.count = std::min<int64_t>(held.count + 1, ahead_);
    serials_[slot] = ++serial_;
    waiting_.push_back({time, slot, serial_});
  }

  void Release(uint32_t slot) {
    serials_[slot] = 0;
    finished_.push_back(slot);
  }

  void Finish(uint32_t key) override {
    if (ahead_ == 0) return;
    HeldRows& held = held_[key];
    for (int64_t back = held.count; back > 0; --back) Release(Held(key, held.next - back + ahead_));
    held = {};
  }

  bool EmitFinished(Output& out) override {
    if (finished_.empty()) return false;
    std::vector<uint32_t> slots;
    while (!finished_.empty() && slots.size() < kBatchRows) {
      slots.push_back(finished_.front());
      finished_.pop_front();
    }
    const std::vector<ColumnPtr> columns = rows_.Gather(slots, 0, RowTypes(*plan_).size());
    for (const uint32_t slot : slots) rows_.Free(slot);
    Give(columns, static_cast<int64_t>(slots.size()), {}, {}, out);
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

  // Rows that wait, in the order of their times.
  Status SaveAhead(const TakeRows& take) {
    std::vector<uint32_t> slots;
    std::vector<int64_t> times;
    for (const Waiting& row : waiting_) {
      if (serials_[row.slot] != row.serial) continue;
      slots.push_back(row.slot);
      times.push_back(row.time);
    }
    if (slots.empty()) return Status::Ok();
    const auto inputs = static_cast<size_t>(plan_->sequence.input->size());
    const auto count = static_cast<int64_t>(slots.size());
    const Batch input(plan_->sequence.input, count, rows_.GatherAll(slots, 0, inputs));
    std::vector<RowFailure> none;
    std::vector<ColumnPtr> columns = Keys(input, &none);
    for (ColumnPtr& column : rows_.GatherAll(slots, 0, RowTypes(*plan_).size())) {
      columns.push_back(std::move(column));
    }
    columns.push_back(BigintColumn(times));
    return take(std::make_shared<const Batch>(AheadState(*plan_).Row(), count, std::move(columns)));
  }

  Status LoadAhead(const BatchPtr& saved) {
    const auto by = static_cast<std::ptrdiff_t>(plan_->sequence.by.size());
    const auto& all = saved->columns();
    const std::vector<uint32_t> keys = SlotsOf({all.begin(), all.begin() + by}, saved->rows());
    const Selection rows = RowsWithout(saved->rows(), {});
    rows_.Put({all.begin() + by, all.end() - 1}, rows, &slots_);
    if (serials_.size() < rows_.slots()) serials_.Resize(rows_.slots());
    for (size_t i = 0; i < rows.size(); ++i) {
      Hold(keys[i], slots_[i], all.back()->values<int64_t>()[i]);
    }
    // Rows of other instances may have come before.
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [](const Waiting& a, const Waiting& b) { return a.time < b.time; });
    return Status::Ok();
  }

  size_t ValueBytes() const override {
    size_t bytes = counts_.MemoryBytes() + seen_.MemoryBytes() + held_.MemoryBytes() + ring_.MemoryBytes() +
                   rows_.MemoryBytes() + serials_.MemoryBytes() + waiting_.size() * sizeof(Waiting);
    for (const auto& history : histories_) bytes += history ? history->MemoryBytes() : 0;
    for (const auto& aggregate : aggregates_) bytes += aggregate ? aggregate->MemoryBytes() : 0;
    return bytes;
  }

  struct HeldRows {
    int64_t count = 0;
    int64_t next = 0;  // place in the ring
  };

  std::shared_ptr<const OverPlan> plan_;
  uint32_t ahead_;
  // By call; those that it needs.
  std::vector<std::optional<Evaluator>> args_, fallbacks_;
  std::vector<std::optional<RowHistory>> histories_;
  std::vector<std::optional<RunningAggregate>> aggregates_;
  std::vector<Evaluator> set_;
  SlotArray<int64_t> counts_;  // by key: its rows
  SlotArray<uint32_t> seen_;   // by key: rows in the batch under way
  // Rows that wait: by key a ring of ahead_ places.
  RowStore rows_;
  SlotArray<HeldRows> held_;
  SlotArray<uint32_t> ring_;
  SlotArray<uint64_t> serials_;  // by row: 0 when it waits no more
  uint64_t serial_ = 0;
  std::deque<Waiting> waiting_;  // by time, and some that wait no more
  std::deque<uint32_t> finished_;
  // Scratch of the batch under way.
  std::vector<ColumnPtr> leads_;
  std::vector<int64_t> numbers_;
  std::vector<std::vector<uint32_t>> rounds_;
  std::vector<uint32_t> slots_;

  KeptState ahead_state_{"ahead",
                         {[this](const TakeRows& take) { return SaveAhead(take); },
                          [this](const BatchPtr& rows) { return LoadAhead(rows); },
                          [this] { return static_cast<int64_t>(rows_.rows()); },
                          [] { return size_t{0}; }}};  // ValueBytes has them
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
