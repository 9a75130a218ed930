#include "core/window/session_aggregation.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "core/window/aggregation_state.h"
#include "core/window/result_writer.h"
#include "core/window/row_times.h"
#include "core/window/session_list.h"
#include "core/window/time_aggregation.h"

namespace streamrun {

namespace {

using Emit = AggregationPlan::Emit;
constexpr uint32_t kNone = SessionList::kNone;

// States are kept by key and serial number of the session.
std::vector<DataType> TableKeys(const AggregationPlan& plan) {
  std::vector<DataType> types = plan.key_types;
  types.push_back(TypeId::kBigint);
  return types;
}

class SessionAggregation final : public Operator {
 public:
  explicit SessionAggregation(AggregationPlanPtr plan)
      : plan_(std::move(plan)),
        keys_(plan_->key_types),
        groups_(TableKeys(*plan_), plan_->calls),
        sessions_(plan_->window.gap) {
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
    input_->Evaluate(batch, keys_, &failures);
    PlaceRows(batch, failures, out);
    MakeGroups();
    JoinGroups();
    FeedRows();
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
    placed_rows_.clear();
    placed_.clear();
    made_.clear();
    joined_.clear();
    Selection valid;
    auto failed = failures.begin();
    for (uint32_t row = 0; row < batch->rows(); ++row) {
      while (failed != failures.end() && failed->row < row) ++failed;
      if (failed == failures.end() || failed->row != row) valid.push_back(row);
    }
    std::vector<uint32_t> keys(valid.size());
    keys_.FindOrInsert(input_->keys(), input_->hashes(), valid.data(), static_cast<int64_t>(valid.size()),
                       keys.data());
    Selection late;
    for (size_t i = 0; i < valid.size(); ++i) {
      const SessionList::Placed placed = sessions_.Place(keys[i], times_[valid[i]], Limit());
      if (placed.session == kNone) {
        late.push_back(valid[i]);
        late_keys_.push_back(keys[i]);
        continue;
      }
      Note(placed, valid[i]);
    }
    out.Count(Fate::kAbsorbed, static_cast<int64_t>(placed_.size()));
    GiveLate(batch, late, times_, watermark_, plan_->late, out);
  }

  void Note(const SessionList::Placed& placed, uint32_t row) {
    placed_rows_.push_back(row);
    placed_.push_back(placed.session);
    if (placed.made) made_.push_back({placed.session, row});
    if (placed.joined != kNone) joined_.push_back({placed.joined, placed.session});
    Session& session = sessions_[placed.session];
    if (placed.made) session.group = kNone;
    if (session.fired && sessions_.End(session) - 1 > watermark_) session.fired = false;
    if (!session.fired) Schedule(placed.session, sessions_.End(session));
    if (shown_ && !session.touched) {
      session.touched = true;
      touched_.push_back({placed.session, session.serial});
    }
  }

  // A session that fires later than its entry says is put back when the entry is reached.
  void Schedule(uint32_t number, Timestamp due) {
    Session& session = sessions_[number];
    if (session.due <= due) return;
    session.due = due;
    due_.push({due, session.serial, number});
  }

  // States for the sessions that this batch made.
  void MakeGroups() {
    std::erase_if(made_, [&](const auto& made) { return !sessions_[made.first].alive; });
    if (made_.empty()) return;
    Selection rows;
    std::vector<int64_t> serials;
    for (const auto& [session, row] : made_) {
      rows.push_back(row);
      serials.push_back(sessions_[session].serial);
    }
    std::vector<ColumnPtr> keys;
    for (const ColumnPtr& key : input_->keys()) keys.push_back(Take(key, rows));
    keys.push_back(BigintColumn(serials));
    std::vector<uint32_t> groups;
    groups_.FindOrInsert(keys, static_cast<int64_t>(rows.size()), &groups);
    for (size_t i = 0; i < made_.size(); ++i) sessions_[made_[i].first].group = groups[i];
  }

  // Where the rows of a session are now.
  uint32_t Resolve(uint32_t session) const {
    while (!sessions_[session].alive) {
      const auto by_joined = [](const auto& a, uint32_t b) { return a.first < b; };
      session = std::lower_bound(joined_.begin(), joined_.end(), session, by_joined)->second;
    }
    return session;
  }

