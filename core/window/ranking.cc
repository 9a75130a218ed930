#include "core/window/ranking.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "core/data/column_builder.h"
#include "core/stream/projection.h"
#include "core/window/aggregation_state.h"
#include "core/window/group_expiry.h"
#include "core/window/ranked_groups.h"
#include "core/window/row_times.h"
#include "core/window/window_columns.h"

namespace streamrun {

namespace {

using Emit = RankingPlan::Emit;

constexpr size_t kBatchRows = 8192;

class Ranking final : public Operator {
 public:
  explicit Ranking(std::shared_ptr<const RankingPlan> plan) : plan_(std::move(plan)), groups_(*plan_) {
    if (plan_->ttl > 0) expiry_.emplace(plan_->ttl);
    if (plan_->window) windows_.emplace(*plan_->window, *plan_->received, plan_->input);
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    for (const ExpressionPtr& key : plan_->per) per_.emplace_back(key, context.env);
    for (const ExpressionPtr& key : plan_->computed) computed_.emplace_back(key, context.env);
    context.Keep(&rows_state_);
    context.Keep(&time_state_);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    const BatchPtr ranked = windows_ ? windows_->Add(*batch, &failures) : batch;
    const std::vector<ColumnPtr> keys = GroupKeys(ranked, &failures);
    const std::vector<ColumnPtr> columns = RowColumns(*ranked, &failures);
    const Selection rows = InTime(batch, failures, out);
    const int64_t missing = Take(ranked, keys, columns, rows);
    if (expiry_) TouchGroups(*ranked, rows);
    out.Count(Fate::kAbsorbed, static_cast<int64_t>(rows.size()) - missing);
    out.Count(Fate::kUnmatched, missing);
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    Flush();
    ForgetEmpty();
    SR_RETURN_IF_ERROR(CheckSize());
    return Drain(out);
  }

  Result<Outcome> Continue(Output& out) override { return Drain(out); }

  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    watermark_ = std::max(watermark_, time);
    if (plan_->ttl_by_event_time) Expire(watermark_);
    return Drain(out);
  }

  Result<Outcome> OnEndOfStream(bool complete, Output& out) override {
    if (!complete) return Drain(out);
    watermark_ = kMaxTimestamp;
    if (!plan_->windowed() && plan_->emit == Emit::kOnClose) {
      for (const uint32_t group : groups_.keys().Live()) to_show_[kMaxTimestamp].push_back(group);
    }
    return Drain(out);
  }

  Timestamp NextTimer() const override {
    return expiry_ && !plan_->ttl_by_event_time ? expiry_->Next() : kMaxTimestamp;
  }
  Result<Outcome> OnTimer(Timestamp now, Output& out) override {
    if (!plan_->ttl_by_event_time) Expire(now);
    return Drain(out);
  }

 private:
  // Groups by the last instant of their window.
  using Groups = std::map<Timestamp, std::vector<uint32_t>>;

  // --- rows in

  std::vector<ColumnPtr> GroupKeys(const BatchPtr& batch, std::vector<RowFailure>* failures) {
    std::vector<ColumnPtr> keys;
    for (Evaluator& per : per_) keys.push_back(Evaluated(per, *batch, failures));
    if (!plan_->windowed()) return keys;
    keys.push_back(batch->column(plan_->window_end));
    std::vector<RowFailure> timeless;
    ReadRowTimes(*keys.back(), -1, &times_, &timeless);
    MergeFailures(std::move(timeless), failures);
    return keys;
  }

  std::vector<ColumnPtr> RowColumns(const Batch& batch, std::vector<RowFailure>* failures) {
    std::vector<ColumnPtr> columns = batch.columns();
    for (Evaluator& key : computed_) columns.push_back(Evaluated(key, batch, failures));
    return columns;
  }

  static ColumnPtr Evaluated(Evaluator& evaluator, const Batch& batch, std::vector<RowFailure>* failures) {
    std::vector<RowFailure> failed;
    ColumnPtr column = evaluator.Evaluate(batch.columns(), batch.rows(), &failed);
    MergeFailures(std::move(failed), failures);
    return column;
  }

  // The rows that neither failed nor are late; late ones leave.
  Selection InTime(const BatchPtr& batch, const std::vector<RowFailure>& failures, Output& out) {
    if (!plan_->windowed()) return RowsWithout(batch->rows(), failures);
    const Timestamp closed = Minus(watermark_, plan_->allowed_lateness);
    const std::vector<int64_t>& times = windows_ ? windows_->times() : times_;
    return streamrun::InTime(batch, failures, times_, times, closed, watermark_, plan_->late, out);
  }

