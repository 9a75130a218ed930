#include "core/window/time_aggregation.h"

#include <algorithm>
#include <deque>
#include <map>

#include "core/window/changelog.h"
#include "core/window/result_rows.h"
#include "core/window/row_times.h"

namespace streamrun {

namespace {

// Rows of a result batch.
constexpr size_t kChunk = 8192;
constexpr int kLatePort = 1;
// The one slice of an aggregate without windows.
constexpr Timestamp kEverything = 0;

class TimeAggregation final : public Operator, private StateTable {
 public:
  explicit TimeAggregation(AggregationPlanPtr plan) : plan_(std::move(plan)) {
    if (plan_->windowed()) windows_.emplace(plan_->window);
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    input_.emplace(plan_->keys, plan_->calls, context.env);
    results_.emplace(*plan_, context.env);
    if (plan_->gives_changes()) shown_.emplace(plan_->output, plan_->groups->size());
    hasher_.emplace(plan_->key_types);
    context.Keep(this);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    ReadTimes(batch, &failures);
    input_->Evaluate(batch, *hasher_, &failures);
    DealRows(batch, failures, out);
    for (const auto& [start, rows] : dealt_) AddTo(start, rows, batch->rows());
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    if (plan_->emit == AggregationPlan::Emit::kEvery && timer_ == kMaxTimestamp && !touched_.empty()) {
      timer_ = context_->ProcessingTime() + plan_->every;
    }
    if (plan_->emit == AggregationPlan::Emit::kOnUpdate) ShowTouched(out);
    // With on_close only windows that have fired already can be touched.
    if (plan_->emit == AggregationPlan::Emit::kOnClose && !touched_.empty()) ShowTouched(out);
    return Drain(out);
  }

  Result<Outcome> Continue(Output& out) override { return Drain(out); }

  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    if (!plan_->window.processing_time) watermark_ = std::max(watermark_, time);
    return Drain(out);
  }

  Result<Outcome> OnEndOfStream(bool complete, Output& out) override {
    if (complete) {
      ShowTouched(out);
      watermark_ = kMaxTimestamp;
    }
    return Drain(out);
  }

  Timestamp NextTimer() const override {
    Timestamp next = timer_;
    if (plan_->window.processing_time && !slices_.empty()) {
      const auto window = NextWindow();
      if (window) next = std::min(next, window->end);
    }
    return next;
  }

  Result<Outcome> OnTimer(Timestamp now, Output& out) override {
    if (plan_->window.processing_time) watermark_ = std::max(watermark_, now - 1);
    if (timer_ <= now) {
      timer_ = kMaxTimestamp;
      ShowTouched(out);
    }
    return Drain(out);
  }

  // StateTable
  const std::string& name() const override { return kName; }
  int64_t keys() const override {
    int64_t keys = 0;
    for (const auto& [start, slice] : slices_) keys += slice->keys().size();
    return keys;
  }
  size_t MemoryBytes() const override {
    size_t bytes = shown_ ? shown_->MemoryBytes() : 0;
    for (const auto& [start, slice] : slices_) bytes += slice->MemoryBytes();
    return bytes;
  }
  Status Save(const std::function<Status(const BatchPtr&)>& take) const override {
    (void)take;
    return Status::Ok();
  }
  Status Load(const BatchPtr&) override { return Status::Ok(); }

 private:
  std::unique_ptr<GroupTable> NewTable() const {
    return std::make_unique<GroupTable>(plan_->key_types, plan_->calls);
  }

  void ReadTimes(const BatchPtr& batch, std::vector<RowFailure>* failures) {
    if (!plan_->windowed()) return;
    if (plan_->window.processing_time) {
      const Timestamp now = context_->ProcessingTime();
      watermark_ = std::max(watermark_, now - 1);
      times_.assign(static_cast<size_t>(batch->rows()), now);
    } else {
      ReadRowTimes(*batch->column(plan_->time_column), plan_->time_bias, &times_, failures);
    }
  }

