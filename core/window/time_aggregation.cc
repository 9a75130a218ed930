#include "core/window/time_aggregation.h"

#include <algorithm>

#include "core/window/aggregation_state.h"
#include "core/window/group_expiry.h"
#include "core/window/result_writer.h"
#include "core/window/row_dealer.h"
#include "core/window/slice_merger.h"

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
        hasher_(plan_->key_types) {
    if (windows_ != nullptr && !windows_->single()) merger_.emplace(*plan_, store_);
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
    if (plan_->emit != Emit::kEvery) show_ = true;
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
      show_ = true;
      ended_ = true;
      watermark_ = kMaxTimestamp;
    }
    return Drain(out);
  }

  Timestamp NextTimer() const override {
    Timestamp next = timer_;
    if (plan_->window.processing_time) {
      if (const auto window = NextWindow()) next = std::min(next, window->end);
    }
    if (expiry_ && !plan_->ttl_by_event_time) next = std::min(next, expiry_->Next());
    return next;
  }

  Result<Outcome> OnTimer(Timestamp now, Output& out) override {
    if (plan_->window.processing_time) watermark_ = std::max(watermark_, now - 1);
    if (timer_ <= now) {
      timer_ = kMaxTimestamp;
      show_ = true;
    }
    ShowWhatExpires();
    return Drain(out);
  }

 private:
  // Changes against what was shown of a window; ordered as windows close.
  using ShownKey = std::pair<Timestamp, Timestamp>;  // end, start

  // Groups of one window on their way out, a batch at a time.
  struct Job {
    Window window;
    const GroupTable* table = nullptr;
    std::unique_ptr<TimeSlice> owned;
    TimeSlice* live = nullptr;  // the table's slice, if it goes on: groups without rows are dropped from it
    std::vector<uint32_t> slots;
    size_t at = 0;
  };

  // Windows of many slices that touched groups of one slice have to be shown in again.
  struct Revisit {
    Timestamp slice;
    std::optional<Window> window;
    std::unique_ptr<SliceMerger> merger;
  };

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
    for (const auto& [start, rows] : dealer_.Deal(batch, failures, ClosedEnd(), watermark_, out)) {
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
    if (merger_ && merger_->Holds(start)) {
      merger_->Feed(start, *input_, {count, chosen, slots_.data()}, take_back);
    }
    if (expiry_) TouchGroups(*batch, chosen);
    if (plan_->gives_changes() && (plan_->emit != Emit::kOnClose || HasFired(windows_->First(start)))) {
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
      if (windows_ && windows_->Last(starts[begin]).end <= ClosedEnd()) {
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
    if (merger_ && merger_->Holds(start)) merger_->Load(start, groups, rows);
    store_.Measure(slice);
  }

  // --- time

  // Windows that end here or before take no more rows.
  Timestamp ClosedEnd() const {
    if (watermark_ == kMinTimestamp || watermark_ < kMinTimestamp + plan_->allowed_lateness) {
      return kMinTimestamp;
    }
    return Behind(watermark_ - plan_->allowed_lateness);
  }
  static Timestamp Behind(Timestamp time) { return time == kMaxTimestamp ? time : time + 1; }
  bool HasFired(const Window& window) const { return window.end <= fired_end_; }
  Timestamp ExpiryClock() const { return plan_->ttl_by_event_time ? watermark_ : context_->ProcessingTime(); }

  // Groups that are to be forgotten are shown before, if they changed.
  void ShowWhatExpires() {
    if (expiry_ && expiry_->HasDue(ExpiryClock())) show_ = true;
  }

  // --- results

  // One batch at most, then the next piece of work.
  Result<Outcome> Drain(Output& out) {
    while (!writer_->ready()) {
      if (job_.table != nullptr) {
        RunJob(out);
      } else if (!StartShowing() && !StartFiring()) {
        Finish();
        return Outcome::kNeedInput;
      }
    }
    writer_->Emit(out);
    return Outcome::kHaveMore;
  }

  // The next window in which touched groups are to be shown.
  bool StartShowing() {
    while (revisit_ || !store_.touched().empty()) {
      if (revisit_) {
        if (StartRevisit()) return true;
        continue;
      }
      const Timestamp start = *store_.touched().begin();
      if (!show_ && !ClosesUnshown(start)) return false;
      std::vector<uint32_t> slots = store_.TakeTouched(start);
      std::sort(slots.begin(), slots.end());
      TimeSlice& slice = *store_.Find(start);
      if (merger_) {
        revisit_.emplace(RevisitOf(start, slice, slots));
      } else {
        job_ = {
            windows_ ? windows_->First(start) : Window{}, &slice.table, nullptr, &slice, std::move(slots), 0};
        return true;
      }
    }
    show_ = false;
    return false;
  }

  // With `every`, rows that came for a window after it fired must not be forgotten before their turn.
  bool ClosesUnshown(Timestamp start) const {
    if (windows_ == nullptr || plan_->emit != Emit::kEvery) return false;
    const Window first = windows_->First(start);
    return HasFired(first) && first.end <= ClosedEnd();
  }

  Revisit RevisitOf(Timestamp start, const TimeSlice& slice, const std::vector<uint32_t>& slots) const {
    std::vector<ColumnPtr> keys = writer_->rows().Keys(slice.table, slots, {});
    return {
        start, windows_->FirstEndingAfter(start, closed_end_),
        std::make_unique<SliceMerger>(*plan_, store_, std::move(keys), static_cast<int64_t>(slots.size()))};
  }

  bool StartRevisit() {
    const std::optional<Window> window = revisit_->window;
    if (!window || (plan_->emit == Emit::kOnClose && !HasFired(*window))) {
      revisit_.reset();
      return false;
    }
    revisit_->window = windows_->Next(revisit_->slice, *window);
    const GroupTable& table = revisit_->merger->Merge(*window);
    job_ = {*window, &table, nullptr, nullptr, table.keys().Live(), 0};
    return true;
  }

  // The window that fires next, whether the watermark has passed it or not.
  std::optional<Window> NextWindow() const {
    if (windows_ == nullptr) return std::nullopt;
    const SliceMap& slices = store_.slices();
    for (auto it = slices.lower_bound(windows_->EarliestSliceBehind(fired_end_)); it != slices.end(); ++it) {
      if (const auto window = windows_->FirstEndingAfter(it->first, fired_end_)) return window;
    }
    return std::nullopt;
  }

  // Starts the next window that is due, or the final result of an aggregate without windows.
  bool StartFiring() {
    if (windows_ == nullptr) {
      if (!ended_ || plan_->gives_changes() || store_.empty()) return false;
      Fire({}, store_.Release(kEverything));
      return true;
    }
    for (auto window = NextWindow(); window && window->last() <= watermark_; window = NextWindow()) {
      fired_end_ = window->end;
      // What is shown at every update has been shown.
      if (plan_->emit == Emit::kOnUpdate) continue;
      if (merger_) {
        const GroupTable& table = merger_->Merge(*window);
        job_ = {*window, &table, nullptr, nullptr, table.keys().Live(), 0};
      } else if (window->end <= ClosedEnd()) {
        Fire(*window, store_.Release(window->start));
      } else {
        store_.TakeTouched(window->start);
        TimeSlice* slice = store_.Find(window->start);
        job_ = {*window, &slice->table, nullptr, slice, slice->table.keys().Live(), 0};
      }
      return true;
    }
    return false;
  }

  void Fire(const Window& window, std::unique_ptr<TimeSlice> slice) {
    std::vector<uint32_t> live = slice->table.keys().Live();
    const GroupTable* table = &slice->table;
    job_ = {window, table, std::move(slice), nullptr, std::move(live), 0};
  }

  void RunJob(Output& out) {
    const size_t end = std::min(job_.slots.size(), job_.at + kResultRows);
    const std::vector<uint32_t> some(job_.slots.begin() + static_cast<std::ptrdiff_t>(job_.at),
                                     job_.slots.begin() + static_cast<std::ptrdiff_t>(end));
    job_.at = end;
    const std::vector<ColumnPtr> bounds =
        writer_->rows().Bounds(job_.window, static_cast<int64_t>(some.size()));
    if (plan_->gives_changes()) {
      Selection empty;
      Changelog& shown = ShownOf(job_.window);
      const size_t before = shown.MemoryBytes();
      writer_->Show(*job_.table, some, bounds, shown, out, &empty);
      shown_bytes_ += shown.MemoryBytes() - before;
      if (job_.live != nullptr) EraseGroups(*job_.live, some, empty);
    } else {
      writer_->Give(*job_.table, some, bounds, out);
    }
    if (job_.at == job_.slots.size()) job_ = {};
  }

  void EraseGroups(TimeSlice& slice, const std::vector<uint32_t>& slots, const Selection& positions) {
    for (const uint32_t i : positions) {
      if (expiry_) expiry_->Remove(slots[i]);
      slice.table.Erase(slots[i]);
    }
  }

  Changelog& ShownOf(const Window& window) {
    const auto [it, made] =
        shown_.try_emplace(ShownKey(window.end, window.start), plan_->output, plan_->groups->size());
    if (made) shown_bytes_ += it->second.MemoryBytes();
    return it->second;
  }

  // --- what is over

  void Finish() {
    if (windows_ == nullptr) return Expire();
    if (watermark_ != kMinTimestamp) fired_end_ = std::max(fired_end_, Behind(watermark_));
    closed_end_ = ClosedEnd();
    while (!shown_.empty() && shown_.begin()->first.first <= closed_end_) {
      shown_bytes_ -= shown_.begin()->second.MemoryBytes();
      shown_.erase(shown_.begin());
    }
    while (!store_.empty() && windows_->Last(store_.slices().begin()->first).end <= closed_end_) {
      const Timestamp slice = store_.slices().begin()->first;
      if (merger_) merger_->Forget(slice);
      store_.Drop(slice);
    }
  }

  void Expire() {
    TimeSlice* slice = store_.Find(kEverything);
    if (!expiry_ || ended_ || slice == nullptr || !store_.touched().empty()) return;
    const std::vector<uint32_t> expired = expiry_->Take(ExpiryClock());
    if (expired.empty()) return;
    const std::vector<ColumnPtr> keys = writer_->rows().Keys(slice->table, expired, {});
    ShownOf({}).Forget(keys, static_cast<int64_t>(expired.size()));
    for (const uint32_t slot : expired) slice->table.Erase(slot);
    store_.Measure(*slice);
  }

  // --- state

  size_t StateBytes() const {
    return store_.bytes() + shown_bytes_ + (merger_ ? merger_->MemoryBytes() : 0) +
           (expiry_ ? expiry_->MemoryBytes() : 0);
  }

  Status SaveGroups(const TakeRows& take) const {
    const SchemaPtr schema = GroupState(*plan_).Row();
    for (const auto& entry : store_.slices()) {
      const Timestamp start = entry.first;
      const TimeSlice& slice = *entry.second;
      SR_RETURN_IF_ERROR(InPieces(slice.table.keys().Live(), kResultRows, [&](const auto& slots) {
        std::vector<bool> touched;
        std::vector<int64_t> touched_at;
        for (const uint32_t slot : slots) {
          touched.push_back(slot < slice.is_touched.size() && slice.is_touched[slot]);
          touched_at.push_back(expiry_ ? expiry_->touched_at(slot) : 0);
        }
        std::vector<ColumnPtr> columns = slice.table.Save(slots);
        const std::vector<int64_t> starts(slots.size(), start);
        const auto behind_keys = columns.begin() + static_cast<std::ptrdiff_t>(plan_->key_types.size());
        columns.insert(behind_keys, {BigintColumn(starts), BooleanColumn(touched), BigintColumn(touched_at)});
        return take(
            std::make_shared<const Batch>(schema, static_cast<int64_t>(slots.size()), std::move(columns)));
      }));
    }
    return Status::Ok();
  }

  Status LoadGroups(const BatchPtr& rows) {
    const auto keys = static_cast<std::ptrdiff_t>(plan_->key_types.size());
    const int64_t* starts = rows->column(static_cast<int>(keys))->values<int64_t>();
    std::map<Timestamp, Selection> by_slice;
    for (uint32_t row = 0; row < rows->rows(); ++row) by_slice[starts[row]].push_back(row);
    for (const auto& [start, chosen] : by_slice) {
      std::vector<ColumnPtr> columns = Take(rows, chosen)->columns();
      const ColumnPtr touched = columns[static_cast<size_t>(keys) + 1];
      const ColumnPtr touched_at = columns[static_cast<size_t>(keys) + 2];
      columns.erase(columns.begin() + keys, columns.begin() + keys + 3);
      LoadSlice(start, columns, *touched, *touched_at);
    }
    return Status::Ok();
  }

  void LoadSlice(Timestamp start, const std::vector<ColumnPtr>& columns, const Column& touched,
                 const Column& touched_at) {
    const int64_t rows = touched.length();
    TimeSlice& slice = store_.FindOrMake(start);
    slice.table.Load(columns, rows);
    const std::vector<ColumnPtr> keys(columns.begin(),
                                      columns.begin() + static_cast<std::ptrdiff_t>(plan_->key_types.size()));
    std::vector<uint64_t> hashes;
    slice.table.keys().Hash(keys, rows, &hashes);
    std::vector<uint32_t> slots(static_cast<size_t>(rows));
    slice.table.keys().Find(keys, hashes, nullptr, rows, slots.data());
    std::vector<uint32_t> to_show;
    for (int64_t row = 0; row < rows; ++row) {
      const uint32_t slot = slots[static_cast<size_t>(row)];
      if (touched.Bool(row)) to_show.push_back(slot);
      if (expiry_) expiry_->Touch(slot, touched_at.values<int64_t>()[row]);
    }
    store_.Touch(start, slice, to_show);
    store_.Measure(slice);
  }

  Status SaveShown(const TakeRows& take) const {
    for (const auto& [key, shown] : shown_) {
      if (shown.size() > 0) SR_RETURN_IF_ERROR(take(ToShownState(*plan_, shown.Save())));
    }
    return Status::Ok();
  }

  Status LoadShown(const BatchPtr& state) {
    const BatchPtr rows = FromShownState(*plan_, state);
    std::map<ShownKey, Selection> by_window;
    for (uint32_t row = 0; row < rows->rows(); ++row) {
      const bool windowed = windows_ != nullptr;
      by_window[{windowed ? rows->column(1)->values<int64_t>()[row] : 0,
                 windowed ? rows->column(0)->values<int64_t>()[row] : 0}]
          .push_back(row);
    }
    for (const auto& [key, chosen] : by_window) {
      Changelog& shown = ShownOf({key.second, key.first});
      const size_t before = shown.MemoryBytes();
      shown.Load(Take(rows, chosen));
      shown_bytes_ += shown.MemoryBytes() - before;
    }
    return Status::Ok();
  }

  AggregationPlanPtr plan_;
  bool partial_;
  RowDealer dealer_;
  const Slices* windows_;  // of dealer_; null without windows
  OperatorContext* context_ = nullptr;
  std::optional<GroupInput> input_;
  std::optional<ResultWriter> writer_;

  SliceStore store_;
  std::optional<SliceMerger> merger_;  // windows of more than one slice
  std::map<ShownKey, Changelog> shown_;
  size_t shown_bytes_ = 0;
  std::optional<GroupExpiry> expiry_;
  Timestamp watermark_ = kMinTimestamp;
  Timestamp fired_end_ = kMinTimestamp;   // windows that end here or before have fired
  Timestamp closed_end_ = kMinTimestamp;  // what was shown of windows that end here or before is forgotten
  Timestamp timer_ = kMaxTimestamp;
  bool ended_ = false;

  bool show_ = false;  // touched groups are to be shown now
  std::optional<Revisit> revisit_;
  Job job_;

  KeyTable hasher_;  // empty: hashes keys for all slices
  std::vector<uint32_t> slots_;

  KeptState groups_state_{
      "groups",
      {[this](const TakeRows& take) { return SaveGroups(take); },
       [this](const BatchPtr& rows) { return LoadGroups(rows); }, [this] { return store_.groups(); },
       [this] { return StateBytes() - shown_bytes_; }}};
  KeptTime time_state_{&watermark_, &timer_, [this] {
                         fired_end_ = watermark_ == kMinTimestamp ? kMinTimestamp : Behind(watermark_);
                         closed_end_ = ClosedEnd();
                       }};
  KeptState shown_state_{"shown",
                         {[this](const TakeRows& take) { return SaveShown(take); },
                          [this](const BatchPtr& rows) { return LoadShown(rows); }, [] { return int64_t{0}; },
                          [this] { return shown_bytes_; }}};
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
