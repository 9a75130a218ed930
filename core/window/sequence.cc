#include "core/window/sequence.h"

#include <algorithm>

#include "core/stream/projection.h"
#include "core/window/aggregation_state.h"
#include "core/window/row_times.h"
#include "core/window/waiting_rows.h"

namespace streamrun {

namespace {

constexpr int64_t kBatchRows = 8192;

}  // namespace

std::vector<DataType> SequencePlan::key_types() const {
  std::vector<DataType> types;
  for (const ExpressionPtr& key : by) types.push_back(key->type());
  return types;
}

StateShape WaitingState(const SequencePlan& plan) {
  return WaitingState(plan.by_schema, plan.input->fields(), plan.input->event_time);
}

StateShape SequenceState(const SequencePlan& plan, SequenceValues values) {
  std::map<int, ColumnPtr> open;
  for (auto& [column, initial] : values.open) open.emplace(column + 1, std::move(initial));
  values.fields.insert(values.fields.begin(), {"last", TypeId::kBigint});
  StateShape shape = MakeState("keys", plan.by_schema, std::move(values.fields), std::move(open));
  shape.IdentifyByKeyAnd(0);
  return shape;
}

Sequence::Sequence(const SequencePlan& plan, SequenceValues values)
    : plan_(plan),
      keys_shape_(SequenceState(plan, std::move(values))),
      keys_schema_(keys_shape_.Row()),
      keys_(plan.key_types()),
      waiting_state_("waiting",
                     {[this](const TakeRows& take) { return SaveWaiting(take); },
                      [this](const BatchPtr& rows) { return LoadWaiting(rows); },
                      [this] { return waiting_.rows(); }, [this] { return waiting_.MemoryBytes(); }}),
      keys_state_("keys",
                  {[this](const TakeRows& take) { return SaveKeys(InOrder(keys_.Live()), take); },
                   [this](const BatchPtr& rows) { return LoadKeys(rows); },
                   [this] { return static_cast<int64_t>(keys_.size()); },
                   [this] { return StateBytes() - waiting_.MemoryBytes(); },
                   [this](int64_t most) { changes_.Track(most); }, [this] { return changes_.count(); },
                   [this](const TakeRows& removed, const TakeRows& rows) {
                     return SaveChangedKeys(removed, rows);
                   }}) {}

Status Sequence::Open(OperatorContext& context) {
  for (const ExpressionPtr& key : plan_.by) by_.emplace_back(key, context.env);
  for (const ExpressionPtr& checked : plan_.checked) checked_.emplace_back(checked, context.env);
  Prepare(context);
  context.Keep(&waiting_state_);
  context.Keep(&keys_state_);
  context.Keep(&time_state_);
  return Status::Ok();
}

Result<Outcome> Sequence::Process(int, const BatchPtr& batch, Output& out) {
  std::vector<RowFailure> failures;
  Keys(*batch, &failures);
  for (Evaluator& checked : checked_) {
    std::vector<RowFailure> failed;
    checked.Evaluate(batch->columns(), batch->rows(), &failed);
    MergeFailures(std::move(failed), &failures);
  }
  std::vector<RowFailure> timeless;
  ReadRowTimes(*batch->column(plan_.input->event_time), plan_.time_bias(), &times_, &timeless);
  MergeFailures(std::move(timeless), &failures);
  const Selection rows = InTime(batch, failures, out);
  waiting_.Add(batch, rows, times_);
  out.Count(Fate::kAbsorbed, static_cast<int64_t>(rows.size()));
  if (!failures.empty()) out.Fail(batch, std::move(failures));
  SR_RETURN_IF_ERROR(CheckSize());
  return Drain(out);
}

std::vector<ColumnPtr> Sequence::Keys(const Batch& batch, std::vector<RowFailure>* failures) {
  std::vector<ColumnPtr> keys;
  for (Evaluator& key : by_) {
    std::vector<RowFailure> failed;
    keys.push_back(key.Evaluate(batch.columns(), batch.rows(), &failed));
    MergeFailures(std::move(failed), failures);
  }
  return keys;
}

Selection Sequence::InTime(const BatchPtr& batch, const std::vector<RowFailure>& failures, Output& out) {
  return streamrun::InTime(batch, failures, times_, watermark_, watermark_, plan_.late, out);
}

Result<Outcome> Sequence::OnWatermark(Timestamp time, Output& out) {
  watermark_ = std::max(watermark_, time);
  return Drain(out);
}

Result<Outcome> Sequence::OnEndOfStream(bool complete, Output& out) {
  if (complete) {
    watermark_ = kMaxTimestamp;
    ended_ = true;
  }
  return Drain(out);
}

// One batch of rows that the watermark has passed, or of finished ones.
Result<Outcome> Sequence::Drain(Output& out) {
  if (EmitFinished(out)) return Outcome::kHaveMore;
  Ordered rows;
  rows.batch = waiting_.Release(watermark_, kBatchRows, &rows.times);
  if (rows.batch) {
    FindKeys(&rows);
    Follow(rows, out);
    return Outcome::kHaveMore;
  }
  FinishSilent();
  return EmitFinished(out) ? Outcome::kHaveMore : Outcome::kNeedInput;
}

void Sequence::FindKeys(Ordered* rows) {
  std::vector<RowFailure> none;  // rows that fail were refused
  rows->keys = Keys(*rows->batch, &none);
  const int64_t count = rows->batch->rows();
  keys_.Hash(rows->keys, count, &rows->hashes);
  rows->slots.resize(static_cast<size_t>(count));
  keys_.FindOrInsert(rows->keys, rows->hashes, nullptr, count, rows->slots.data());
  changes_.Mark(rows->slots);
  last_.Resize(keys_.slots(), kMinTimestamp);
  Grow(keys_.slots());
  rows->before.resize(static_cast<size_t>(count));
  for (size_t i = 0; i < rows->slots.size(); ++i) {
    const Timestamp last = last_[rows->slots[i]];
    const Timestamp time = rows->times[i];
    const bool anew = last == kMinTimestamp || (plan_.silence > 0 && time - last >= plan_.silence);
    rows->before[i] = anew ? kMinTimestamp : last;
    SetLast(rows->slots[i], time);
  }
}

void Sequence::SetLast(uint32_t key, Timestamp time) {
  if (last_[key] == kMinTimestamp) {
    if (serials_.size() < last_.size()) serials_.Resize(last_.size());
    serials_[key] = serial_++;
    if (plan_.silence > 0) ends_.push({time, serials_[key], key});
  }
  last_[key] = time;
}

// Forgets the keys whose silence the watermark has passed; at the end of the input all are finished.
void Sequence::FinishSilent() {
  if (plan_.silence == 0) {
    if (!ended_) return;
    ended_ = false;
    for (const uint32_t key : InOrder(keys_.Live())) Finish(key);
    return;
  }
  std::vector<uint32_t> silent;
  while (!ends_.empty() && watermark_ != kMinTimestamp) {
    const auto [last, serial, key] = ends_.top();
    if (watermark_ != kMaxTimestamp && last > watermark_ - plan_.silence) break;
    ends_.pop();
    if (last_[key] != last) {
      ends_.push({last_[key], serial, key});
      continue;
    }
    Finish(key);
    last_[key] = kMinTimestamp;
    silent.push_back(key);
  }
  Forget(silent);
}

void Sequence::Forget(const std::vector<uint32_t>& keys) {
  if (changes_.on()) changes_.Remove(keys_.Gather(keys), static_cast<int64_t>(keys.size()));
  for (const uint32_t key : keys) keys_.Erase(key);
}

size_t Sequence::StateBytes() const {
  return waiting_.MemoryBytes() + keys_.MemoryBytes() + last_.MemoryBytes() + ends_.size() * sizeof(End) +
         serials_.MemoryBytes() + ValueBytes();
}

Status Sequence::CheckSize() const {
  if (plan_.max_state == 0) return Status::Ok();
  const size_t bytes = StateBytes();
  if (bytes <= static_cast<size_t>(plan_.max_state)) return Status::Ok();
  return Status::ResourceExhausted("its state has grown to " + std::to_string(bytes) +
                                   " bytes, above the max_state of " + std::to_string(plan_.max_state) +
                                   "; raise max_state, or let the watermark follow closer");
}

Status Sequence::SaveWaiting(const TakeRows& take) {
  return waiting_.Save([&](const BatchPtr& rows, const std::vector<int64_t>&) {
    std::vector<RowFailure> none;
    return take(ToWaitingState(WaitingState(plan_), Keys(*rows, &none), *rows));
  });
}

Status Sequence::LoadWaiting(const BatchPtr& rows) {
  const BatchPtr batch = FromWaitingState(WaitingState(plan_), rows, plan_.input);
  std::vector<RowFailure> failures;
  ReadRowTimes(*batch->column(plan_.input->event_time), plan_.time_bias(), &times_, &failures);
  if (!failures.empty()) return Status::Corruption("a saved row has no event time");
  waiting_.Add(batch, RowsWithout(batch->rows(), {}), times_);
  return Status::Ok();
}

// As they began: restored in this order they finish in the same order.
std::vector<uint32_t> Sequence::InOrder(std::vector<uint32_t> keys) const {
  std::sort(keys.begin(), keys.end(),
            [this](uint32_t a, uint32_t b) { return static_cast<int32_t>(serials_[a] - serials_[b]) < 0; });
  return keys;
}

Status Sequence::SaveKeys(const std::vector<uint32_t>& keys, const TakeRows& take) const {
  return InPieces(keys, static_cast<size_t>(kBatchRows), [&](const std::vector<uint32_t>& slots) {
    const auto count = static_cast<int64_t>(slots.size());
    std::vector<ColumnPtr> columns = keys_.Gather(slots);
    std::vector<int64_t> last;
    last.reserve(slots.size());
    for (const uint32_t slot : slots) last.push_back(last_[slot]);
    columns.push_back(BigintColumn(last));
    for (ColumnPtr& column : SaveValues(slots)) columns.push_back(std::move(column));
    return take(std::make_shared<const Batch>(keys_schema_, count, std::move(columns)));
  });
}

Status Sequence::SaveChangedKeys(const TakeRows& removed, const TakeRows& rows) const {
  SR_RETURN_IF_ERROR(SaveRemoved(changes_, keys_shape_, removed));
  return SaveKeys(InOrder(changes_.Marked([this](uint32_t key) { return keys_.Holds(key); })), rows);
}

std::vector<uint32_t> Sequence::SlotsOf(const std::vector<ColumnPtr>& keys, int64_t rows) {
  std::vector<uint32_t> slots = keys_.FindOrInsert(keys, rows);
  last_.Resize(keys_.slots(), kMinTimestamp);
  Grow(keys_.slots());
  return slots;
}

Status Sequence::LoadKeys(const BatchPtr& rows) {
  const auto keys = static_cast<std::ptrdiff_t>(plan_.by.size());
  const auto& all = rows->columns();
  const std::vector<ColumnPtr> columns(all.begin(), all.begin() + keys);
  const std::vector<uint32_t> slots = SlotsOf(columns, rows->rows());
  const auto* last = all[static_cast<size_t>(keys)]->values<int64_t>();
  for (size_t i = 0; i < slots.size(); ++i) SetLast(slots[i], last[i]);
  LoadValues(slots, {all.begin() + keys + 1, all.end()});
  return Status::Ok();
}

}  // namespace streamrun