  // Rows by slice, without those that failed or are late.
  void DealRows(const BatchPtr& batch, const std::vector<RowFailure>& failures, Output& out) {
    dealt_.clear();
    Selection late;
    size_t next = 0;
    const auto rows = static_cast<uint32_t>(batch->rows());
    if (windows_) {
      starts_.resize(rows);
      windows_->Starts(times_.data(), rows, starts_.data());
    }
    Selection* last = nullptr;
    Timestamp last_start = 0;
    for (uint32_t row = 0; row < rows; ++row) {
      if (next < failures.size() && failures[next].row == row) {
        ++next;
        continue;
      }
      const Timestamp start = windows_ ? starts_[row] : kEverything;
      if (last == nullptr || start != last_start) {
        last_start = start;
        last = windows_ && IsPast(start) ? &late : &dealt_[start];
      }
      last->push_back(row);
    }
    out.Count(Fate::kAbsorbed,
              static_cast<int64_t>(rows) - static_cast<int64_t>(late.size() + failures.size()));
    if (late.empty()) return;
    std::sort(late.begin(), late.end());
    out.Emit(kLatePort, LateRows(batch, late, times_, watermark_, plan_->late));
    out.Count(Fate::kLate, static_cast<int64_t>(late.size()));
  }

  // No window that contains the slice takes rows any more.
  bool IsPast(Timestamp start) const { return IsClosed(windows_->Last(start)); }
  bool IsClosed(const Window& window) const {
    return watermark_ != kMinTimestamp &&
           window.last() <= SaturatedMinus(watermark_, plan_->allowed_lateness);
  }
  bool HasFired(const Window& window) const { return window.end <= fired_; }
  static Timestamp SaturatedMinus(Timestamp time, Duration by) {
    return time < kMinTimestamp + by ? kMinTimestamp : time - by;
  }

  void AddTo(Timestamp start, const Selection& rows, int64_t batch_rows) {
    std::unique_ptr<GroupTable>& slice = slices_[start];
    if (!slice) slice = NewTable();
    const bool all = rows.size() == static_cast<size_t>(batch_rows);
    slice->Add(*input_, all ? nullptr : rows.data(), static_cast<int64_t>(rows.size()), &slots_);
    if (!shown_) return;
    // Windows that are shown when they fire need nothing said before.
    if (plan_->emit == AggregationPlan::Emit::kOnClose && !(windows_ && HasFired(windows_->First(start))))
      return;
    std::vector<uint32_t>& touched = touched_[start];
    touched.insert(touched.end(), slots_.begin(), slots_.end());
  }

  // --- results

  // Gives the changes of groups that were touched since they were shown, in every window that is shown.
  void ShowTouched(Output& out) {
    for (auto& [start, slots] : touched_) {
      std::sort(slots.begin(), slots.end());
      slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
      const auto slice = slices_.find(start);
      if (slice == slices_.end()) continue;
      if (!windows_) {
        ShowGroups(*slice->second, slots, {}, out);
        continue;
      }
      for (std::optional<Window> w = windows_->First(start); w; w = windows_->Next(start, *w)) {
        if (IsClosed(*w) || (plan_->emit == AggregationPlan::Emit::kOnClose && !HasFired(*w))) continue;
        if (windows_->single()) {
          ShowGroups(*slice->second, slots, *w, out);
        } else {
          const std::unique_ptr<GroupTable> merged = MergeKeys(*w, *slice->second, slots);
          ShowGroups(*merged, merged->keys().Live(), *w, out);
        }
      }
    }
    touched_.clear();
  }

