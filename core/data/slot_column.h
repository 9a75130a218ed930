// Values of one type by slot number: the columns of keyed state, which change in place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/column.h"
#include "core/data/slot_array.h"

namespace streamrun {

/// A column that is written in any order. Texts of up to 12 bytes lie in their slot, longer ones in an arena
/// that is compacted when more than half of it is garbage. Not thread-safe.
class SlotColumn {
 public:
  explicit SlotColumn(DataType type);

  const DataType& type() const { return type_; }
  uint32_t size() const { return size_; }
  /// New slots are null.
  void Resize(uint32_t slots);
  /// Room for so many slots in all, without the long texts.
  void Reserve(uint32_t slots);

  /// Starts to read the values of some slots if they are not in memory (StateSpace::Cold).
  void WillNeed(const uint32_t* slots, int64_t count) const;

  bool IsNull(uint32_t slot) const { return !((present_[slot >> 6] >> (slot & 63)) & 1); }
  void SetNull(uint32_t slot);
  /// The value of a row of a column of the same type.
  void Set(uint32_t slot, const Column& from, int64_t row);
  /// kFixed types; `value` has byte_width() bytes.
  template <typename T>
  void Put(uint32_t slot, const T& value) {
    reinterpret_cast<T*>(fixed_.data())[slot] = value;
    MarkPresent(slot);
  }
  void PutText(uint32_t slot, std::string_view text);
  template <typename T>
  const T* values() const {
    return reinterpret_cast<const T*>(fixed_.data());
  }
  /// kBits types.
  bool Bool(uint32_t slot) const { return fixed_[slot] != 0; }
  /// kVarlen types; valid until the next change.
  std::string_view Text(uint32_t slot) const;

  /// Equal as keys are when they are grouped: null equals null, NaN equals NaN, -0 equals 0, numerics and
  /// jsonb by value.
  bool EqualKey(uint32_t slot, const Column& column, int64_t row) const;
  /// The values of some slots, in that order.
  ColumnPtr Gather(const uint32_t* slots, int64_t count) const;
  size_t MemoryBytes() const;

 private:
  struct TextCell {
    uint32_t length;
    char bytes[12];  // the text, or behind its first 4 bytes the uint64 offset into arena_
  };
  static constexpr uint32_t kInline = sizeof(TextCell::bytes);

  void MarkPresent(uint32_t slot) { present_[slot >> 6] |= uint64_t{1} << (slot & 63); }
  uint64_t ArenaOffset(const TextCell& cell) const;
  void Release(uint32_t slot);
  void Compact();

  DataType type_;
  Layout layout_;
  size_t width_ = 0;
  uint32_t size_ = 0;
  std::vector<uint64_t> present_;
  SlotArray<uint8_t> fixed_;   // kFixed: byte_width() a slot; kBits: a byte a slot
  SlotArray<TextCell> texts_;  // kVarlen
  SlotArray<char> arena_;
  size_t garbage_ = 0;
  std::vector<ColumnPtr> lists_;  // kList: one row each
};

}  // namespace streamrun
