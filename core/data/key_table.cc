#include "core/data/key_table.h"

#include <bit>

#include "core/data/row_hash.h"
#include "core/data/state_space.h"

namespace streamrun {

namespace {

// How many rows ahead an entry is fetched: covers a miss to main memory at a few nanoseconds a row.
constexpr int64_t kAhead = 16;
constexpr size_t kFirstEntries = 16;

// The finaliser of MurmurHash3: every bit of the key reaches every bit of the result.
uint64_t Mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

template <typename T>
void MixAll(const Column& column, int64_t rows, uint64_t* out) {
  const T* values = column.values<T>();
  for (int64_t i = 0; i < rows; ++i) out[i] = Mix(static_cast<uint64_t>(static_cast<int64_t>(values[i])));
  if (!column.has_nulls()) return;
  for (int64_t i = 0; i < rows; ++i) {
    if (column.IsNull(i)) out[i] = Mix(0x6e756c6cull);
  }
}

}  // namespace

KeyTable::KeyTable(const std::vector<DataType>& key_types) {
  for (const DataType& type : key_types) keys_.emplace_back(type);
  integer_ = key_types.size() == 1 && key_types[0].is_integer_like();
  entries_.assign(kFirstEntries, Entry{0, kNone});
  shift_ = 32 - std::countr_zero(kFirstEntries);
}

void KeyTable::Hash(const std::vector<ColumnPtr>& keys, int64_t rows, std::vector<uint64_t>* hashes) const {
  if (!integer_) {
    if (keys.empty()) return hashes->assign(static_cast<size_t>(rows), 0);
    return HashRows(keys, rows, hashes);
  }
  hashes->resize(static_cast<size_t>(rows));
  if (keys[0]->type().byte_width() == 4) {
    MixAll<int32_t>(*keys[0], rows, hashes->data());
  } else {
    MixAll<int64_t>(*keys[0], rows, hashes->data());
  }
}

bool KeyTable::Equal(uint32_t slot, const std::vector<ColumnPtr>& keys, int64_t row) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!keys_[i].EqualKey(slot, *keys[i], row)) return false;
  }
  return true;
}

// `missing(place, tag, row)` says what stands for a key that is not there.
template <typename Equals, typename Missing>
void KeyTable::Probe(const std::vector<uint64_t>& hashes, const uint32_t* rows, int64_t count,
                     uint32_t* slots, const Equals& equals, const Missing& missing) const {
  for (int64_t i = 0; i < count; ++i) {
    if (i + kAhead < count) {
      const size_t ahead = rows ? rows[i + kAhead] : static_cast<size_t>(i + kAhead);
      __builtin_prefetch(&entries_[Place(Tag(hashes[ahead]))]);
    }
    const size_t row = rows ? rows[i] : static_cast<size_t>(i);
    const uint32_t tag = Tag(hashes[row]);
    const size_t mask = entries_.size() - 1;
    for (size_t place = Place(tag);; place = (place + 1) & mask) {
      const Entry entry = entries_[place];
      if (entry.slot == kNone) {
        slots[i] = missing(place, tag, row);
        break;
      }
      if (entry.tag == tag && equals(entry.slot, row)) {
        slots[i] = entry.slot;
        break;
      }
    }
  }
}

template <typename T, typename Missing>
void KeyTable::ProbeIntegers(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes,
                             const uint32_t* rows, int64_t count, uint32_t* slots,
                             const Missing& missing) const {
  const Column& column = *keys[0];
  const T* values = column.values<T>();
  const SlotColumn& stored = keys_[0];
  if (column.has_nulls()) {
    Probe(
        hashes, rows, count, slots,
        [&](uint32_t slot, size_t row) { return stored.EqualKey(slot, column, static_cast<int64_t>(row)); },
        missing);
  } else {
    // Equal bits under a null are no match.
    Probe(
        hashes, rows, count, slots,
        [&](uint32_t slot, size_t row) {
          return stored.values<T>()[slot] == values[row] && !stored.IsNull(slot);
        },
        missing);
  }
}

template <typename Missing>
void KeyTable::ProbeAny(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes,
                        const uint32_t* rows, int64_t count, uint32_t* slots, const Missing& missing) const {
  if (integer_) {
    if (keys[0]->type().byte_width() == 4) {
      return ProbeIntegers<int32_t>(keys, hashes, rows, count, slots, missing);
    }
    return ProbeIntegers<int64_t>(keys, hashes, rows, count, slots, missing);
  }
  Probe(
      hashes, rows, count, slots,
      [&](uint32_t slot, size_t row) { return Equal(slot, keys, static_cast<int64_t>(row)); }, missing);
}

void KeyTable::FindOrInsert(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes,
                            const uint32_t* rows, int64_t count, uint32_t* slots) {
  // Room is made a block ahead: while a block is probed the entries stay where they are.
  constexpr int64_t kBlock = 1024;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t length = std::min(kBlock, count - begin);
    while ((size() + static_cast<size_t>(length)) * 4 > entries_.size() * 3) Grow(entries_.size() * 2);
    const auto insert = [&](size_t place, uint32_t tag, size_t row) {
      return Insert(place, tag, keys, static_cast<int64_t>(row));
    };
    std::vector<uint32_t> numbers;
    const uint32_t* some = nullptr;
    if (rows != nullptr) {
      some = rows + begin;
    } else {
      numbers.resize(static_cast<size_t>(length));
      for (int64_t i = 0; i < length; ++i) numbers[static_cast<size_t>(i)] = static_cast<uint32_t>(begin + i);
      some = numbers.data();
    }
    if (StateSpace::Cold()) WillNeed(hashes, some, length);
    ProbeAny(keys, hashes, some, length, slots + begin, insert);
  }
}