  void ShowGroups(const GroupTable& table, const std::vector<uint32_t>& slots, const Window& window,
                  Output& out) {
    for (size_t begin = 0; begin < slots.size(); begin += kChunk) {
      const std::vector<uint32_t> some(
          slots.begin() + static_cast<std::ptrdiff_t>(begin),
          slots.begin() + static_cast<std::ptrdiff_t>(std::min(slots.size(), begin + kChunk)));
      Selection kept;
      const BatchPtr rows = results_->Build(table, some, window, out, &kept);
      Push(shown_->Update(rows));
      if (kept.size() == some.size()) continue;
      // Groups that `having` does not let pass any more.
      std::vector<uint32_t> gone;
      for (uint32_t i = 0; i < some.size(); ++i) {
        if (!std::binary_search(kept.begin(), kept.end(), i)) gone.push_back(some[i]);
      }
      const std::vector<ColumnPtr> keys = KeyColumns(table, gone, window);
      Push(shown_->Delete(keys, static_cast<int64_t>(gone.size())));
    }
  }

  std::vector<ColumnPtr> KeyColumns(const GroupTable& table, const std::vector<uint32_t>& slots,
                                    const Window& window) const {
    const auto count = static_cast<int64_t>(slots.size());
    std::vector<ColumnPtr> keys;
    if (windows_) {
      for (const Timestamp bound : {window.start, window.end}) {
        BufferBuilder values;
        for (int64_t i = 0; i < count; ++i) values.Push(bound);
        keys.push_back(
            std::make_shared<const Column>(plan_->groups->field(0).type, count, 0, nullptr, values.Finish()));
      }
    }
    for (size_t i = 0; i < table.keys().key_columns(); ++i) {
      keys.push_back(table.keys().key(i).Gather(slots.data(), count));
    }
    return keys;
  }

  void Push(BatchPtr batch) {
    if (batch != nullptr && batch->rows() > 0) ready_.push_back(std::move(batch));
  }

  // --- windows

  // The window that fires next, whether the watermark has passed it or not.
  std::optional<Window> NextWindow() const {
    for (const auto& [start, slice] : slices_) {
      if (const auto window = windows_->FirstEndingAfter(start, fired_)) return window;
    }
    return std::nullopt;
  }

  // The groups of all slices of a window in one table.
  std::unique_ptr<GroupTable> MergeSlices(const Window& window) const {
    std::unique_ptr<GroupTable> merged = NewTable();
    for (auto it = slices_.lower_bound(window.start); it != slices_.end() && it->first < window.end; ++it) {
      merged->Merge(*it->second);
    }
    return merged;
  }

  // The same for some keys only.
  std::unique_ptr<GroupTable> MergeKeys(const Window& window, const GroupTable& from,
                                        const std::vector<uint32_t>& slots) const {
    const auto count = static_cast<int64_t>(slots.size());
    std::vector<ColumnPtr> keys;
    for (size_t i = 0; i < from.keys().key_columns(); ++i)
      keys.push_back(from.keys().key(i).Gather(slots.data(), count));
    std::vector<uint64_t> hashes;
    from.keys().Hash(keys, count, &hashes);
    std::unique_ptr<GroupTable> merged = NewTable();
    std::vector<uint32_t> found(slots.size());
    for (auto it = slices_.lower_bound(window.start); it != slices_.end() && it->first < window.end; ++it) {
      it->second->keys().Find(keys, hashes, nullptr, count, found.data());
      std::vector<uint32_t> there;
      for (const uint32_t slot : found) {
        if (slot != KeyTable::kNone) there.push_back(slot);
      }
      merged->Load(it->second->Save(there), static_cast<int64_t>(there.size()));
    }
    return merged;
  }

  // Starts the next window that is due, or the final result of an aggregate without windows.
  bool StartFiring() {
    if (!windows_) {
      if (watermark_ != kMaxTimestamp || shown_ || slices_.empty()) return false;
      Fire({}, std::move(slices_.begin()->second));
      slices_.clear();
      return true;
    }
    const auto window = NextWindow();
    if (!window || window->last() > watermark_) return false;
    fired_ = window->end;
    // Slices of which this was the last window are given away with it.
    const auto slice = slices_.find(window->start);
    const bool last = windows_->single() && IsClosed(*window);
    if (windows_->single() && last && slice != slices_.end()) {
      Fire(*window, std::move(slice->second));
      slices_.erase(slice);
    } else {
      Fire(*window, windows_->single() ? nullptr : MergeSlices(*window));
    }
    return true;
  }

