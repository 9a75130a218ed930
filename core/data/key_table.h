// Keys of keyed state -> slot numbers: the hash table under every grouped operator.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/data/column.h"
#include "core/data/slot_array.h"
#include "core/data/slot_column.h"

namespace streamrun {

/// Maps keys of one or more columns to small numbers ("slots") under which state is kept in columns beside
/// it. Keys are equal as HashRows says, nulls included. Open addressing with 8 bytes an entry (a 32-bit tag
/// and the slot), at most three quarters full; keys are stored once, by slot. A key of one integer-like
/// column has a path of its own. With no key columns there is one key. The index is memory, the keys and
/// their tags are in blocks that can spill (StateSpace). Not thread-safe.
///
/// Table layout after Measuring (LIMITS f): index and dense columns, a batch of rows at a time with prefetch.
class KeyTable {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  explicit KeyTable(const std::vector<DataType>& key_types);

  /// Room for so many keys in all.
  void Reserve(uint32_t keys);

  /// What Find and FindOrInsert take: a hash per row. Depends on the types of the keys only.
  void Hash(const std::vector<ColumnPtr>& keys, int64_t rows, std::vector<uint64_t>* hashes) const;

  /// slots[i] = slot of the key in row rows[i], or in row i when `rows` is null; new keys get a slot: a freed
  /// one, or the next number.
  void FindOrInsert(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes,
                    const uint32_t* rows, int64_t count, uint32_t* slots);
  /// The same without inserting: kNone where there is no such key.
  void Find(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes, const uint32_t* rows,
            int64_t count, uint32_t* slots) const;
  /// The same for all rows of some keys, hashed here.
  std::vector<uint32_t> FindOrInsert(const std::vector<ColumnPtr>& keys, int64_t rows);
  std::vector<uint32_t> Find(const std::vector<ColumnPtr>& keys, int64_t rows) const;
  /// The slot is free for the next new key.
  void Erase(uint32_t slot);

  /// Slots are below this number; not all of them hold a key.
  uint32_t slots() const { return slots_; }
  uint32_t size() const { return slots_ - static_cast<uint32_t>(free_.size()); }
  bool Holds(uint32_t slot) const { return free_.empty() || !freed_[slot]; }
  /// All slots that hold a key, ascending.
  std::vector<uint32_t> Live() const;

  const SlotColumn& key(size_t i) const { return keys_[i]; }
  size_t key_columns() const { return keys_.size(); }
  /// The keys of some slots; reads what is spilled of them at once.
  std::vector<ColumnPtr> Gather(const std::vector<uint32_t>& slots) const;
  size_t MemoryBytes() const;

 private:
  struct Entry {
    uint32_t tag;
    uint32_t slot;  // kNone: empty
  };

  void WillNeed(const std::vector<uint64_t>& hashes, const uint32_t* rows, int64_t count) const;
  size_t Place(uint32_t tag) const { return tag >> shift_; }
  static uint32_t Tag(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  void Grow(size_t entries);
  bool Equal(uint32_t slot, const std::vector<ColumnPtr>& keys, int64_t row) const;
  uint32_t Insert(size_t place, uint32_t tag, const std::vector<ColumnPtr>& keys, int64_t row);
  template <typename Equals, typename Missing>
  void Probe(const std::vector<uint64_t>& hashes, const uint32_t* rows, int64_t count, uint32_t* slots,
             const Equals& equals, const Missing& missing) const;
  template <typename T, typename Missing>
  void ProbeIntegers(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes,
                     const uint32_t* rows, int64_t count, uint32_t* slots, const Missing& missing) const;
  template <typename Missing>
  void ProbeAny(const std::vector<ColumnPtr>& keys, const std::vector<uint64_t>& hashes, const uint32_t* rows,
                int64_t count, uint32_t* slots, const Missing& missing) const;

  std::vector<SlotColumn> keys_;
  bool integer_ = false;
  std::vector<Entry> entries_;
  int shift_ = 28;
  uint32_t slots_ = 0;
  SlotArray<uint32_t> tags_;  // by slot
  std::vector<uint32_t> free_;
  std::vector<bool> freed_;  // by slot; empty while nothing was freed
};

}  // namespace streamrun
