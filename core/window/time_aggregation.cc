#include "core/window/time_aggregation.h"

#include <algorithm>

#include "core/window/due_windows.h"
#include "core/window/result_writer.h"
#include "core/window/row_dealer.h"
#include "core/window/shown_windows.h"
#include "core/window/slice_state.h"

namespace streamrun {

namespace {

using Emit = AggregationPlan::Emit;

// The one slice of an aggregate without windows.
constexpr Timestamp kEverything = 0;

class TimeAggregation final : public Operator {
 public:
  TimeAggregation(AggregationPlanPtr plan, bool partial)
      : plan_(std::move(plan)),
        partial_(partial),
        dealer_(*plan_),
        windows_(dealer_.windows()),
        store_(*plan_),
        due_(*plan_, windows_, store_, watermark_),
        shown_(*plan_),
        hasher_(plan_->key_types) {
    if (plan_->ttl > 0) expiry_.emplace(plan_->ttl);
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    input_.emplace(plan_->keys, plan_->calls, context.env);
    writer_.emplace(*plan_, context.env);
    context.Keep(&groups_state_);
    context.Keep(&time_state_);
    if (plan_->gives_changes()) context.Keep(&shown_state_);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    partial_ ? LoadPartial(batch, out) : AddRows(batch, out);
    if (plan_->emit == Emit::kEvery && timer_ == kMaxTimestamp && !store_.touched().empty()) {
      timer_ = context_->ProcessingTime() + plan_->every;
    }
    // With on_close only windows that have fired already can be touched.
    if (plan_->emit != Emit::kEvery) due_.ShowTouched();
    SR_RETURN_IF_ERROR(CheckStateSize(*plan_, StateBytes()));
    return Drain(out);
  }

  Result<Outcome> Continue(Output& out) override { return Drain(out); }

  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    if (!plan_->window.processing_time) watermark_ = std::max(watermark_, time);
    ShowWhatExpires();
    return Drain(out);
  }

  Result<Outcome> OnEndOfStream(bool complete, Output& out) override {
    if (complete) {
      due_.End();
      watermark_ = kMaxTimestamp;
    }
    return Drain(out);
  }

  Timestamp NextTimer() const override {
    Timestamp next = timer_;
    if (plan_->window.processing_time) {
      if (const auto window = due_.NextWindow()) next = std::min(next, window->end);
    }
    if (expiry_ && !plan_->ttl_by_event_time) next = std::min(next, expiry_->Next());
    return next;
  }

  Result<Outcome> OnTimer(Timestamp now, Output& out) override {
    if (plan_->window.processing_time) watermark_ = std::max(watermark_, now - 1);
    if (timer_ <= now) {
      timer_ = kMaxTimestamp;
      due_.ShowTouched();
    }
    ShowWhatExpires();
    return Drain(out);
  }

 private:
  // --- rows in

  void AddRows(const BatchPtr& batch, Output& out) {
    std::vector<RowFailure> failures;
    Timestamp now = kMinTimestamp;
    if (plan_->window.processing_time) {
      now = context_->ProcessingTime();
      watermark_ = std::max(watermark_, now - 1);
    }
    dealer_.ReadTimes(*batch, now, &failures);
    input_->Evaluate(batch, hasher_, &failures);
    for (const auto& [start, rows] : dealer_.Deal(batch, failures, due_.ClosedEnd(), watermark_, out)) {
      AddTo(start, rows.added, batch, false);
      AddTo(start, rows.taken_back, batch, true);
    }
    if (!failures.empty()) out.Fail(batch, std::move(failures));
  }

  void AddTo(Timestamp start, const Selection& rows, const BatchPtr& batch, bool take_back) {
    if (rows.empty()) return;
    TimeSlice& slice = store_.FindOrMake(start);
    const uint32_t* chosen = rows.size() == static_cast<size_t>(batch->rows()) ? nullptr : rows.data();
    const auto count = static_cast<int64_t>(rows.size());
    take_back ? slice.table.Retract(*input_, chosen, count, &slots_)
              : slice.table.Add(*input_, chosen, count, &slots_);
    if (due_.merger() != nullptr && due_.merger()->Holds(start)) {
      due_.merger()->Feed(start, *input_, {count, chosen, slots_.data()}, take_back);
    }
    if (expiry_) TouchGroups(*batch, chosen);
    if (plan_->gives_changes() && (plan_->emit != Emit::kOnClose || due_.HasFired(windows_->First(start)))) {
      store_.Touch(start, slice, slots_);
    }
    store_.Measure(slice);
  }

