#include "core/window/pre_aggregation.h"

#include <algorithm>
#include <deque>
#include <map>

#include "core/agg/row_states.h"
#include "core/window/kept_time.h"
#include "core/window/row_dealer.h"

namespace streamrun {

namespace {

// Groups held at most: their states stay in the cache of a core.
constexpr uint32_t kMaxGroups = 1 << 16;
// Rows after which the combiner looks whether it pays, and the least rows for a group that do.
constexpr int64_t kTrial = 32'768;
constexpr int64_t kLeastRows = 2;
// Rows of a batch that is handed out.
constexpr size_t kChunk = 8192;
// Longest that a row waits for company.
constexpr Duration kLinger = 5 * kMillisecond;

class PreAggregation final : public Operator {
 public:
  PreAggregation(AggregationPlanPtr plan, SchemaPtr partial)
      : plan_(std::move(plan)),
        partial_(std::move(partial)),
        hasher_(plan_->key_types),
        dealer_(*plan_),
        windows_(dealer_.windows()) {}

  Status Open(OperatorContext& context) override {
    context_ = &context;
    input_.emplace(plan_->keys, plan_->calls, context.env);
    context.Keep(&time_state_);
    return Status::Ok();
  }

  Result<Outcome> Process(int, const BatchPtr& batch, Output& out) override {
    std::vector<RowFailure> failures;
    dealer_.ReadTimes(*batch, kMinTimestamp, &failures);
    input_->Evaluate(batch, hasher_, &failures);
    const Timestamp closed =
        watermark_ == kMinTimestamp || watermark_ == kMaxTimestamp ? watermark_ : watermark_ + 1;
    for (const auto& [start, rows] : dealer_.Deal(batch, failures, closed, watermark_, out)) {
      if (rows.added.empty()) continue;
      const bool all = rows.added.size() == static_cast<size_t>(batch->rows());
      Combine(start, all ? nullptr : rows.added.data(), static_cast<int64_t>(rows.added.size()));
    }
    rows_since_timer_ += batch->rows();
    if (!failures.empty()) out.Fail(batch, std::move(failures));
    if (groups_ > kMaxGroups) FlushAll();
    if (held_since_ == kMaxTimestamp && groups_ > 0) held_since_ = context_->ProcessingTime();
    return Drain(out);
  }

  Result<Outcome> Continue(Output& out) override { return Drain(out); }

  // A slice whose groups are held must not be closed behind the exchange before they are there.
  Result<Outcome> OnWatermark(Timestamp time, Output& out) override {
    watermark_ = std::max(watermark_, time);
    while (!slices_.empty() && windows_ && windows_->End(slices_.begin()->first) - 1 <= watermark_) {
      Flush(slices_.begin()->first, *slices_.begin()->second);
      slices_.erase(slices_.begin());
    }
    return Drain(out);
  }

  // Groups are not kept but given: behind the exchange they are state.
  Result<Outcome> OnBarrier(Output& out) override {
    FlushAll();
    return Drain(out);
  }

  Result<Outcome> OnEndOfStream(bool, Output& out) override {
    FlushAll();
    return Drain(out);
  }

  Timestamp NextTimer() const override {
    return held_since_ == kMaxTimestamp ? kMaxTimestamp : held_since_ + kLinger;
  }
  Result<Outcome> OnTimer(Timestamp, Output& out) override {
    // While rows keep coming company is worth more than haste.
    if (rows_since_timer_ > kTrial && groups_ <= kMaxGroups) {
      held_since_ = context_->ProcessingTime();
      rows_since_timer_ = 0;
    } else {
      FlushAll();
    }
    return Drain(out);
  }

 private:
  void Combine(Timestamp start, const uint32_t* rows, int64_t count) {
    if (!pays_) return PassOn(start, rows, count);
    std::unique_ptr<GroupTable>& table = slices_[start];
    if (!table) table = std::make_unique<GroupTable>(plan_->key_types, plan_->calls);
    const uint32_t before = table->keys().size();
    table->Add(*input_, rows, count, &slots_);
    const uint32_t made = table->keys().size() - before;
    groups_ += made;
    tried_rows_ += count;
    tried_groups_ += made;
    if (tried_rows_ < kTrial) return;
    pays_ = tried_groups_ * kLeastRows <= tried_rows_;
    tried_rows_ = tried_groups_ = 0;
    if (!pays_) FlushAll();
  }