  void Fire(const Window& window, std::unique_ptr<GroupTable> owned) {
    firing_ = window;
    owned_ = std::move(owned);
    firing_table_ = owned_ ? owned_.get() : slices_.at(window.start).get();
    firing_slots_ = firing_table_->keys().Live();
    firing_at_ = 0;
  }

  void FireChunk(Output& out) {
    const size_t end = std::min(firing_slots_.size(), firing_at_ + kChunk);
    const std::vector<uint32_t> some(firing_slots_.begin() + static_cast<std::ptrdiff_t>(firing_at_),
                                     firing_slots_.begin() + static_cast<std::ptrdiff_t>(end));
    firing_at_ = end;
    if (shown_) {
      ShowGroups(*firing_table_, some, firing_, out);
      // A window that takes no more rows has no more changes.
      if (IsClosed(firing_)) {
        shown_->Forget(KeyColumns(*firing_table_, some, firing_), static_cast<int64_t>(some.size()));
      }
    } else {
      Push(results_->Build(*firing_table_, some, firing_, out));
    }
    if (firing_at_ < firing_slots_.size()) return;
    firing_table_ = nullptr;
    owned_.reset();
    firing_slots_.clear();
  }

  // One batch at most, then the next piece of work.
  Result<Outcome> Drain(Output& out) {
    while (ready_.empty()) {
      if (firing_table_ != nullptr) {
        FireChunk(out);
      } else if (!StartFiring()) {
        DropPast();
        return Outcome::kNeedInput;
      }
    }
    out.Emit(Output::kOk, std::move(ready_.front()));
    ready_.pop_front();
    return Outcome::kHaveMore;
  }

  // Slices behind the allowed lateness, and what was shown of their windows.
  void DropPast() {
    if (!windows_) return;
    while (!slices_.empty() && IsPast(slices_.begin()->first)) {
      const auto slice = slices_.begin();
      if (shown_) {
        const std::vector<uint32_t> live = slice->second->keys().Live();
        for (std::optional<Window> w = windows_->First(slice->first); w;
             w = windows_->Next(slice->first, *w)) {
          shown_->Forget(KeyColumns(*slice->second, live, *w), static_cast<int64_t>(live.size()));
        }
      }
      touched_.erase(slice->first);
      slices_.erase(slice);
    }
  }

  inline static const std::string kName = "groups";

  AggregationPlanPtr plan_;
  std::optional<Slices> windows_;
  OperatorContext* context_ = nullptr;
  std::optional<GroupInput> input_;
  std::optional<ResultRows> results_;
  std::optional<Changelog> shown_;

  std::map<Timestamp, std::unique_ptr<GroupTable>> slices_;
  std::map<Timestamp, std::vector<uint32_t>> touched_;  // groups changed since they were shown, by slice
  Timestamp watermark_ = kMinTimestamp;
  Timestamp fired_ = kMinTimestamp;  // windows that end here or before have fired
  Timestamp timer_ = kMaxTimestamp;

  // The window being given out.
  Window firing_;
  GroupTable* firing_table_ = nullptr;
  std::unique_ptr<GroupTable> owned_;
  std::vector<uint32_t> firing_slots_;
  size_t firing_at_ = 0;
  std::deque<BatchPtr> ready_;

  // Scratch of the batch under way.
  std::optional<KeyTable> hasher_;  // empty: hashes keys for all slices
  std::vector<int64_t> times_;
  std::vector<int64_t> starts_;
  std::map<Timestamp, Selection> dealt_;
  std::vector<uint32_t> slots_;
};

}  // namespace

std::unique_ptr<Operator> MakeTimeAggregation(AggregationPlanPtr plan) {
  return std::make_unique<TimeAggregation>(std::move(plan));
}

}  // namespace streamrun