  // The groups in slots_ got the chosen rows of a batch.
  void TouchGroups(const Batch& batch, const uint32_t* chosen) {
    if (!plan_->ttl_by_event_time) return expiry_->Touch(slots_, ExpiryClock());
    const Column& times = *batch.column(plan_->input->event_time);
    for (size_t i = 0; i < slots_.size(); ++i) {
      const auto row = static_cast<int64_t>(chosen ? chosen[i] : i);
      expiry_->Touch(slots_[i], times.IsNull(row) ? watermark_ : times.values<int64_t>()[row]);
    }
  }

  // Rows of one slice stand together: a combiner's batch holds one slice, and the link joins small batches.
  void LoadPartial(const BatchPtr& batch, Output& out) {
    out.Count(Fate::kAbsorbed, batch->rows());
    const int64_t* starts = batch->column(0)->values<int64_t>();
    for (int64_t begin = 0; begin < batch->rows();) {
      int64_t end = begin + 1;
      while (end < batch->rows() && starts[end] == starts[begin]) ++end;
      const BatchPtr part = end - begin == batch->rows() ? batch : Slice(batch, begin, end);
      if (windows_ && windows_->Last(starts[begin]).end <= due_.ClosedEnd()) {
        GiveLatePart(starts[begin], *part, out);
      } else {
        LoadSlicePart(starts[begin], *part);
      }
      begin = end;
    }
  }

  // Rows that a combiner took in time, of a source that was idle while the others closed the window: they can
  // be told only as the group that they are now.
  void GiveLatePart(Timestamp start, const Batch& part, Output& out) const {
    std::vector<ColumnPtr> columns = writer_->rows().Bounds(windows_->Last(start), part.rows());
    const auto keys = part.columns().begin() + 1;
    columns.insert(columns.end(), keys, keys + static_cast<std::ptrdiff_t>(plan_->key_types.size()));
    std::vector<RowFailure> failures;
    for (uint32_t row = 0; row < part.rows(); ++row) {
      failures.push_back({row, "row.late", "rows of this window came after it was closed"});
    }
    out.FailResult(std::make_shared<const Batch>(plan_->groups, part.rows(), std::move(columns)),
                   std::move(failures));
  }

  void LoadSlicePart(Timestamp start, const Batch& batch) {
    const std::vector<ColumnPtr> groups(batch.columns().begin() + 1, batch.columns().end());
    const std::vector<ColumnPtr> keys(groups.begin(),
                                      groups.begin() + static_cast<std::ptrdiff_t>(plan_->key_types.size()));
    TimeSlice& slice = store_.FindOrMake(start);
    slice.table.FindOrInsert(keys, batch.rows(), &slots_);
    const GroupedRows rows{batch.rows(), nullptr, slots_.data()};
    slice.table.LoadStates(groups, rows);
    if (due_.merger() != nullptr && due_.merger()->Holds(start)) due_.merger()->Load(start, groups, rows);
    store_.Measure(slice);
  }

  Timestamp ExpiryClock() const { return plan_->ttl_by_event_time ? watermark_ : context_->ProcessingTime(); }

  // Groups that are to be forgotten are shown before, if they changed.
  void ShowWhatExpires() {
    if (expiry_ && expiry_->HasDue(ExpiryClock())) due_.ShowTouched();
  }

  // --- results

  // One batch at most, then the next piece of work.
  Result<Outcome> Drain(Output& out) {
    while (!writer_->ready()) {
      if (job_.table == nullptr) job_ = due_.Next();
      if (job_.table == nullptr) {
        Finish();
        return Outcome::kNeedInput;
      }
      RunJob(out);
    }
    writer_->Emit(out);
    return Outcome::kHaveMore;
  }

  void RunJob(Output& out) {
    if (job_.slots.empty()) return void(job_ = {});
    const size_t end = std::min(job_.slots.size(), job_.at + kResultRows);
    const std::vector<uint32_t> some(job_.slots.begin() + static_cast<std::ptrdiff_t>(job_.at),
                                     job_.slots.begin() + static_cast<std::ptrdiff_t>(end));
    job_.at = end;
    const std::vector<ColumnPtr> bounds =
        writer_->rows().Bounds(job_.window, static_cast<int64_t>(some.size()));
    if (plan_->gives_changes()) {
      Selection empty;
      shown_.Change(job_.window,
                    [&](Changelog& shown) { writer_->Show(*job_.table, some, bounds, shown, out, &empty); });
      if (job_.live != nullptr) EraseGroups(*job_.live, some, empty);
    } else {
      writer_->Give(*job_.table, some, bounds, out);
    }
    if (job_.at == job_.slots.size()) job_ = {};
  }