  int64_t Take(const BatchPtr& batch, const std::vector<ColumnPtr>& keys,
               const std::vector<ColumnPtr>& columns, const Selection& rows) {
    slots_.clear();
    if (rows.empty()) return 0;
    FindGroups(keys, batch->rows(), rows);
    groups_.rows().Prefixes(columns, batch->rows(), &prefixes_);
    return groups_.Apply({&columns, batch.get(), &rows, slots_.data(), &prefixes_}, &changes_);
  }

  // slots_: the group of each of `rows`; new ones are told when to be shown.
  void FindGroups(const std::vector<ColumnPtr>& keys, int64_t count, const Selection& rows) {
    KeyTable& table = groups_.keys();
    table.Hash(keys, count, &hashes_);
    slots_.resize(rows.size());
    table.FindOrInsert(keys, hashes_, rows.data(), static_cast<int64_t>(rows.size()), slots_.data());
    groups_.Grow();
    known_.resize(table.slots(), false);
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint32_t group = slots_[i];
      if (known_[group]) continue;
      known_[group] = true;
      if (plan_->emit == Emit::kOnUpdate) groups_.set_shown(group);
      if (plan_->windowed()) to_show_[times_[rows[i]]].push_back(group);
    }
  }

  // The groups in slots_ got these rows.
  void TouchGroups(const Batch& batch, const Selection& rows) {
    groups_.changes().Mark(slots_);
    if (!plan_->ttl_by_event_time) return expiry_->Touch(slots_, context_->ProcessingTime());
    const Column& times = *batch.column(plan_->received->event_time);
    for (size_t i = 0; i < slots_.size(); ++i) {
      expiry_->Touch(slots_[i], TouchTime(times, rows[i], watermark_));
    }
  }

  void Expire(Timestamp now) {
    if (!expiry_ || now == kMinTimestamp) return;
    const std::vector<uint32_t> expired = expiry_->Take(now);
    groups_.changes().Mark(expiry_->TakeDated());
    for (const uint32_t group : expired) known_[group] = false;
    groups_.Erase(expired);
    groups_.FreeDropped();
  }

  // Groups whose rows were all taken back. Those of windows go with their window.
  void ForgetEmpty() {
    if (plan_->windowed() || !plan_->input->changes) return;
    std::sort(slots_.begin(), slots_.end());
    slots_.erase(std::unique(slots_.begin(), slots_.end()), slots_.end());
    std::erase_if(slots_, [this](uint32_t group) { return !groups_.rows_of(group).empty(); });
    for (const uint32_t group : slots_) {
      known_[group] = false;
      if (expiry_) expiry_->Remove(group);
    }
    groups_.Erase(slots_);
  }

  Status CheckSize() const {
    const size_t bytes = groups_.MemoryBytes();
    if (plan_->max_state == 0 || bytes <= static_cast<size_t>(plan_->max_state)) return Status::Ok();
    return Status::ResourceExhausted("its state has grown to " + std::to_string(bytes) +
                                     " bytes, above the max_state of " + std::to_string(plan_->max_state) +
                                     "; raise max_state, give it a ttl, or keep fewer rows a group");
  }

  // --- results

  // Makes batches of the changes; then the rows behind them may go.
  void Flush() {
    for (size_t begin = 0; begin < changes_.size();) {
      size_t end = std::min(changes_.size(), begin + kBatchRows);
      // An update pair stays in one batch.
      if (end < changes_.size() && changes_[end].kind == ChangeKind::kUpdateAfter) ++end;
      ready_.push_back(BatchOf(begin, end));
      begin = end;
    }
    changes_.clear();
    groups_.FreeDropped();
  }

  BatchPtr BatchOf(size_t begin, size_t end) const {
    std::vector<uint32_t> rows;
    BufferBuilder ranks, kinds;
    for (size_t i = begin; i < end; ++i) {
      rows.push_back(changes_[i].row);
      ranks.Push(changes_[i].rank);
      kinds.Push(static_cast<int8_t>(changes_[i].kind));
    }
    const auto count = static_cast<int64_t>(rows.size());
    const auto inputs = static_cast<size_t>(plan_->input->size());
    std::vector<ColumnPtr> columns = groups_.rows().store().Gather(rows, 0, inputs);
    if (plan_->with_rank) {
      columns.push_back(
          std::make_shared<const Column>(DataType(TypeId::kBigint), count, 0, nullptr, ranks.Finish()));
    }
    return std::make_shared<const Batch>(plan_->output, count, std::move(columns), Origin{},
                                         plan_->output->changes ? kinds.Finish() : nullptr);
  }

  Result<Outcome> Drain(Output& out) {
    while (ready_.empty() && (ShowNext() || ForgetNext())) {
    }
    if (ready_.empty()) return Outcome::kNeedInput;
    out.Emit(Output::kOk, std::move(ready_.front()));
    ready_.pop_front();
    return Outcome::kHaveMore;
  }

