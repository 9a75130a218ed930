#include "core/window/count_aggregation.h"

#include <algorithm>
#include <numeric>

#include "core/window/aggregation_state.h"
#include "core/window/group_expiry.h"
#include "core/window/result_writer.h"
#include "core/window/time_aggregation.h"

namespace streamrun {

namespace {

// Panes that are put together at once, so that windows of many panes need no more memory than others.
constexpr int64_t kPanesAtOnce = 65'536;

// States are kept by key and number of the pane.
std::vector<DataType> TableKeys(const AggregationPlan& plan) {
  std::vector<DataType> types = plan.key_types;
  types.push_back(TypeId::kBigint);
  return types;
}

class CountAggregation final : public Operator {
 public:
  explicit CountAggregation(AggregationPlanPtr plan)
      : plan_(std::move(plan)),
        rows_(plan_->window.rows),
        step_(plan_->window.row_step),
        pane_(std::gcd(rows_, step_)),
        keys_(plan_->key_types),
        panes_(TableKeys(*plan_), plan_->calls) {
    if (plan_->ttl > 0) expiry_.emplace(plan_->ttl);
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    input_.emplace(plan_->keys, plan_->calls, context.env);
    writer_.emplace(*plan_, context.env);
    context.Keep(&groups_state_);
    context.Keep(&counts_state_);
    context.Keep(&time_state_);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    input_->Evaluate(batch, keys_, &failures);
    AddRows(*batch, failures);
    out.Count(Fate::kAbsorbed, static_cast<int64_t>(batch->rows()) - static_cast<int64_t>(failures.size()));
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    for (size_t begin = 0; begin < complete_.size();) begin = GiveWindows(begin, out);
    SR_RETURN_IF_ERROR(CheckStateSize(*plan_, StateBytes()));
    return Drain(out);
  }

  Result<Outcome> Continue(Output& out) override { return Drain(out); }

  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    watermark_ = std::max(watermark_, time);
    if (plan_->ttl_by_event_time) Expire();
    return Drain(out);
  }
  Timestamp NextTimer() const override {
    return expiry_ && !plan_->ttl_by_event_time ? expiry_->Next() : kMaxTimestamp;
  }
  Result<Outcome> OnTimer(Timestamp, Output& out) override {
    Expire();
    return Drain(out);
  }

 private:
  struct Complete {
    uint32_t row;  // the one that completed it
    int64_t start;
    int64_t end;
  };

  int64_t StartOf(int64_t end) const { return std::max<int64_t>(0, end - rows_); }
  Timestamp Clock() const { return plan_->ttl_by_event_time ? watermark_ : context_->ProcessingTime(); }

  void AddRows(const Batch& batch, const std::vector<RowFailure>& failures) {
    Selection valid;
    auto failed = failures.begin();
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      while (failed != failures.end() && failed->row < row) ++failed;
      if (failed == failures.end() || failed->row != row) valid.push_back(row);
    }
    const auto count = static_cast<int64_t>(valid.size());
    std::vector<uint32_t> keys(valid.size());
    keys_.FindOrInsert(input_->keys(), input_->hashes(), valid.data(), count, keys.data());
    changes_.Mark(keys);
    counts_.resize(keys_.slots(), 0);
    complete_.clear();
    std::vector<int64_t> panes(valid.size());
    for (size_t i = 0; i < valid.size(); ++i) {
      const int64_t number = counts_[keys[i]]++;
      panes[i] = number / pane_;
      if ((number + 1) % step_ == 0) complete_.push_back({valid[i], StartOf(number + 1), number + 1});
    }
    if (expiry_) TouchKeys(keys, valid, batch);
    std::vector<ColumnPtr> columns;
    for (const ColumnPtr& key : input_->keys()) columns.push_back(Take(key, valid));
    columns.push_back(BigintColumn(panes));
    std::vector<uint32_t> groups;
    panes_.FindOrInsert(columns, count, &groups);
    panes_.Feed(*input_, {count, valid.data(), groups.data()}, false);
  }

  void TouchKeys(const std::vector<uint32_t>& keys, const Selection& rows, const Batch& batch) {
    if (!plan_->ttl_by_event_time) return expiry_->Touch(keys, Clock());
    const Column& times = *batch.column(plan_->input->event_time);
    for (size_t i = 0; i < keys.size(); ++i) {
      expiry_->Touch(keys[i], times.IsNull(rows[i]) ? watermark_ : times.values<int64_t>()[rows[i]]);
    }
  }

