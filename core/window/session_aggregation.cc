#include "core/window/session_aggregation.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "core/window/result_writer.h"
#include "core/window/row_times.h"
#include "core/window/session_groups.h"
#include "core/window/time_aggregation.h"

namespace streamrun {

namespace {

using Emit = AggregationPlan::Emit;

class SessionAggregation final : public Operator {
 public:
  explicit SessionAggregation(AggregationPlanPtr plan)
      : plan_(std::move(plan)), groups_(*plan_), sessions_(groups_.list()) {
    if (plan_->gives_changes()) shown_.emplace(plan_->output, plan_->groups->size());
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    input_.emplace(plan_->keys, plan_->calls, context.env);
    writer_.emplace(*plan_, context.env);
    context.Keep(&groups_state_);
    context.Keep(&time_state_);
    if (shown_) context.Keep(&shown_state_);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    ReadTimes(*batch, &failures);
    input_->Evaluate(batch, groups_.keys(), &failures);
    PlaceRows(batch, failures, out);
    groups_.Feed(*input_, &gone_);
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    if (plan_->emit == Emit::kEvery && timer_ == kMaxTimestamp && !touched_.empty()) {
      timer_ = context_->ProcessingTime() + plan_->every;
    }
    if (plan_->emit != Emit::kEvery) StartShowing();
    SR_RETURN_IF_ERROR(CheckStateSize(*plan_, StateBytes()));
    return Drain(out);
  }

  Result<Outcome> Continue(Output& out) override { return Drain(out); }

  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    if (!plan_->window.processing_time) watermark_ = std::max(watermark_, time);
    return Drain(out);
  }

  Result<Outcome> OnEndOfStream(bool complete, Output& out) override {
    if (complete) {
      watermark_ = kMaxTimestamp;
      StartShowing();
    }
    return Drain(out);
  }

  Timestamp NextTimer() const override {
    if (!plan_->window.processing_time || due_.empty()) return timer_;
    return std::min(timer_, std::get<0>(due_.top()));
  }

  Result<Outcome> OnTimer(Timestamp now, Output& out) override {
    if (plan_->window.processing_time) watermark_ = std::max(watermark_, now - 1);
    if (timer_ <= now) {
      timer_ = kMaxTimestamp;
      StartShowing();
    }
    return Drain(out);
  }

 private:
  using Due = std::tuple<Timestamp, int64_t, uint32_t>;  // when, serial, session
  using Named = std::pair<uint32_t, int64_t>;            // session, serial: numbers are used again

  // --- rows in

  void ReadTimes(const Batch& batch, std::vector<RowFailure>* failures) {
    if (plan_->window.processing_time) {
      const Timestamp now = context_->ProcessingTime();
      watermark_ = std::max(watermark_, now - 1);
      times_.assign(static_cast<size_t>(batch.rows()), now);
    } else {
      ReadRowTimes(*batch.column(plan_->time_column), plan_->time_bias, &times_, failures);
    }
  }

  // Sessions that end here or before take no more rows.
  Timestamp Limit() const {
    return watermark_ < kMinTimestamp + plan_->allowed_lateness ? kMinTimestamp
                                                                : watermark_ - plan_->allowed_lateness;
  }

  void PlaceRows(const BatchPtr& batch, const std::vector<RowFailure>& failures, Output& out) {
    Selection valid;
    auto failed = failures.begin();
    for (uint32_t row = 0; row < batch->rows(); ++row) {
      while (failed != failures.end() && failed->row < row) ++failed;
      if (failed == failures.end() || failed->row != row) valid.push_back(row);
    }
    Selection late;
    const int64_t placed =
        groups_.Place(*input_, valid, times_, Limit(), &late, [this](uint32_t session) { Note(session); });
    out.Count(Fate::kAbsorbed, placed);
    GiveLate(batch, late, times_, watermark_, plan_->late, out);
  }

  // The session got a row.
  void Note(uint32_t number) {
    Session& session = sessions_[number];
    if (session.fired && sessions_.End(session) - 1 > watermark_) session.fired = false;
    if (!session.fired) Schedule(number, sessions_.End(session));
    if (shown_ && !session.touched) {
      session.touched = true;
      touched_.push_back({number, session.serial});
    }
  }

  // A session that fires later than its entry says is put back when the entry is reached.
  void Schedule(uint32_t number, Timestamp due) {
    Session& session = sessions_[number];
    if (session.due <= due) return;
    session.due = due;
    due_.push({due, session.serial, number});
  }