  // Groups whose window the watermark has passed, as many as fill a batch.
  bool ShowNext() {
    if (to_show_.empty() || to_show_.begin()->first > watermark_) return false;
    const auto due = to_show_.begin();
    std::vector<uint32_t>& groups = due->second;
    size_t& at = showing_;
    while (at < groups.size() && changes_.size() < kBatchRows) {
      const uint32_t group = groups[at++];
      if (!groups_.shown(group)) groups_.List(group, &changes_);
      groups_.set_shown(group);
    }
    const bool all = at == groups.size();
    Flush();
    if (!all) return true;
    std::vector<uint32_t>& forget = to_forget_[due->first];
    forget.insert(forget.end(), groups.begin(), groups.end());
    to_show_.erase(due);
    at = 0;
    return true;
  }

  bool ForgetNext() {
    if (to_forget_.empty() || to_forget_.begin()->first > Minus(watermark_, plan_->allowed_lateness)) {
      return false;
    }
    for (const uint32_t group : to_forget_.begin()->second) known_[group] = false;
    groups_.EraseWindow(to_forget_.begin()->second);
    to_forget_.erase(to_forget_.begin());
    groups_.FreeDropped();
    return true;
  }

  static Timestamp Minus(Timestamp time, Duration by) {
    if (time == kMaxTimestamp) return time;
    return time < kMinTimestamp + by ? kMinTimestamp : time - by;
  }

  // --- checkpoints

  // All groups, those of windows in the order in which they are shown.
  std::vector<uint32_t> InOrder() const {
    if (!plan_->windowed()) return groups_.keys().Live();
    std::vector<uint32_t> groups;
    for (const Groups* windows : {&to_forget_, &to_show_}) {
      for (const auto& window : *windows) {
        groups.insert(groups.end(), window.second.begin(), window.second.end());
      }
    }
    return groups;
  }

  std::vector<uint32_t> ChangedInOrder() const {
    std::vector<uint32_t> changed = groups_.Changed();
    if (!plan_->windowed()) return changed;
    std::vector<bool> is_changed(groups_.keys().slots());
    for (const uint32_t group : changed) is_changed[group] = true;
    std::vector<uint32_t> groups = InOrder();
    std::erase_if(groups, [&](uint32_t group) { return !is_changed[group]; });
    return groups;
  }

  // Some rows of groups, on their way into a checkpoint.
  struct RowsToSave {
    std::vector<uint32_t> groups;
    std::vector<uint32_t> rows;
    std::vector<int64_t> numbers;  // within their groups
  };

  Status SaveRows(const std::vector<uint32_t>& groups, const TakeRows& take) const {
    RowsToSave some;
    for (const uint32_t group : groups) {
      const std::vector<uint32_t>& rows = groups_.rows_of(group);
      for (size_t i = 0; i < rows.size(); ++i) {
        some.groups.push_back(group);
        some.rows.push_back(rows[i]);
        some.numbers.push_back(static_cast<int64_t>(i));
        if (some.rows.size() < kBatchRows) continue;
        SR_RETURN_IF_ERROR(take(Saved(some)));
        some = {};
      }
    }
    return some.rows.empty() ? Status::Ok() : take(Saved(some));
  }

  Status SaveChangedRows(const TakeRows& removed, const TakeRows& rows) const {
    SR_RETURN_IF_ERROR(SaveRemoved(groups_.changes(), RankingState(*plan_), removed));
    return SaveRows(ChangedInOrder(), rows);
  }

  BatchPtr Saved(const RowsToSave& some) const {
    const auto& [groups, rows, numbers] = some;
    const auto count = static_cast<int64_t>(rows.size());
    std::vector<ColumnPtr> columns = groups_.keys().Gather(groups);
    columns.resize(plan_->per.size());  // the end of the window is a column of the rows
    for (ColumnPtr& column :
         groups_.rows().store().GatherAll(rows, 0, static_cast<size_t>(plan_->input->size()))) {
      columns.push_back(std::move(column));
    }
    std::vector<bool> shown;
    std::vector<int64_t> touched;
    for (const uint32_t group : groups) {
      shown.push_back(groups_.shown(group));
      touched.push_back(expiry_ ? expiry_->touched_at(group) : kMinTimestamp);
    }
    columns.push_back(BooleanColumn(shown));
    columns.push_back(BigintColumn(touched));
    columns.push_back(BigintColumn(numbers));
    return std::make_shared<const Batch>(RankingState(*plan_).Row(), count, std::move(columns));
  }

