#include "core/window/gap_filler.h"

#include <algorithm>
#include <cmath>

#include "core/data/column_builder.h"
#include "core/data/selection.h"

namespace streamrun {

namespace {

std::vector<DataType> KeyTypes(const GapFillPlan& plan) {
  std::vector<DataType> types;
  types.reserve(static_cast<size_t>(plan.keys));
  for (int k = 0; k < plan.keys; ++k) types.push_back(plan.slots->field(2 + k).type);
  return types;
}

// Between two integers; neither overflows, as the result lies between them.
int64_t Between(int64_t from, int64_t to, int64_t step, int64_t steps) {
  const __int128 difference = static_cast<__int128>(to) - from;
  const __int128 part = difference * step;
  const __int128 half = part >= 0 ? steps / 2 : -(steps / 2);
  return static_cast<int64_t>(from + (part + half) / steps);
}

// Without the overflow that to - from may have.
double Between(double from, double to, int64_t step, int64_t steps) {
  const double share = static_cast<double>(step) / static_cast<double>(steps);
  return from * (1 - share) + to * share;
}

template <typename T>
void AppendLine(const SlotColumn& last, uint32_t slot, const Column& next, uint32_t row, int64_t first,
                int64_t count, int64_t steps, ColumnBuilder* out) {
  using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
  const Wide from = last.values<T>()[slot];
  const Wide to = next.values<T>()[row];
  for (int64_t i = 0; i < count; ++i) out->Append(static_cast<T>(Between(from, to, first + i, steps)));
}

}  // namespace

StateShape GapFillPlan::State() const {
  const auto& fields = slots->fields();
  const auto values = fields.begin() + 2 + keys;
  std::vector<Field> value{{"slot_end", TypeId::kBigint}};
  for (auto field = values; field != fields.end(); ++field) {
    value.push_back({texts[static_cast<size_t>(field - values)], field->type});
  }
  StateShape shape =
      MakeState("last_slots", std::make_shared<const Schema>(std::vector<Field>(fields.begin() + 2, values)),
                std::move(value), OpenColumns(1, texts.size()));
  shape.IdentifyByKeyAnd(0);
  shape.version = shape.oldest = 2;  // 1 told values by the names of their columns
  return shape;
}

// A key is past its time when `every` more than the longest gap has gone by since its last slot ended: the
// slots that may still come begin at least that late.
GapFiller::GapFiller(const GapFillPlan& plan)
    : plan_(plan), series_(KeyTypes(plan)), expiry_(plan.max_gap + plan.every) {
  for (int c = 2 + plan.keys; c < plan.slots->size(); ++c) values_.emplace_back(plan.slots->field(c).type);
}

void GapFiller::Find(const std::vector<ColumnPtr>& keys, int64_t rows) {
  found_ = series_.FindOrInsert(keys, rows);
  if (series_.slots() <= ends_.size()) return;
  ends_.resize(series_.slots(), kMinTimestamp);
  for (SlotColumn& column : values_) column.Resize(series_.slots());
}

void GapFiller::Take(BatchPtr batch) {
  batch_ = std::move(batch);
  row_ = 0;
  filled_ = 0;
  const auto keys = batch_->columns().begin() + 2;
  Find({keys, keys + plan_.keys}, batch_->rows());
}

// Slots to be filled before the row's, given its key's last slot.
int64_t GapFiller::GapBefore(uint32_t row) const {
  const Timestamp end = ends_[found_[row]];
  const Timestamp start = batch_->column(0)->values<int64_t>()[row];
  if (end == kMinTimestamp || start <= end || start - end > plan_.max_gap) return 0;
  return (start - end) / plan_.every;
}

// Where every key is there once, each row can be looked at before the others are remembered.
bool GapFiller::HasGaps() const {
  const int64_t* starts = batch_->column(0)->values<int64_t>();
  for (uint32_t row = 0; row < batch_->rows(); ++row) {
    if (starts[row] != starts[0] || GapBefore(row) > 0) return true;
  }
  return false;
}

BatchPtr GapFiller::Whole() {
  // All are of one slot, and most come from one.
  const Timestamp end = batch_->column(1)->values<int64_t>()[0];
  Timestamp left = kMinTimestamp;
  int64_t keys = 0;
  for (uint32_t row = 0; row < batch_->rows(); ++row) {
    if (ends_[found_[row]] != left) {
      Leave(left, keys);
      left = ends_[found_[row]];
      keys = 0;
    }
    ++keys;
    Remember(row);
  }
  Leave(left, keys);
  keys_by_end_[end] += batch_->rows();
  for (const uint32_t slot : found_) expiry_.Touch(slot, end);
  std::vector<ColumnPtr> columns = batch_->columns();
  if (plan_.marks_filled()) {
    ColumnBuilder filled{DataType(TypeId::kBoolean)};
    for (int64_t row = 0; row < batch_->rows(); ++row) filled.AppendBool(false);
    columns.push_back(filled.Finish());
  }
  const int64_t rows = batch_->rows();
  batch_ = nullptr;
  return std::make_shared<const Batch>(plan_.output, rows, std::move(columns));
}

BatchPtr GapFiller::Next(int64_t most) {
  if (row_ == 0 && filled_ == 0 && !HasGaps()) return Whole();
  std::vector<ColumnBuilder> columns;
  for (const Field& field : plan_.output->fields()) columns.emplace_back(field.type);
  while (row_ < batch_->rows() && columns[0].length() < most) {
    const int64_t gap = GapBefore(row_) - filled_;
    const int64_t count = std::min(gap, most - columns[0].length());
    AppendFills(row_, count, &columns);
    filled_ += count;
    if (count < gap) break;
    AppendRow(row_, &columns);
    const uint32_t slot = found_[row_];
    Leave(ends_[slot], 1);
    Remember(row_);
    ++keys_by_end_[ends_[slot]];
    expiry_.Touch(slot, ends_[slot]);
    ++row_;
    filled_ = 0;
  }
  if (row_ == batch_->rows()) batch_ = nullptr;
  const int64_t rows = columns[0].length();
  std::vector<ColumnPtr> finished;
  finished.reserve(columns.size());
  for (ColumnBuilder& column : columns) finished.push_back(column.Finish());
  return std::make_shared<const Batch>(plan_.output, rows, std::move(finished));
}

void GapFiller::AppendRow(uint32_t row, std::vector<ColumnBuilder>* columns) {
  for (int c = 0; c < plan_.slots->size(); ++c) {
    (*columns)[static_cast<size_t>(c)].AppendFrom(*batch_->column(c), row);
  }
  if (plan_.marks_filled()) columns->back().AppendBool(false);
}

void GapFiller::AppendFills(uint32_t row, int64_t count, std::vector<ColumnBuilder>* columns) {
  if (count == 0) return;
  const Timestamp first = ends_[found_[row]] + filled_ * plan_.every;
  for (int64_t i = 0; i < count; ++i) {
    (*columns)[0].Append(first + i * plan_.every);
    (*columns)[1].Append(first + (i + 1) * plan_.every);
    for (int c = 2; c < 2 + plan_.keys; ++c) {
      (*columns)[static_cast<size_t>(c)].AppendFrom(*batch_->column(c), row);
    }
    if (plan_.marks_filled()) columns->back().AppendBool(true);
  }
  for (size_t value = 0; value < values_.size(); ++value) {
    AppendFilled(value, row, count, &(*columns)[2 + static_cast<size_t>(plan_.keys) + value]);
  }
}

void GapFiller::AppendFilled(size_t value, uint32_t row, int64_t count, ColumnBuilder* column) {
  const Fill& fill = plan_.fills[value];
  const SlotColumn& last = values_[value];
  const uint32_t slot = found_[row];
  const Column& next = *batch_->column(2 + plan_.keys + static_cast<int>(value));
  if (fill.kind == Fill::Kind::kConstant) {
    for (int64_t i = 0; i < count; ++i) fill.constant.AppendTo(*column);
  } else if (fill.kind == Fill::Kind::kLast) {
    const ColumnPtr one = last.Gather(&slot, 1);
    for (int64_t i = 0; i < count; ++i) column->AppendFrom(*one, 0);
  } else if (fill.kind == Fill::Kind::kNull || last.IsNull(slot) || next.IsNull(row)) {
    for (int64_t i = 0; i < count; ++i) column->AppendNull();
  } else {
    const int64_t steps = GapBefore(row) + 1;
    switch (last.type().id()) {
      case TypeId::kInteger:
        return AppendLine<int32_t>(last, slot, next, row, filled_ + 1, count, steps, column);
      case TypeId::kBigint:
        return AppendLine<int64_t>(last, slot, next, row, filled_ + 1, count, steps, column);
      default:
        return AppendLine<double>(last, slot, next, row, filled_ + 1, count, steps, column);
    }
  }
}

void GapFiller::Remember(uint32_t row) {
  const uint32_t slot = found_[row];
  const Timestamp end = batch_->column(1)->values<int64_t>()[row];
  ends_[slot] = end;
  changes_.Mark(slot);
  for (size_t value = 0; value < values_.size(); ++value) {
    values_[value].Set(slot, *batch_->column(2 + plan_.keys + static_cast<int>(value)), row);
  }
}

void GapFiller::Leave(Timestamp end, int64_t keys) {
  const auto found = keys_by_end_.find(end);
  if (found != keys_by_end_.end() && (found->second -= keys) == 0) keys_by_end_.erase(found);
}

void GapFiller::Forget(Timestamp end) {
  const std::vector<uint32_t> expired = expiry_.Take(end);
  if (changes_.on()) changes_.Remove(series_.Gather(expired), static_cast<int64_t>(expired.size()));
  for (const uint32_t slot : expired) {
    series_.Erase(slot);
    Leave(ends_[slot], 1);
    ends_[slot] = kMinTimestamp;
  }
}

Timestamp GapFiller::FilledUntil(Timestamp end) const {
  if (keys_by_end_.empty()) return end;
  // The slot behind the last one of the key that has been silent for longest.
  return std::min(end, keys_by_end_.begin()->first + plan_.every - 1);
}

size_t GapFiller::MemoryBytes() const {
  size_t bytes =
      series_.MemoryBytes() + ends_.capacity() * 8 + keys_by_end_.size() * 64 + expiry_.MemoryBytes();
  for (const SlotColumn& column : values_) bytes += column.MemoryBytes();
  return bytes;
}

Status GapFiller::SaveChanges(const TakeRows& removed, const TakeRows& rows) const {
  SR_RETURN_IF_ERROR(SaveRemoved(changes_, plan_.State(), removed));
  return SaveSome(changes_.Marked([this](uint32_t slot) { return series_.Holds(slot); }), rows);
}

Status GapFiller::SaveSome(const std::vector<uint32_t>& some, const TakeRows& take) const {
  const SchemaPtr schema = plan_.State().Row();
  return InPieces(some, 8192, [&](const std::vector<uint32_t>& slots) {
    const auto rows = static_cast<int64_t>(slots.size());
    std::vector<ColumnPtr> columns = series_.Gather(slots);
    ColumnBuilder ends{DataType(TypeId::kBigint)};
    for (const uint32_t slot : slots) ends.Append(ends_[slot]);
    columns.push_back(ends.Finish());
    for (const SlotColumn& value : values_) columns.push_back(value.Gather(slots.data(), rows));
    return take(std::make_shared<const Batch>(schema, rows, std::move(columns)));
  });
}

Status GapFiller::Load(const BatchPtr& rows) {
  const auto begin = rows->columns().begin();
  Find({begin, begin + plan_.keys}, rows->rows());
  const int64_t* ends = rows->column(plan_.keys)->values<int64_t>();
  for (uint32_t row = 0; row < rows->rows(); ++row) {
    const uint32_t slot = found_[row];
    ends_[slot] = ends[row];
    for (size_t v = 0; v < values_.size(); ++v) {
      values_[v].Set(slot, *rows->column(plan_.keys + 1 + static_cast<int>(v)), row);
    }
    ++keys_by_end_[ends[row]];
    expiry_.Touch(slot, ends[row]);
  }
  return Status::Ok();
}

}  // namespace streamrun