  // The groups of panes [from, to) of some keys, given as rows of key columns; `owner[i]` = which of them.
  std::vector<uint32_t> PanesOf(const std::vector<ColumnPtr>& keys, const std::vector<int64_t>& from,
                                const std::vector<int64_t>& to, std::vector<int64_t>* owner) {
    Selection rows;
    std::vector<int64_t> numbers;
    owner->clear();
    for (size_t i = 0; i < from.size(); ++i) {
      for (int64_t pane = from[i]; pane < to[i]; ++pane) {
        rows.push_back(static_cast<uint32_t>(i));
        numbers.push_back(pane);
        owner->push_back(static_cast<int64_t>(i));
      }
    }
    std::vector<ColumnPtr> columns;
    columns.reserve(keys.size() + 1);
    for (const ColumnPtr& key : keys) columns.push_back(Take(key, rows));
    columns.push_back(BigintColumn(numbers));
    std::vector<uint32_t> groups;
    panes_.FindOrInsert(columns, static_cast<int64_t>(rows.size()), &groups);
    return groups;
  }

  // Gives complete windows from `begin` on, as many as make a batch; returns where the next ones begin.
  size_t GiveWindows(size_t begin, Output& out) {
    Selection rows;
    std::vector<int64_t> starts, ends, first_panes, end_panes, next_panes;
    size_t at = begin;
    for (int64_t panes = 0; at < complete_.size() && rows.size() < kResultRows && panes < kPanesAtOnce;
         ++at) {
      const Complete& window = complete_[at];
      rows.push_back(window.row);
      starts.push_back(window.start);
      ends.push_back(window.end);
      first_panes.push_back(window.start / pane_);
      end_panes.push_back(window.end / pane_);
      next_panes.push_back(StartOf(window.end + step_) / pane_);
      panes += end_panes.back() - first_panes.back();
    }
    std::vector<ColumnPtr> keys;
    for (const ColumnPtr& key : input_->keys()) keys.push_back(Take(key, rows));
    const std::vector<ColumnPtr> bounds = writer_->rows().Bounds(starts, ends);
    std::vector<int64_t> owner;
    const std::vector<uint32_t> groups = PanesOf(keys, first_panes, end_panes, &owner);
    if (groups.size() == rows.size()) {
      writer_->Give(panes_, groups, bounds, out);
    } else {
      GroupTable merged(TableKeys(*plan_), plan_->calls);
      auto owners = owner.begin();
      const Status moved = InFittingPieces(panes_, groups, groups.size(), [&](const auto& some) {
        const auto end = owners + static_cast<std::ptrdiff_t>(some.size());
        std::vector<ColumnPtr> states = panes_.Save(some);
        states[plan_->key_types.size()] = BigintColumn({owners, end});
        merged.Load(states, static_cast<int64_t>(some.size()));
        owners = end;
        return Status::Ok();
      });
      SR_CHECK(moved.ok());
      // New groups get their slots in order: the i-th window is slot i.
      writer_->Give(merged, merged.keys().Live(), bounds, out);
    }
    panes_.Erase(PanesOf(keys, first_panes, next_panes, &owner));
    return at;
  }

  Result<Outcome> Drain(Output& out) {
    if (!writer_->ready()) return Outcome::kNeedInput;
    writer_->Emit(out);
    return Outcome::kHaveMore;
  }

  void Expire() {
    if (!expiry_) return;
    const std::vector<uint32_t> expired = expiry_->Take(Clock());
    changes_.Mark(expiry_->TakeDated());
    if (expired.empty()) return;
    std::vector<int64_t> from, to;
    for (const uint32_t key : expired) {
      const int64_t rows = counts_[key];
      from.push_back(StartOf((rows / step_ + 1) * step_) / pane_);
      to.push_back((rows + pane_ - 1) / pane_);
    }
    const std::vector<ColumnPtr> keys = keys_.Gather(expired);
    std::vector<int64_t> owner;
    panes_.Erase(PanesOf(keys, from, to, &owner));
    if (changes_.on()) changes_.Remove(keys, static_cast<int64_t>(expired.size()));
    for (const uint32_t key : expired) {
      counts_[key] = 0;
      keys_.Erase(key);
    }
  }

  // --- state

  size_t StateBytes() const {
    return panes_.MemoryBytes() + keys_.MemoryBytes() + counts_.capacity() * sizeof(int64_t) +
           (expiry_ ? expiry_->MemoryBytes() : 0);
  }