  // Every row its own group: no look-up. Now and then it is tried again whether keys repeat.
  void PassOn(Timestamp start, const uint32_t* rows, int64_t count) {
    for (int64_t begin = 0; begin < count; begin += static_cast<int64_t>(kChunk)) {
      const int64_t end = std::min(count, begin + static_cast<int64_t>(kChunk));
      Selection some;
      for (int64_t i = begin; i < end; ++i) some.push_back(rows ? rows[i] : static_cast<uint32_t>(i));
      Push(start, StatesOfRows(plan_->calls, *input_, some), end - begin);
    }
    tried_rows_ += count;
    if (tried_rows_ < kTrial * 64) return;
    tried_rows_ = tried_groups_ = 0;
    pays_ = true;
  }

  void FlushAll() {
    for (const auto& [start, table] : slices_) Flush(start, *table);
    slices_.clear();
    groups_ = 0;
    rows_since_timer_ = 0;
    held_since_ = kMaxTimestamp;
  }

  void Flush(Timestamp start, const GroupTable& table) {
    const std::vector<uint32_t> live = table.keys().Live();
    for (size_t begin = 0; begin < live.size(); begin += kChunk) {
      const auto end = std::min(live.size(), begin + kChunk);
      const std::vector<uint32_t> some(live.begin() + static_cast<std::ptrdiff_t>(begin),
                                       live.begin() + static_cast<std::ptrdiff_t>(end));
      Push(start, table.Save(some), static_cast<int64_t>(some.size()));
    }
    groups_ -= std::min(groups_, static_cast<uint32_t>(live.size()));
    if (groups_ == 0) held_since_ = kMaxTimestamp;
  }

  void Push(Timestamp start, std::vector<ColumnPtr> columns, int64_t rows) {
    BufferBuilder starts;
    starts.Resize(static_cast<size_t>(rows) * 8);
    std::fill_n(starts.as<int64_t>(), rows, start);
    columns.insert(columns.begin(), std::make_shared<const Column>(DataType(TypeId::kBigint), rows, 0,
                                                                   nullptr, starts.Finish()));
    ready_.push_back(std::make_shared<const Batch>(partial_, rows, std::move(columns)));
  }

  Result<Outcome> Drain(Output& out) {
    if (ready_.empty()) return Outcome::kNeedInput;
    out.Emit(Output::kOk, std::move(ready_.front()));
    ready_.pop_front();
    return ready_.empty() ? Outcome::kNeedInput : Outcome::kHaveMore;
  }

  AggregationPlanPtr plan_;
  SchemaPtr partial_;
  KeyTable hasher_;  // empty: hashes keys for all slices
  RowDealer dealer_;
  const Slices* windows_;
  OperatorContext* context_ = nullptr;
  std::optional<GroupInput> input_;

  std::map<Timestamp, std::unique_ptr<GroupTable>> slices_;
  uint32_t groups_ = 0;
  Timestamp watermark_ = kMinTimestamp;
  Timestamp held_since_ = kMaxTimestamp;
  int64_t rows_since_timer_ = 0;
  bool pays_ = true;
  int64_t tried_rows_ = 0;
  int64_t tried_groups_ = 0;
  std::deque<BatchPtr> ready_;

  std::vector<uint32_t> slots_;  // scratch of the batch under way

  KeptTime time_state_{&watermark_};  // rows behind it are late after a restore too
};

}  // namespace

bool CanPreAggregate(const AggregationPlan& plan) {
  const bool once = plan.emit == AggregationPlan::Emit::kOnClose && plan.allowed_lateness == 0;
  const bool sliced = !plan.windowed() || plan.window.by_time();
  const auto merges = [](const AggregateCall& call) {
    return !call.distinct && call.order.empty() && !call.function->has(kOrderMatters);
  };
  return once && sliced && !plan.window.processing_time && !plan.input->changes &&
         std::all_of(plan.calls.begin(), plan.calls.end(), merges);
}

SchemaPtr PartialSchema(const AggregationPlan& plan) {
  std::vector<Field> fields{{"slice", TypeId::kBigint}};
  for (const DataType& type : GroupTable::StateTypes(plan.key_types, plan.calls)) {
    fields.push_back({"c" + std::to_string(fields.size()), type});
  }
  return std::make_shared<const Schema>(std::move(fields));
}

std::unique_ptr<Operator> MakePreAggregation(AggregationPlanPtr plan, SchemaPtr partial) {
  return std::make_unique<PreAggregation>(std::move(plan), std::move(partial));
}

}  // namespace streamrun