  void EraseGroups(TimeSlice& slice, const std::vector<uint32_t>& slots, const Selection& positions) {
    std::vector<uint32_t> empty;
    for (const uint32_t i : positions) empty.push_back(slots[i]);
    for (const uint32_t slot : empty) {
      if (expiry_) expiry_->Remove(slot);
    }
    slice.table.Erase(empty);
  }

  // --- what is over

  void Finish() {
    if (windows_ == nullptr) return Expire();
    shown_.Forget(due_.DropClosed());
  }

  void Expire() {
    TimeSlice* slice = store_.Find(kEverything);
    if (!expiry_ || slice == nullptr) return;
    const bool waits = due_.ended() || !store_.touched().empty();
    const std::vector<uint32_t> expired = waits ? std::vector<uint32_t>() : expiry_->Take(ExpiryClock());
    // Whoever asked last what is due may have dated them.
    slice->table.changes().Mark(expiry_->TakeDated());
    if (expired.empty()) return;
    const std::vector<ColumnPtr> keys = slice->table.keys().Gather(expired);
    shown_.Change({}, [&](Changelog& shown) { shown.Forget(keys, static_cast<int64_t>(expired.size())); });
    slice->table.Erase(expired);
    store_.Measure(*slice);
  }

  // --- state

  size_t StateBytes() const {
    return store_.bytes() + shown_.bytes() + due_.MemoryBytes() + (expiry_ ? expiry_->MemoryBytes() : 0);
  }

  GroupExpiry* expiry() { return expiry_ ? &*expiry_ : nullptr; }

  AggregationPlanPtr plan_;
  bool partial_;
  RowDealer dealer_;
  const Slices* windows_;  // of dealer_; null without windows
  OperatorContext* context_ = nullptr;
  std::optional<GroupInput> input_;
  std::optional<ResultWriter> writer_;

  SliceStore store_;
  Timestamp watermark_ = kMinTimestamp;
  DueWindows due_;
  DueGroups job_;
  ShownWindows shown_;
  std::optional<GroupExpiry> expiry_;
  Timestamp timer_ = kMaxTimestamp;

  KeyTable hasher_;  // empty: hashes keys for all slices
  std::vector<uint32_t> slots_;

  KeptState groups_state_{
      "groups",
      {[this](const TakeRows& take) { return SaveSlices(*plan_, store_, expiry(), due_, take); },
       [this](const BatchPtr& rows) {
         LoadSlices(*plan_, rows, store_, expiry(), due_);
         return Status::Ok();
       },
       [this] { return store_.groups(); }, [this] { return StateBytes() - shown_.bytes(); },
       [this](int64_t most) { store_.Track(most); }, [this] { return store_.changed(); },
       [this](const TakeRows& removed, const TakeRows& rows) {
         return SaveSliceChanges(*plan_, store_, expiry(), due_, removed, rows);
       }}};
  KeptTime time_state_{&watermark_, &timer_, [this] { due_.Restored(); }};
  KeptState shown_state_{
      "shown",
      {[this](const TakeRows& take) { return shown_.Save(take); },
       [this](const BatchPtr& rows) { return shown_.Load(rows); }, [] { return int64_t{0}; },
       [this] { return shown_.bytes(); }, [this](int64_t most) { shown_.Track(most); },
       [this] { return shown_.changed(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return shown_.SaveChanges(removed, rows); },
       [this] { return shown_.rows(); }}};
};

}  // namespace

std::unique_ptr<Operator> MakeTimeAggregation(AggregationPlanPtr plan) {
  return std::make_unique<TimeAggregation>(std::move(plan), false);
}

std::unique_ptr<Operator> MakeTimeMerger(AggregationPlanPtr plan) {
  return std::make_unique<TimeAggregation>(std::move(plan), true);
}

Status CheckStateSize(const AggregationPlan& plan, size_t bytes) {
  if (plan.max_state == 0 || bytes <= static_cast<size_t>(plan.max_state)) return Status::Ok();
  return Status::ResourceExhausted("its state has grown to " + std::to_string(bytes) +
                                   " bytes, above the max_state of " + std::to_string(plan.max_state) +
                                   "; raise max_state, give it a ttl or shorter windows, or group by less");
}

}  // namespace streamrun