  // Moves the states of sessions that became part of others. A session joins once, and numbers are not used
  // again before the end of the batch.
  void JoinGroups() {
    if (joined_.empty()) return;
    const std::vector<std::pair<uint32_t, uint32_t>> in_order = joined_;
    std::sort(joined_.begin(), joined_.end());
    std::vector<uint32_t> from;
    std::vector<int64_t> serials;
    for (const auto& pair : in_order) {
      const Session& session = sessions_[pair.first];
      if (session.group == kNone) continue;
      from.push_back(session.group);
      serials.push_back(sessions_[Resolve(pair.first)].serial);
      if (session.shown_start != kMinTimestamp) {
        gone_.push_back({session.key, session.shown_start, session.shown_end});
      }
    }
    if (!from.empty()) {
      std::vector<ColumnPtr> states = groups_.Save(from);
      states[plan_->key_types.size()] = BigintColumn(serials);
      groups_.Load(states, static_cast<int64_t>(from.size()));
      for (const uint32_t group : from) groups_.Erase(group);
    }
  }

  void FeedRows() {
    std::vector<uint32_t> groups(placed_.size());
    for (size_t i = 0; i < placed_.size(); ++i) groups[i] = sessions_[Resolve(placed_[i])].group;
    groups_.Feed(*input_, {static_cast<int64_t>(groups.size()), placed_rows_.data(), groups.data()}, false);
    for (const auto& pair : joined_) sessions_.Free(pair.first);
    joined_.clear();
    // A key that came with late rows alone is not kept.
    for (const uint32_t key : late_keys_) {
      if (keys_.Holds(key) && !sessions_.Has(key)) keys_.Erase(key);
    }
    late_keys_.clear();
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
    for (size_t i = 0; i < keys_.key_columns(); ++i) {
      columns.push_back(keys_.key(i).Gather(keys.data(), static_cast<int64_t>(keys.size())));
    }
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
    DeleteGone();
    const std::vector<ColumnPtr> bounds = writer_->rows().Bounds(starts, ends);
    shown_ ? writer_->Show(groups_, groups, bounds, *shown_, out)
           : writer_->Give(groups_, groups, bounds, out);
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
      // It has grown since: others may end before it.
      if (!session.fired && end != due) {
        Schedule(number, end);
        continue;
      }
      // With `every`, rows that came after it fired may not have been shown yet.
      const bool unshown = plan_->emit == Emit::kEvery && session.touched;
      if (!session.fired || unshown) fired.push_back(number);
      session.fired = true;
      session.touched = false;
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
    for (const uint32_t number : closed) {
      const uint32_t key = sessions_[number].key;
      groups_.Erase(sessions_[number].group);
      if (sessions_.Remove(number)) keys_.Erase(key);
    }
  }

  // --- state

  size_t StateBytes() const {
    return keys_.MemoryBytes() + groups_.MemoryBytes() + sessions_.MemoryBytes() + due_.size() * sizeof(Due) +
           touched_.capacity() * sizeof(Named) + (shown_ ? shown_->MemoryBytes() : 0);
  }

  Status SaveGroups(const TakeRows& take) const {
    // In the order of creation, so that a restored operator gives its results in the same order.
    std::vector<uint32_t> alive;
    for (uint32_t number = 0; number < sessions_.size(); ++number) {
      if (sessions_[number].alive) alive.push_back(number);
    }
    std::sort(alive.begin(), alive.end(),
              [&](uint32_t a, uint32_t b) { return sessions_[a].serial < sessions_[b].serial; });
    return InPieces(alive, kResultRows, [&](const std::vector<uint32_t>& some) {
      std::vector<uint32_t> groups;
      std::vector<int64_t> firsts, lasts, starts, ends;
      std::vector<bool> touched, fired;
      for (const uint32_t number : some) {
        const Session& session = sessions_[number];
        groups.push_back(session.group);
        firsts.push_back(session.first);
        lasts.push_back(session.last);
        starts.push_back(session.shown_start);
        ends.push_back(session.shown_end);
        touched.push_back(session.touched);
        fired.push_back(session.fired);
      }
      std::vector<ColumnPtr> columns = groups_.Save(groups);
      const auto serial = columns.begin() + static_cast<std::ptrdiff_t>(plan_->key_types.size());
      *serial = BooleanColumn(fired);
      columns.insert(serial,
                     {BigintColumn(firsts), BigintColumn(lasts), BigintColumn(starts), BigintColumn(ends),
                      BooleanColumn(touched)});
      return take(std::make_shared<const Batch>(GroupState(*plan_).Row(), static_cast<int64_t>(some.size()),
                                                std::move(columns)));
    });
  }