// The first entry with the tag is nearly always the key's.
void KeyTable::WillNeed(const std::vector<uint64_t>& hashes, const uint32_t* rows, int64_t count) const {
  std::vector<uint32_t> slots;
  slots.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t tag = Tag(hashes[rows[i]]);
    size_t place = Place(tag);
    while (entries_[place].slot != kNone && entries_[place].tag != tag) {
      place = (place + 1) & (entries_.size() - 1);
    }
    if (entries_[place].slot != kNone) slots.push_back(entries_[place].slot);
  }
  for (const SlotColumn& key : keys_) key.WillNeed(slots.data(), static_cast<int64_t>(slots.size()));
}

void KeyTable::Find(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes,
                    const uint32_t* rows, int64_t count, uint32_t* slots) const {
  ProbeAny(keys, hashes, rows, count, slots, [](size_t, uint32_t, size_t) { return kNone; });
}

std::vector<uint32_t> KeyTable::FindOrInsert(const std::vector<ColumnPtr>& keys, int64_t rows) {
  std::vector<uint64_t> hashes;
  Hash(keys, rows, &hashes);
  std::vector<uint32_t> slots(static_cast<size_t>(rows));
  FindOrInsert(keys, hashes, nullptr, rows, slots.data());
  return slots;
}

std::vector<uint32_t> KeyTable::Find(const std::vector<ColumnPtr>& keys, int64_t rows) const {
  std::vector<uint64_t> hashes;
  Hash(keys, rows, &hashes);
  std::vector<uint32_t> slots(static_cast<size_t>(rows));
  Find(keys, hashes, nullptr, rows, slots.data());
  return slots;
}

uint32_t KeyTable::Insert(size_t place, uint32_t tag, const std::vector<ColumnPtr>& keys, int64_t row) {
  uint32_t slot;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
    freed_[slot] = false;
    tags_[slot] = tag;
  } else {
    slot = slots_++;
    tags_.Resize(slots_, tag);
    if (!freed_.empty()) freed_.push_back(false);
    for (SlotColumn& key : keys_) key.Resize(slots_);
  }
  entries_[place] = {tag, slot};
  for (size_t i = 0; i < keys.size(); ++i) keys_[i].Set(slot, *keys[i], row);
  return slot;
}

void KeyTable::Reserve(uint32_t keys) {
  const size_t size = std::bit_ceil(size_t{keys} * 4 / 3 + 1);
  if (size > entries_.size()) Grow(size);
  tags_.Reserve(keys);
  for (SlotColumn& key : keys_) key.Reserve(keys);
}

void KeyTable::Grow(size_t size) {
  entries_.assign(size, Entry{0, kNone});
  shift_ = 32 - std::countr_zero(size);
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    if (!Holds(slot)) continue;
    size_t place = Place(tags_[slot]);
    while (entries_[place].slot != kNone) place = (place + 1) & (size - 1);
    entries_[place] = {tags_[slot], slot};
  }
}

// Backward shift: what was pushed behind the freed entry moves up, so that no tombstone is needed.
void KeyTable::Erase(uint32_t slot) {
  const size_t mask = entries_.size() - 1;
  size_t hole = Place(tags_[slot]);
  while (entries_[hole].slot != slot) hole = (hole + 1) & mask;
  for (size_t next = (hole + 1) & mask; entries_[next].slot != kNone; next = (next + 1) & mask) {
    const size_t home = Place(entries_[next].tag);
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    entries_[hole] = entries_[next];
    hole = next;
  }
  entries_[hole].slot = kNone;
  for (SlotColumn& key : keys_) key.SetNull(slot);
  if (freed_.empty()) freed_.assign(slots_, false);
  freed_[slot] = true;
  free_.push_back(slot);
}

std::vector<uint32_t> KeyTable::Live() const {
  std::vector<uint32_t> live;
  live.reserve(size());
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    if (Holds(slot)) live.push_back(slot);
  }
  return live;
}

std::vector<ColumnPtr> KeyTable::Gather(const std::vector<uint32_t>& slots) const {
  const auto count = static_cast<int64_t>(slots.size());
  if (StateSpace::Spilled()) {
    for (const SlotColumn& key : keys_) key.WillNeed(slots.data(), count);
  }
  std::vector<ColumnPtr> gathered;
  gathered.reserve(keys_.size());
  for (const SlotColumn& key : keys_) gathered.push_back(key.Gather(slots.data(), count));
  return gathered;
}

size_t KeyTable::MemoryBytes() const {
  size_t bytes = entries_.capacity() * sizeof(Entry) + tags_.MemoryBytes() + free_.capacity() * 4 +
                 freed_.capacity() / 8;
  for (const SlotColumn& key : keys_) bytes += key.MemoryBytes();
  return bytes;
}

}  // namespace streamrun
