// Rows that wait for those behind them in their keys: what `lead` looks at.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "core/base/time.h"
#include "core/data/row_store.h"
#include "core/data/selection.h"
#include "core/data/slot_array.h"
#include "core/data/slot_changes.h"
#include "core/window/kept_state.h"

namespace streamrun {

/// A row waits until so many others of its key stand behind it, or its key is finished. Keys are slots of the
/// caller's. Not thread-safe.
class RowsAhead {
 public:
  /// The keys of rows, given as columns of the input.
  using KeysOf = std::function<std::vector<ColumnPtr>(const std::vector<ColumnPtr>& input, int64_t rows)>;

  /// Rows of `types`, the first `inputs` of which are the input's; `ahead`: how many a row waits for.
  RowsAhead(std::vector<DataType> types, size_t inputs, uint32_t ahead, KeysOf keys_of);

  /// Room for so many keys.
  void Grow(uint32_t keys);
  /// Stores the chosen rows; they wait as soon as Hold is called.
  void Put(const std::vector<ColumnPtr>& columns, const Selection& rows, std::vector<uint32_t>* slots);
  /// Sets a column behind the input's of the row that stands `distance` before the key's next one, if it
  /// waits.
  void Set(uint32_t key, uint32_t distance, size_t column, const Column& from, int64_t row);
  /// A stored row is the last one of its key now. Times ascend.
  void Hold(uint32_t key, uint32_t slot, Timestamp time);
  /// Nothing follows in this key.
  void Finish(uint32_t key);
  /// Lets go of what is known of rows that wait no more.
  void DropFinished();

  /// Rows that wait no more, at most so many, in the order in which they were finished; none: null.
  std::vector<ColumnPtr> TakeFinished(size_t most, int64_t* rows);
  /// Time of the first row that waits; kMaxTimestamp: none does.
  Timestamp FirstTime() const;
  int64_t rows() const { return rows_.rows(); }
  size_t MemoryBytes() const;

  /// Key, the row, time bigint, row_of_key bigint: a number that tells it from the others of its key. In the
  /// order of times.
  Status Save(const SchemaPtr& schema, const TakeRows& take) const;
  Status SaveChanges(const StateShape& shape, const TakeRows& removed, const TakeRows& rows) const;
  /// keys[i] = the key of the i-th saved row, whose key columns are `width`.
  void Load(const BatchPtr& saved, size_t width, const std::vector<uint32_t>& keys);
  void Track(int64_t most);
  int64_t changed() const { return changes_.count(); }

 private:
  struct Waiting {
    Timestamp time;
    uint32_t slot;
    uint64_t serial;
  };
  struct Held {
    int64_t count = 0;
    int64_t next = 0;  // place in the ring
  };

  bool Waits(const Waiting& row) const { return serials_[row.slot] == row.serial; }
  std::vector<Waiting> InOrder() const;
  uint32_t& At(uint32_t key, int64_t place) {
    return ring_[size_t{key} * ahead_ + static_cast<size_t>(place % static_cast<int64_t>(ahead_))];
  }
  void Release(uint32_t slot);
  void Remove(const std::vector<uint32_t>& slots, const std::vector<uint64_t>& serials);
  Status SaveSome(const std::vector<Waiting>& rows, const SchemaPtr& schema, const TakeRows& take) const;
  BatchPtr Saved(const std::vector<Waiting>& rows, const SchemaPtr& schema) const;

  size_t columns_;
  size_t inputs_;
  uint32_t ahead_;
  KeysOf keys_of_;
  RowStore rows_;
  SlotArray<Held> held_;         // by key
  SlotArray<uint32_t> ring_;     // ahead_ places a key
  SlotArray<uint64_t> serials_;  // by row: 0 when it waits no more
  uint64_t serial_ = 0;
  std::deque<Waiting> waiting_;                         // by time, and some that wait no more
  std::deque<std::pair<uint32_t, uint64_t>> finished_;  // rows and their serials
  SlotChanges changes_;                                 // by row
  uint64_t tracked_from_ = 0;                           // rows of later serials are in no checkpoint
};

}  // namespace streamrun