  Status LoadGroups(const BatchPtr& rows) {
    const size_t width = plan_->key_types.size();
    std::vector<ColumnPtr> columns = rows->columns();
    const std::vector<ColumnPtr> keys(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(width));
    std::vector<uint64_t> hashes;
    keys_.Hash(keys, rows->rows(), &hashes);
    std::vector<uint32_t> slots(static_cast<size_t>(rows->rows()));
    keys_.FindOrInsert(keys, hashes, nullptr, rows->rows(), slots.data());
    std::vector<uint32_t> numbers;
    std::vector<int64_t> serials;
    for (int64_t row = 0; row < rows->rows(); ++row) {
      const auto number = [&](size_t column) { return columns[width + column]->values<int64_t>()[row]; };
      const uint32_t made = sessions_.Insert(slots[static_cast<size_t>(row)], number(0), number(1));
      Session& session = sessions_[made];
      session.shown_start = number(2);
      session.shown_end = number(3);
      if (columns[width + 4]->Bool(row)) {
        session.touched = true;
        touched_.push_back({made, session.serial});
      }
      session.fired = columns[width + 5]->Bool(row);
      Schedule(made, sessions_.End(session) + (session.fired ? plan_->allowed_lateness : 0));
      numbers.push_back(made);
      serials.push_back(session.serial);
    }
    columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(width),
                  columns.begin() + static_cast<std::ptrdiff_t>(width) + 5);
    columns[width] = BigintColumn(serials);
    groups_.Load(columns, rows->rows());
    columns.resize(width + 1);
    std::vector<uint32_t> groups;
    groups_.FindOrInsert(columns, rows->rows(), &groups);
    for (size_t i = 0; i < numbers.size(); ++i) sessions_[numbers[i]].group = groups[i];
    return Status::Ok();
  }

  struct Gone {
    uint32_t key;
    Timestamp start;
    Timestamp end;
  };

  AggregationPlanPtr plan_;
  OperatorContext* context_ = nullptr;
  std::optional<GroupInput> input_;
  std::optional<ResultWriter> writer_;

  KeyTable keys_;
  GroupTable groups_;  // by key and serial
  SessionList sessions_;
  std::optional<Changelog> shown_;
  std::priority_queue<Due, std::vector<Due>, std::greater<Due>> due_;
  Timestamp watermark_ = kMinTimestamp;
  Timestamp timer_ = kMaxTimestamp;

  std::vector<Named> touched_;
  std::vector<Gone> gone_;         // shown, and part of another session now
  std::vector<uint32_t> to_show_;  // of these the first shown_at_ have been
  size_t shown_at_ = 0;

  // Scratch of the batch under way.
  std::vector<int64_t> times_;
  Selection placed_rows_;
  std::vector<uint32_t> placed_;                       // session of each placed row
  std::vector<std::pair<uint32_t, uint32_t>> made_;    // session, its first row
  std::vector<std::pair<uint32_t, uint32_t>> joined_;  // session, the one it became part of
  std::vector<uint32_t> late_keys_;

  KeptState groups_state_{
      "groups",
      {[this](const TakeRows& take) { return SaveGroups(take); },
       [this](const BatchPtr& rows) { return LoadGroups(rows); }, [this] { return sessions_.alive(); },
       [this] { return StateBytes() - (shown_ ? shown_->MemoryBytes() : 0); }}};
  KeptTime time_state_{&watermark_, &timer_};
  KeptState shown_state_{"shown",
                         {[this](const TakeRows& take) {
                            return shown_->size() > 0 ? take(ToShownState(*plan_, shown_->Save()))
                                                      : Status::Ok();
                          },
                          [this](const BatchPtr& rows) {
                            shown_->Load(FromShownState(*plan_, rows));
                            return Status::Ok();
                          },
                          [] { return int64_t{0}; }, [this] { return shown_->MemoryBytes(); }}};
};

}  // namespace

std::unique_ptr<Operator> MakeSessionAggregation(AggregationPlanPtr plan) {
  return std::make_unique<SessionAggregation>(std::move(plan));
}

}  // namespace streamrun
