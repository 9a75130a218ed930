#include "core/data/key_index.h"

#include <bit>

#include "core/data/row_hash.h"

namespace streamrun {

namespace {

// How many rows ahead a slot is fetched: covers a miss to main memory at a few nanoseconds a row.
constexpr int64_t kAhead = 16;

bool AnyNull(const std::vector<ColumnPtr>& keys, int64_t row) {
  for (const ColumnPtr& key : keys) {
    if (key->IsNull(row)) return true;
  }
  return false;
}

template <typename T>
void Widen(const Column& column, int64_t rows, uint64_t* to) {
  const T* values = column.values<T>();
  for (int64_t i = 0; i < rows; ++i) to[i] = static_cast<uint64_t>(static_cast<int64_t>(values[i]));
}

}  // namespace

// Fibonacci hashing: the high bits of the product depend on all bits of the tag. Evenly spaced integer keys
// spread evenly; the tags of other keys are hashes already, which the multiplication does not spoil.
size_t KeyIndex::Place(uint64_t tag) const {
  return static_cast<size_t>((tag * 0x9E3779B97F4A7C15ull) >> shift_);
}

template <typename Equal>
uint32_t KeyIndex::Probe(uint64_t tag, Equal equal) const {
  const size_t mask = slots_.size() - 1;
  for (size_t i = Place(tag);; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.row == kNone || (slot.tag == tag && equal(slot.row))) return slot.row;
  }
}

std::string_view KeyIndex::KeyBytes(uint32_t row) const {
  return std::string_view(key_bytes_).substr(key_ends_[row], key_ends_[row + 1] - key_ends_[row]);
}

void KeyIndex::Tags(const std::vector<ColumnPtr>& keys, int64_t rows) {
  if (kind_ != Kind::kInteger) return HashRows(keys, rows, &tags_);
  tags_.resize(static_cast<size_t>(rows));
  if (keys[0]->type().byte_width() == 4) {
    Widen<int32_t>(*keys[0], rows, tags_.data());
  } else {
    Widen<int64_t>(*keys[0], rows, tags_.data());
  }
}

std::optional<KeyIndex::Duplicate> KeyIndex::Build(std::vector<ColumnPtr> keys, int64_t rows) {
  keys_ = std::move(keys);
  kind_ = Kind::kBytes;
  if (keys_.size() == 1 && keys_[0]->type().is_integer_like()) kind_ = Kind::kInteger;
  if (keys_.size() == 1 && keys_[0]->type().id() == TypeId::kText) kind_ = Kind::kText;
  key_bytes_.clear();
  key_ends_.assign(1, 0);
  if (kind_ == Kind::kBytes) {
    for (int64_t row = 0; row < rows; ++row) {
      AppendKeyBytes(keys_, row, key_bytes_);
      key_ends_.push_back(key_bytes_.size());
    }
  }
  // At most half full, so that a search ends after a slot or two.
  const size_t size = std::bit_ceil(static_cast<size_t>(rows) * 2 + 16);
  slots_.assign(size, Slot{0, kNone});
  shift_ = 64 - std::countr_zero(size);
  Tags(keys_, rows);
  for (int64_t row = 0; row < rows; ++row) {
    if (AnyNull(keys_, row)) continue;
    const uint64_t tag = tags_[static_cast<size_t>(row)];
    const uint32_t other = Probe(tag, [&](uint32_t at) {
      if (kind_ == Kind::kInteger) return true;
      if (kind_ == Kind::kText) return keys_[0]->Text(at) == keys_[0]->Text(row);
      return KeyBytes(at) == KeyBytes(static_cast<uint32_t>(row));
    });
    if (other != kNone) return Duplicate{other, static_cast<uint32_t>(row)};
    size_t i = Place(tag);
    while (slots_[i].row != kNone) i = (i + 1) & (size - 1);
    slots_[i] = {tag, static_cast<uint32_t>(row)};
  }
  return std::nullopt;
}

template <typename Equal>
void KeyIndex::FindEach(const std::vector<ColumnPtr>& keys, int64_t rows, Equal equal,
                        std::vector<uint32_t>* found) {
  bool nulls = false;
  for (const ColumnPtr& key : keys) nulls = nulls || key->has_nulls();
  uint32_t* out = found->data();
  for (int64_t row = 0; row < rows; ++row) {
    if (row + kAhead < rows) __builtin_prefetch(&slots_[Place(tags_[static_cast<size_t>(row + kAhead)])]);
    if (nulls && AnyNull(keys, row)) {
      out[row] = kNone;
    } else {
      out[row] = Probe(tags_[static_cast<size_t>(row)], [&](uint32_t at) { return equal(at, row); });
    }
  }
}

void KeyIndex::Find(const std::vector<ColumnPtr>& keys, int64_t rows, std::vector<uint32_t>* found) {
  found->resize(static_cast<size_t>(rows));
  Tags(keys, rows);
  switch (kind_) {
    case Kind::kInteger:
      return FindEach(
          keys, rows, [](uint32_t, int64_t) { return true; }, found);
    case Kind::kText:
      return FindEach(
          keys, rows, [&](uint32_t at, int64_t row) { return keys_[0]->Text(at) == keys[0]->Text(row); },
          found);
    case Kind::kBytes:
      return FindEach(
          keys, rows,
          [&](uint32_t at, int64_t row) {
            probe_bytes_.clear();
            AppendKeyBytes(keys, row, probe_bytes_);
            return KeyBytes(at) == probe_bytes_;
          },
          found);
  }
}

}  // namespace streamrun