  Status LoadRows(const BatchPtr& saved) {
    const auto per = static_cast<std::ptrdiff_t>(plan_->per.size());
    const auto inputs = static_cast<std::ptrdiff_t>(plan_->input->size());
    const auto& all = saved->columns();
    std::vector<ColumnPtr> keys(all.begin(), all.begin() + per);
    const auto batch = std::make_shared<const Batch>(
        plan_->input, saved->rows(), std::vector<ColumnPtr>(all.begin() + per, all.begin() + per + inputs));
    std::vector<RowFailure> failures;
    if (plan_->windowed()) {
      keys.push_back(batch->column(plan_->window_end));
      ReadRowTimes(*keys.back(), -1, &times_, &failures);
    }
    const std::vector<ColumnPtr> columns = RowColumns(*batch, &failures);
    if (!failures.empty()) return Status::Corruption("a saved row of 'top' cannot be computed again");
    const Selection rows = RowsWithout(saved->rows(), failures);
    const int64_t* touched = all[static_cast<size_t>(per + inputs) + 1]->values<int64_t>();
    Take(batch, keys, columns, rows);
    changes_.clear();  // what is shown was shown before
    groups_.FreeDropped();
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      if (all[static_cast<size_t>(per + inputs)]->Bool(row)) groups_.set_shown(slots_[i]);
      if (expiry_) expiry_->Restore(slots_[i], touched[row]);
    }
    return Status::Ok();
  }

  std::shared_ptr<const RankingPlan> plan_;
  RankedGroups groups_;
  OperatorContext* context_ = nullptr;
  std::vector<Evaluator> per_;
  std::vector<Evaluator> computed_;
  std::optional<GroupExpiry> expiry_;
  std::optional<WindowColumns> windows_;
  std::vector<bool> known_;  // by group: it was told when to be shown
  Groups to_show_;
  Groups to_forget_;
  size_t showing_ = 0;  // groups of the first of to_show_ that were shown
  Timestamp watermark_ = kMinTimestamp;
  std::vector<RankedChange> changes_;
  std::deque<BatchPtr> ready_;
  // Scratch of the batch under way.
  std::vector<int64_t> times_;  // last instant of each row's window
  std::vector<uint64_t> hashes_;
  std::vector<uint64_t> prefixes_;
  std::vector<uint32_t> slots_;

  KeptState rows_state_{
      "rows",
      {[this](const TakeRows& take) { return SaveRows(InOrder(), take); },
       [this](const BatchPtr& rows) { return LoadRows(rows); },
       [this] { return static_cast<int64_t>(groups_.keys().size()); },
       [this] { return groups_.MemoryBytes(); }, [this](int64_t most) { groups_.changes().Track(most); },
       [this] { return groups_.changed_rows(); },
       [this](const TakeRows& removed, const TakeRows& rows) { return SaveChangedRows(removed, rows); },
       [this] { return int64_t{groups_.rows().store().rows()}; }}};
  KeptTime time_state_{&watermark_};
};

}  // namespace

std::vector<DataType> RankingPlan::group_types() const {
  std::vector<DataType> types;
  for (const ExpressionPtr& key : per) types.push_back(key->type());
  if (windowed()) types.push_back(input->field(window_end).type);
  return types;
}

std::vector<DataType> RankingPlan::row_types() const {
  std::vector<DataType> types;
  for (const Field& field : input->fields()) types.push_back(field.type);
  for (const ExpressionPtr& key : computed) types.push_back(key->type());
  return types;
}

StateShape RankingState(const RankingPlan& plan) {
  std::vector<Field> value = plan.input->fields();
  value.push_back({"shown", TypeId::kBoolean});
  value.push_back({"touched_at", TypeId::kBigint});
  value.push_back({"row_of_group", TypeId::kBigint});
  const auto number = static_cast<int>(value.size()) - 1;
  std::map<int, ColumnPtr> open = OpenColumns(0, static_cast<size_t>(plan.input->size()));
  open.emplace(number, nullptr);  // nothing is read from it
  // The group and the order of a row are computed from these again.
  if (plan.windowed()) open.erase(plan.window_end);
  for (size_t i = 0; i < plan.ranks; ++i) open.erase(plan.order[i].column);
  StateShape shape = MakeState("rows", plan.per_schema, std::move(value), std::move(open));
  const int keys = shape.key->size();
  if (plan.windowed()) shape.identity.push_back(keys + plan.window_end);
  for (int key = 0; key < keys; ++key) shape.identity.push_back(key);
  shape.identity.push_back(keys + number);
  return shape;
}

std::unique_ptr<Operator> MakeRanking(std::shared_ptr<const RankingPlan> plan) {
  return std::make_unique<Ranking>(std::move(plan));
}

}  // namespace streamrun
