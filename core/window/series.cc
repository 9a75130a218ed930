#include "core/window/series.h"

#include <algorithm>
#include <optional>

#include "core/data/key_table.h"
#include "core/stream/projection.h"
#include "core/stream/time_order.h"
#include "core/window/aggregation_state.h"
#include "core/window/group_expiry.h"
#include "core/window/row_times.h"
#include "core/window/waiting_rows.h"

namespace streamrun {

namespace {

constexpr int64_t kGivenRows = 8192;

// A waiting row: keys and value as they were computed when it came, then the row.
StateShape WaitingState(const SeriesPlan& plan) {
  std::vector<Field> value{{"value", TypeId::kDouble}};
  value.insert(value.end(), plan.input->fields().begin(), plan.input->fields().end());
  return WaitingState(plan.key_schema, std::move(value), 1 + plan.time_column, 1);
}

// The same without where the rows came from, which their batches know.
SchemaPtr HeldRows(const SeriesPlan& plan) {
  const StateShape shape = WaitingState(plan);
  std::vector<Field> fields = shape.Row()->fields();
  fields.resize(plan.keys.size() + 1 + static_cast<size_t>(plan.input->size()));
  return std::make_shared<const Schema>(std::move(fields));
}

// A row for each sample of a series, oldest first, or one without time for a series that has none; the number
// of the row in its series tells it from the others.
StateShape SamplesState(const SeriesPlan& plan) {
  StateShape shape = MakeState("samples", plan.key_schema,
                               {{"touched_at", TypeId::kBigint},
                                {"at", TypeId::kBigint},
                                {"value", TypeId::kDouble},
                                {"extra", TypeId::kDouble},
                                {"row_of_series", TypeId::kBigint}},
                               {{4, nullptr}});  // nothing is read from it
  shape.IdentifyByKeyAnd(0);
  shape.identity.push_back(shape.Row()->size() - 1);
  return shape;
}

class SeriesOperator final : public Operator {
 public:
  explicit SeriesOperator(SeriesPlanPtr plan)
      : plan_(std::move(plan)), held_(HeldRows(*plan_)), series_(plan_->key_types), function_(plan_->make()) {
    if (plan_->ttl > 0) expiry_.emplace(plan_->ttl);
  }

  Status Open(OperatorContext& context) override {
    for (const ExpressionPtr& key : plan_->keys) keys_.emplace_back(key, context.env);
    value_.emplace(plan_->value, context.env);
    context.Keep(&waiting_state_);
    context.Keep(&samples_state_);
    context.Keep(&time_state_);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    ReadRowTimes(*batch->column(plan_->time_column), plan_->time_bias, &times_, &failures);
    const BatchPtr held = Held(batch, &failures);
    const Selection kept = InTime(batch, failures, times_, watermark_, watermark_, plan_->late, out);
    waiting_.Add(held, kept, times_);
    out.Count(Fate::kAbsorbed, static_cast<int64_t>(kept.size()));
    if (!failures.empty()) out.Fail(batch, std::move(failures));
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
    const BatchPtr batch = waiting_.Release(watermark_, kGivenRows, &times_);
    if (batch != nullptr) Give(*batch, out);
    if (waiting_.rows() > 0 && waiting_.first() <= watermark_) return Outcome::kHaveMore;
    if (expiry_ && watermark_ != kMaxTimestamp && watermark_ != kMinTimestamp) {
      const std::vector<uint32_t> expired = expiry_->Take(watermark_);
      if (changes_.on()) changes_.Remove(series_.Gather(expired), static_cast<int64_t>(expired.size()));
      for (const uint32_t slot : expired) {
        function_->Clear(slot);
        series_.Erase(slot);
      }
    }
    return Outcome::kNeedInput;
  }

 private:
  BatchPtr Held(const BatchPtr& batch, std::vector<RowFailure>* failures) {
    std::vector<ColumnPtr> columns;
    const auto evaluate = [&](Evaluator& evaluator) {
      std::vector<RowFailure> failed;
      columns.push_back(evaluator.Evaluate(batch->columns(), batch->rows(), &failed));
      MergeFailures(std::move(failed), failures);
    };
    for (Evaluator& key : keys_) evaluate(key);
    evaluate(*value_);
    columns.insert(columns.end(), batch->columns().begin(), batch->columns().end());
    return std::make_shared<const Batch>(held_, batch->rows(), std::move(columns), batch->origin());
  }

