#include "core/data/slot_column.h"

#include <cstring>

#include "core/data/column_builder.h"
#include "core/data/numeric.h"
#include "core/data/row_hash.h"
#include "core/data/selection.h"
#include "core/data/value_order.h"

namespace streamrun {

namespace {

// Below this an arena is not worth compacting.
constexpr size_t kLeastGarbage = 64 * 1024;

}  // namespace

SlotColumn::SlotColumn(DataType type)
    : type_(std::move(type)),
      layout_(type_.layout()),
      width_(layout_ == Layout::kFixed ? static_cast<size_t>(type_.byte_width()) : 1) {}

void SlotColumn::Resize(uint32_t slots) {
  size_ = slots;
  present_.resize((slots + 63) / 64, 0);
  switch (layout_) {
    case Layout::kBits:
    case Layout::kFixed:
      fixed_.Resize(slots * width_);
      break;
    case Layout::kVarlen:
      texts_.Resize(slots);
      break;
    case Layout::kList:
      lists_.resize(slots);
      break;
  }
}

void SlotColumn::Reserve(uint32_t slots) {
  present_.reserve((slots + 63) / 64);
  switch (layout_) {
    case Layout::kBits:
    case Layout::kFixed:
      return fixed_.Reserve(slots * width_);
    case Layout::kVarlen:
      return texts_.Reserve(slots);
    case Layout::kList:
      return lists_.reserve(slots);
  }
}

// Cells first, all at once: where a long text lies is known when its cell has come.
void SlotColumn::WillNeed(const uint32_t* slots, int64_t count) const {
  fixed_.WillNeed(slots, count, width_);
  texts_.WillNeed(slots, count);
  if (layout_ != Layout::kVarlen) return;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t slot = slots[i];
    if (IsNull(slot) || texts_[slot].length <= kInline) continue;
    arena_.WillNeed(ArenaOffset(texts_[slot]), size_t{texts_[slot].length});
  }
}

void SlotColumn::SetNull(uint32_t slot) {
  Release(slot);
  present_[slot >> 6] &= ~(uint64_t{1} << (slot & 63));
}

void SlotColumn::Release(uint32_t slot) {
  if (layout_ == Layout::kList) lists_[slot].reset();
  if (layout_ != Layout::kVarlen || IsNull(slot)) return;
  if (texts_[slot].length > kInline) garbage_ += texts_[slot].length;
  texts_[slot].length = 0;
}

void SlotColumn::Set(uint32_t slot, const Column& from, int64_t row) {
  if (from.IsNull(row)) return SetNull(slot);
  switch (layout_) {
    case Layout::kBits:
      fixed_[slot] = from.Bool(row);
      break;
    case Layout::kFixed:
      std::memcpy(fixed_.data() + slot * width_, from.values<uint8_t>() + static_cast<size_t>(row) * width_,
                  width_);
      break;
    case Layout::kVarlen:
      return PutText(slot, from.Text(row));
    case Layout::kList: {
      // Its own memory: a slice of the batch would keep all of it alive.
      ColumnBuilder builder(type_);
      builder.AppendFrom(from, row);
      lists_[slot] = builder.Finish();
      break;
    }
  }
  MarkPresent(slot);
}

uint64_t SlotColumn::ArenaOffset(const TextCell& cell) const {
  uint64_t offset;
  std::memcpy(&offset, cell.bytes + 4, 8);
  return offset;
}

void SlotColumn::PutText(uint32_t slot, std::string_view text) {
  Release(slot);
  if (garbage_ > kLeastGarbage && garbage_ > arena_.size() / 2) Compact();
  TextCell& cell = texts_[slot];
  cell.length = static_cast<uint32_t>(text.size());
  if (text.size() <= kInline) {
    std::memcpy(cell.bytes, text.data(), text.size());
  } else {
    const uint64_t offset = arena_.size();
    arena_.Append(text.data(), text.size());
    std::memcpy(cell.bytes, text.data(), 4);
    std::memcpy(cell.bytes + 4, &offset, 8);
  }
  MarkPresent(slot);
}