  Status SavePanes(const std::vector<uint32_t>& panes, const TakeRows& take) const {
    const SchemaPtr schema = GroupState(*plan_).Row();
    return InFittingPieces(panes_, panes, kResultRows, [&](const std::vector<uint32_t>& slots) {
      return take(
          std::make_shared<const Batch>(schema, static_cast<int64_t>(slots.size()), panes_.Save(slots)));
    });
  }

  Status SaveChangedPanes(const TakeRows& removed, const TakeRows& rows) const {
    SR_RETURN_IF_ERROR(SaveRemoved(panes_.changes(), GroupState(*plan_), removed));
    return SavePanes(panes_.Changed(), rows);
  }

  Status SaveCounts(const std::vector<uint32_t>& keys, const TakeRows& take) const {
    return InPieces(keys, kResultRows, [&](const std::vector<uint32_t>& slots) {
      const auto count = static_cast<int64_t>(slots.size());
      std::vector<ColumnPtr> columns = keys_.Gather(slots);
      std::vector<int64_t> counts, touched_at;
      for (const uint32_t slot : slots) {
        counts.push_back(counts_[slot]);
        touched_at.push_back(expiry_ ? expiry_->touched_at(slot) : kMinTimestamp);
      }
      columns.push_back(BigintColumn(counts));
      columns.push_back(BigintColumn(touched_at));
      return take(std::make_shared<const Batch>(CountState(*plan_).Row(), count, std::move(columns)));
    });
  }

  Status SaveChangedCounts(const TakeRows& removed, const TakeRows& rows) const {
    SR_RETURN_IF_ERROR(SaveRemoved(changes_, CountState(*plan_), removed));
    return SaveCounts(changes_.Marked([this](uint32_t key) { return keys_.Holds(key); }), rows);
  }

  Status LoadCounts(const BatchPtr& rows) {
    const size_t width = plan_->key_types.size();
    const std::vector<ColumnPtr> keys(rows->columns().begin(),
                                      rows->columns().begin() + static_cast<std::ptrdiff_t>(width));
    const std::vector<uint32_t> slots = keys_.FindOrInsert(keys, rows->rows());
    counts_.resize(keys_.slots(), 0);
    for (int64_t row = 0; row < rows->rows(); ++row) {
      const uint32_t slot = slots[static_cast<size_t>(row)];
      counts_[slot] = rows->columns()[width]->values<int64_t>()[row];
      if (expiry_) expiry_->Touch(slot, rows->columns()[width + 1]->values<int64_t>()[row]);
    }
    return Status::Ok();
  }

  AggregationPlanPtr plan_;
  const int64_t rows_;
  const int64_t step_;
  const int64_t pane_;  // rows of a pane
  OperatorContext* context_ = nullptr;
  std::optional<GroupInput> input_;
  std::optional<ResultWriter> writer_;

  KeyTable keys_;
  std::vector<int64_t> counts_;  // rows so far, by key
  SlotChanges changes_;          // of keys and their counts
  GroupTable panes_;             // by key and number of the pane
  std::optional<GroupExpiry> expiry_;
  Timestamp watermark_ = kMinTimestamp;
  std::vector<Complete> complete_;  // windows that the batch under way completed

  KeptState groups_state_{
      "groups",
      {[this](const TakeRows& take) { return SavePanes(panes_.keys().Live(), take); },
       [this](const BatchPtr& rows) {
         panes_.Load(rows->columns(), rows->rows());
         return Status::Ok();
       },
       [this] { return int64_t{panes_.keys().size()}; }, [this] { return panes_.MemoryBytes(); },
       [this](int64_t most) { panes_.changes().Track(most); }, [this] { return panes_.changes().count(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return SaveChangedPanes(removed, rows); }}};
  KeptState counts_state_{
      "counts",
      {[this](const TakeRows& take) { return SaveCounts(keys_.Live(), take); },
       [this](const BatchPtr& rows) { return LoadCounts(rows); }, [this] { return int64_t{keys_.size()}; },
       [this] { return StateBytes() - panes_.MemoryBytes(); }, [this](int64_t most) { changes_.Track(most); },
       [this] { return changes_.count(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return SaveChangedCounts(removed, rows); }}};
  KeptTime time_state_{&watermark_};
};

}  // namespace

std::unique_ptr<Operator> MakeCountAggregation(AggregationPlanPtr plan) {
  return std::make_unique<CountAggregation>(std::move(plan));
}

}  // namespace streamrun