  // --- results

  Result<Outcome> Drain(Output& out) {
    while (!writer_->ready()) {
      if (!DeleteGone() && !ShowSome(out) && !FireSome(out)) return Outcome::kNeedInput;
    }
    writer_->Emit(out);
    return Outcome::kHaveMore;
  }

  // With on_close only sessions that are over: those that still grow are shown when they fire.
  void StartShowing() {
    for (const auto& [number, serial] : touched_) {
      Session& session = sessions_[number];
      // One that fired since may stand here again: it is shown once.
      if (!session.alive || session.serial != serial || !session.touched) continue;
      session.touched = false;
      groups_.changes().Mark(number);
      if (plan_->emit == Emit::kOnClose && sessions_.End(session) - 1 > watermark_) continue;
      to_show_.push_back(number);
    }
    // In the order of creation, as a restored operator knows it.
    std::sort(to_show_.begin(), to_show_.end(),
              [&](uint32_t a, uint32_t b) { return sessions_[a].serial < sessions_[b].serial; });
    touched_.clear();
  }

  bool DeleteGone() {
    if (gone_.empty()) return false;
    std::vector<uint32_t> keys;
    std::vector<int64_t> starts;
    std::vector<int64_t> ends;
    for (const auto& [key, start, end] : gone_) {
      keys.push_back(key);
      starts.push_back(start);
      ends.push_back(end);
    }
    writer_->Push(shown_->Delete(ShownKeys(keys, starts, ends), static_cast<int64_t>(gone_.size())));
    gone_.clear();
    return true;
  }

  std::vector<ColumnPtr> ShownKeys(const std::vector<uint32_t>& keys, const std::vector<int64_t>& starts,
                                   const std::vector<int64_t>& ends) const {
    std::vector<ColumnPtr> columns = writer_->rows().Bounds(starts, ends);
    for (ColumnPtr& key : groups_.keys().Gather(keys)) columns.push_back(std::move(key));
    return columns;
  }

  bool ShowSome(Output& out) {
    if (shown_at_ == to_show_.size()) {
      to_show_.clear();
      shown_at_ = 0;
      return false;
    }
    const size_t end = std::min(to_show_.size(), shown_at_ + kResultRows);
    const std::vector<uint32_t> some(to_show_.begin() + static_cast<std::ptrdiff_t>(shown_at_),
                                     to_show_.begin() + static_cast<std::ptrdiff_t>(end));
    shown_at_ = end;
    Write(some, out);
    return true;
  }

  // Gives or shows sessions as they are now.
  void Write(const std::vector<uint32_t>& numbers, Output& out) {
    std::vector<uint32_t> groups;
    std::vector<int64_t> starts;
    std::vector<int64_t> ends;
    for (const uint32_t number : numbers) {
      Session& session = sessions_[number];
      const Timestamp end = sessions_.End(session);
      groups.push_back(session.group);
      starts.push_back(session.first);
      ends.push_back(end);
      const bool moved = session.shown_start != session.first || session.shown_end != end;
      if (moved && session.shown_start != kMinTimestamp) {
        gone_.push_back({session.key, session.shown_start, session.shown_end});
      }
      session.shown_start = session.first;
      session.shown_end = end;
    }
    groups_.changes().Mark(numbers);
    DeleteGone();
    const std::vector<ColumnPtr> bounds = writer_->rows().Bounds(starts, ends);
    shown_ ? writer_->Show(groups_.table(), groups, bounds, *shown_, out)
           : writer_->Give(groups_.table(), groups, bounds, out);
  }

  // Sessions that are over, in the order of their ends, and those that take no more rows.
  bool FireSome(Output& out) {
    std::vector<uint32_t> fired;
    std::vector<uint32_t> closed;
    while (!due_.empty() && std::get<0>(due_.top()) - 1 <= watermark_ && fired.size() < kResultRows) {
      const auto [due, serial, number] = due_.top();
      due_.pop();
      Session& session = sessions_[number];
      if (!session.alive || session.serial != serial || session.due != due) continue;
      session.due = kMaxTimestamp;
      const Timestamp end = sessions_.End(session);
      // It has grown since: others may be due before it.
      const Timestamp wanted = session.fired ? end + plan_->allowed_lateness : end;
      if (wanted != due) {
        Schedule(number, wanted);
        continue;
      }
      // With `every`, rows that came after it fired may not have been shown yet.
      const bool unshown = plan_->emit == Emit::kEvery && session.touched;
      if (!session.fired || unshown) fired.push_back(number);
      session.fired = true;
      session.touched = false;
      groups_.changes().Mark(number);
      end - 1 <= Limit() ? closed.push_back(number) : Schedule(number, end + plan_->allowed_lateness);
    }
    if (fired.empty() && closed.empty()) return false;
    // What is shown at every update has been shown.
    if (!fired.empty() && plan_->emit != Emit::kOnUpdate) Write(fired, out);
    Close(closed);
    return true;
  }