  void Give(const Batch& batch, Output& out) {
    FindSlots(batch.columns(), batch.rows());
    std::vector<ColumnBuilder> builders;
    for (int c = plan_->input->size(); c < plan_->output->size(); ++c) {
      builders.emplace_back(DataType(TypeId::kDouble));
      builders.back().Reserve(batch.rows());
    }
    const size_t keys = plan_->keys.size();
    const std::vector<SavedRows> before = changes_.on() ? RowsOfBatch() : std::vector<SavedRows>();
    function_->Compute({slots_, times_, *batch.columns()[keys]}, builders);
    if (changes_.on()) NoteChanges(before);
    for (size_t i = 0; expiry_ && i < slots_.size(); ++i) expiry_->Touch(slots_[i], times_[i]);
    std::vector<ColumnPtr> columns(batch.columns().begin() + static_cast<std::ptrdiff_t>(keys + 1),
                                   batch.columns().end());
    for (ColumnBuilder& builder : builders) columns.push_back(builder.Finish());
    out.Emit(Output::kOk,
             std::make_shared<const Batch>(plan_->output, batch.rows(), std::move(columns), batch.origin()));
  }

  void FindSlots(const std::vector<ColumnPtr>& columns, int64_t rows) {
    const std::vector<ColumnPtr> keys(columns.begin(),
                                      columns.begin() + static_cast<std::ptrdiff_t>(plan_->keys.size()));
    slots_ = series_.FindOrInsert(keys, rows);
    function_->Resize(series_.slots());
  }

  // --- what changed

  using SavedRows = std::pair<uint32_t, uint32_t>;  // a series, and how many rows it has in a checkpoint

  SavedRows RowsOf(uint32_t slot) const { return {slot, std::max(function_->queues.size(slot), 1u)}; }

  // Of the series in slots_, each once.
  std::vector<SavedRows> RowsOfBatch() const {
    std::vector<SavedRows> rows;
    for (const uint32_t slot : slots_) rows.push_back(RowsOf(slot));
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    return rows;
  }

  // A series that changed is stored again; numbers that it has no samples for any more are removed.
  void NoteChanges(const std::vector<SavedRows>& before) {
    changes_.Mark(slots_);
    std::vector<uint32_t> owners;
    std::vector<int64_t> numbers;
    for (const auto& [slot, count] : before) {
      for (uint32_t row = RowsOf(slot).second; row < count; ++row) {
        owners.push_back(slot);
        numbers.push_back(row);
      }
    }
    if (owners.empty()) return;
    std::vector<ColumnPtr> columns = series_.Gather(owners);
    columns.push_back(BigintColumn(numbers));
    changes_.Remove(std::move(columns), static_cast<int64_t>(owners.size()));
  }

  std::vector<uint32_t> Changed() const {
    return changes_.Marked([this](uint32_t slot) { return series_.Holds(slot); });
  }

  int64_t ChangedRows() const {
    int64_t rows = changes_.count();
    for (const uint32_t slot : Changed()) rows += RowsOf(slot).second;
    return rows;
  }

  // --- state

  Status LoadWaiting(const BatchPtr& rows) {
    std::vector<RowFailure> failures;
    const int column = static_cast<int>(plan_->keys.size()) + 1 + plan_->time_column;
    ReadRowTimes(*rows->column(column), plan_->time_bias, &times_, &failures);
    if (!failures.empty()) return Status::Corruption("a saved row has no event time");
    const StateShape shape{"", std::make_shared<const Schema>(), held_};
    waiting_.Add(FromWaitingState(shape, rows, held_), RowsWithout(rows->rows(), failures), times_);
    return Status::Ok();
  }

  Status SaveChangedSamples(const TakeRows& removed, const TakeRows& rows) const {
    SR_RETURN_IF_ERROR(SaveRemoved(changes_, SamplesState(*plan_), removed));
    return SaveSamples(Changed(), rows);
  }