std::string_view SlotColumn::Text(uint32_t slot) const {
  const TextCell& cell = texts_[slot];
  if (cell.length <= kInline) return {cell.bytes, cell.length};
  return {arena_.data() + ArenaOffset(cell), cell.length};
}

void SlotColumn::Compact() {
  SlotArray<char> kept;
  kept.Reserve(arena_.size() - garbage_);
  for (uint32_t slot = 0; slot < size_; ++slot) {
    TextCell& cell = texts_[slot];
    if (IsNull(slot) || cell.length <= kInline) continue;
    const uint64_t offset = kept.size();
    kept.Append(arena_.data() + ArenaOffset(cell), cell.length);
    std::memcpy(cell.bytes + 4, &offset, 8);
  }
  arena_ = std::move(kept);
  garbage_ = 0;
}

bool SlotColumn::EqualKey(uint32_t slot, const Column& column, int64_t row) const {
  if (IsNull(slot) || column.IsNull(row)) return IsNull(slot) && column.IsNull(row);
  switch (type_.id()) {
    case TypeId::kBoolean:
      return Bool(slot) == column.Bool(row);
    case TypeId::kDouble:
      return EqualDouble(values<double>()[slot], column.values<double>()[row]);
    case TypeId::kNumeric:
      return NumericCompare(values<Numeric>()[slot], column.values<Numeric>()[row]) == 0;
    case TypeId::kInterval:
      return IntervalLength(values<Interval>()[slot]) == IntervalLength(column.values<Interval>()[row]);
    case TypeId::kText:
    case TypeId::kBytea:
      return Text(slot) == column.Text(row);
    case TypeId::kJsonb:
    case TypeId::kList: {
      // Equal texts are equal values; different ones may be, so their canonical bytes decide.
      if (type_.id() == TypeId::kJsonb && Text(slot) == column.Text(row)) return true;
      std::string mine;
      std::string theirs;
      AppendKeyBytes({Gather(&slot, 1)}, 0, mine);
      ColumnBuilder one(type_);
      one.AppendFrom(column, row);
      AppendKeyBytes({one.Finish()}, 0, theirs);
      return mine == theirs;
    }
    default:
      return std::memcmp(fixed_.data() + slot * width_,
                         column.values<uint8_t>() + static_cast<size_t>(row) * width_, width_) == 0;
  }
}

ColumnPtr SlotColumn::Gather(const uint32_t* slots, int64_t count) const {
  if (layout_ == Layout::kFixed) {
    BufferBuilder values;
    values.Resize(static_cast<size_t>(count) * width_);
    BufferBuilder validity;
    validity.ResizeZeroed(static_cast<size_t>(count + 7) / 8);
    int64_t nulls = 0;
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(values.data() + static_cast<size_t>(i) * width_, fixed_.data() + slots[i] * width_, width_);
      if (IsNull(slots[i])) {
        ++nulls;
      } else {
        SetBit(validity.data(), i);
      }
    }
    return std::make_shared<const Column>(type_, count, nulls, validity.Finish(), values.Finish());
  }
  ColumnBuilder out(type_);
  out.Reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t slot = slots[i];
    if (IsNull(slot)) {
      out.AppendNull();
    } else if (layout_ == Layout::kBits) {
      out.AppendBool(Bool(slot));
    } else if (layout_ == Layout::kVarlen) {
      out.AppendText(Text(slot));
    } else {
      out.AppendFrom(*lists_[slot], 0);
    }
  }
  return out.Finish();
}

size_t SlotColumn::MemoryBytes() const {
  size_t bytes = present_.capacity() * 8 + fixed_.MemoryBytes() + texts_.MemoryBytes() +
                 arena_.MemoryBytes() + lists_.capacity() * sizeof(ColumnPtr);
  for (const ColumnPtr& list : lists_) bytes += list ? list->ByteSize() + sizeof(Column) : 0;
  return bytes;
}

}  // namespace streamrun