  void Close(const std::vector<uint32_t>& closed) {
    if (shown_ && !closed.empty()) {
      std::vector<uint32_t> keys;
      std::vector<int64_t> starts;
      std::vector<int64_t> ends;
      for (const uint32_t number : closed) {
        keys.push_back(sessions_[number].key);
        starts.push_back(sessions_[number].shown_start);
        ends.push_back(sessions_[number].shown_end);
      }
      shown_->Forget(ShownKeys(keys, starts, ends), static_cast<int64_t>(closed.size()));
    }
    groups_.Close(closed);
  }

  // --- state

  size_t StateBytes() const {
    return groups_.MemoryBytes() + due_.size() * sizeof(Due) + touched_.capacity() * sizeof(Named) +
           (shown_ ? shown_->MemoryBytes() : 0);
  }

  void Loaded(uint32_t number) {
    const Session& session = sessions_[number];
    if (session.touched) touched_.push_back({number, session.serial});
    Schedule(number, sessions_.End(session) + (session.fired ? plan_->allowed_lateness : 0));
  }

  Status SaveShown(const BatchPtr& rows, const TakeRows& take) const {
    if (rows->rows() == 0) return Status::Ok();
    return take(ToShownState(*plan_, ShownState(*plan_).Row(), rows));
  }

  Status SaveChangedShown(const TakeRows& removed, const TakeRows& rows) const {
    for (const SlotChanges::Removed& gone : shown_->changes().removed()) {
      SR_RETURN_IF_ERROR(removed(ShownRemoval(*plan_, gone.columns, gone.rows)));
    }
    return SaveShown(shown_->SaveChanged(), rows);
  }

  AggregationPlanPtr plan_;
  OperatorContext* context_ = nullptr;
  std::optional<GroupInput> input_;
  std::optional<ResultWriter> writer_;

  SessionGroups groups_;
  SessionList& sessions_;  // of groups_
  std::optional<Changelog> shown_;
  std::priority_queue<Due, std::vector<Due>, std::greater<Due>> due_;
  Timestamp watermark_ = kMinTimestamp;
  Timestamp timer_ = kMaxTimestamp;

  std::vector<Named> touched_;
  std::vector<ShownSession> gone_;  // shown, and part of another session now
  std::vector<uint32_t> to_show_;   // of these the first shown_at_ have been
  size_t shown_at_ = 0;

  std::vector<int64_t> times_;  // of the batch under way

  KeptState groups_state_{
      "groups",
      {[this](const TakeRows& take) { return groups_.Save(take); },
       [this](const BatchPtr& rows) {
         groups_.Load(rows, [this](uint32_t session) { Loaded(session); });
         return Status::Ok();
       },
       [this] { return sessions_.alive(); },
       [this] { return StateBytes() - (shown_ ? shown_->MemoryBytes() : 0); },
       [this](int64_t most) { groups_.changes().Track(most); }, [this] { return groups_.changes().count(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return groups_.SaveChanges(removed, rows); }}};
  KeptTime time_state_{&watermark_, &timer_};
  KeptState shown_state_{
      "shown",
      {[this](const TakeRows& take) { return SaveShown(shown_->Save(), take); },
       [this](const BatchPtr& rows) {
         shown_->Load(FromShownState(*plan_, rows));
         return Status::Ok();
       },
       [] { return int64_t{0}; }, [this] { return shown_->MemoryBytes(); },
       [this](int64_t most) { shown_->changes().Track(most); }, [this] { return shown_->changes().count(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return SaveChangedShown(removed, rows); },
       [this] { return shown_->size(); }}};
};

}  // namespace

std::unique_ptr<Operator> MakeSessionAggregation(AggregationPlanPtr plan) {
  return std::make_unique<SessionAggregation>(std::move(plan));
}

}  // namespace streamrun