  Status SaveSamples(const std::vector<uint32_t>& series, const TakeRows& take) const {
    const SchemaPtr schema = SamplesState(*plan_).Row();
    return InPieces(series, kGivenRows, [&](const std::vector<uint32_t>& slots) {
      std::vector<uint32_t> owners;
      ColumnBuilder touched{DataType(TypeId::kBigint)};
      ColumnBuilder at{DataType(TypeId::kBigint)};
      ColumnBuilder value{DataType(TypeId::kDouble)};
      ColumnBuilder extra{DataType(TypeId::kDouble)};
      ColumnBuilder number{DataType(TypeId::kBigint)};
      for (const uint32_t slot : slots) {
        const size_t before = owners.size();
        const auto add = [&](const Sample& sample) {
          owners.push_back(slot);
          at.Append(sample.time);
          value.Append(sample.value);
          extra.Append(sample.extra);
        };
        function_->queues.ForEach(slot, add);
        if (owners.size() == before) {
          owners.push_back(slot);
          for (ColumnBuilder* column : {&at, &value, &extra}) column->AppendNull();
        }
        for (size_t i = before; i < owners.size(); ++i) {
          touched.Append(expiry_ ? expiry_->touched_at(slot) : kMinTimestamp);
          number.Append(static_cast<int64_t>(i - before));
        }
      }
      const auto rows = static_cast<int64_t>(owners.size());
      std::vector<ColumnPtr> columns = series_.Gather(owners);
      for (ColumnBuilder* column : {&touched, &at, &value, &extra, &number}) {
        columns.push_back(column->Finish());
      }
      return take(std::make_shared<const Batch>(schema, rows, std::move(columns)));
    });
  }

  Status LoadSamples(const BatchPtr& rows) {
    FindSlots(rows->columns(), rows->rows());
    const auto keys = static_cast<int>(plan_->keys.size());
    const Column& at = *rows->column(keys + 1);
    for (int64_t row = 0; row < rows->rows(); ++row) {
      const uint32_t slot = slots_[static_cast<size_t>(row)];
      const bool first = function_->queues.empty(slot);
      if (expiry_ && first) expiry_->Touch(slot, rows->column(keys)->values<int64_t>()[row]);
      if (at.IsNull(row)) continue;
      function_->Restore(slot, {at.values<int64_t>()[row], rows->column(keys + 2)->values<double>()[row],
                                rows->column(keys + 3)->values<double>()[row]});
    }
    return Status::Ok();
  }

  const SeriesPlanPtr plan_;
  const SchemaPtr held_;
  std::vector<Evaluator> keys_;
  std::optional<Evaluator> value_;
  TimeOrdered waiting_;  // rows of held_
  Timestamp watermark_ = kMinTimestamp;

  KeyTable series_;
  std::unique_ptr<SeriesFunction> function_;
  std::optional<GroupExpiry> expiry_;
  SlotChanges changes_;  // by series

  // Of the batch under way.
  std::vector<int64_t> times_;
  std::vector<uint32_t> slots_;

  KeptState waiting_state_{"waiting",
                           {[this](const TakeRows& take) {
                              return waiting_.Save([&](const BatchPtr& rows, const std::vector<int64_t>&) {
                                return take(ToWaitingState(WaitingState(*plan_), {}, *rows));
                              });
                            },
                            [this](const BatchPtr& rows) { return LoadWaiting(rows); },
                            [this] { return waiting_.rows(); }, [this] { return waiting_.MemoryBytes(); }}};
  KeptState samples_state_{
      "samples",
      {[this](const TakeRows& take) { return SaveSamples(series_.Live(), take); },
       [this](const BatchPtr& rows) { return LoadSamples(rows); },
       [this] { return static_cast<int64_t>(series_.size()); },
       [this] {
         return series_.MemoryBytes() + function_->queues.MemoryBytes() +
                (expiry_ ? expiry_->MemoryBytes() : 0);
       },
       [this](int64_t most) { changes_.Track(most); }, [this] { return ChangedRows(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return SaveChangedSamples(removed, rows); },
       [this] { return function_->queues.samples(); }}};
  KeptTime time_state_{&watermark_};
};

}  // namespace

std::unique_ptr<Operator> MakeSeriesOperator(SeriesPlanPtr plan) {
  return std::make_unique<SeriesOperator>(std::move(plan));
}

std::vector<StateShape> SeriesStates(const SeriesPlan& plan) {
  return {WaitingState(plan), SamplesState(plan), TimeState()};
}

}  // namespace streamrun
