// The rows that an operator has shown, so that what changes can be said: old row and new row, or delete.
#pragma once

#include <vector>

#include "core/data/batch.h"
#include "core/data/key_table.h"
#include "core/data/slot_changes.h"
#include "core/data/slot_column.h"

namespace streamrun {

/// A keyed table of output rows; the first `key_columns` columns are the key. Not thread-safe.
class Changelog {
 public:
  Changelog(SchemaPtr schema, int key_columns);

  /// `rows`: what these keys' rows are now (no key twice). Gives the changes: an insert for a new key, a pair
  /// of updates for one whose row differs, nothing for one that is the same.
  BatchPtr Update(const BatchPtr& rows);
  /// Keys (columns of the key) that have no row any more: deletes for those that had one.
  BatchPtr Delete(const std::vector<ColumnPtr>& keys, int64_t count);
  /// The rows with these keys are final: forgets them.
  void Forget(const std::vector<ColumnPtr>& keys, int64_t count);

  size_t MemoryBytes() const;
  int64_t size() const { return keys_.size(); }
  /// All rows, for a checkpoint; Load takes them.
  BatchPtr Save() const { return Rows(keys_.Live()); }
  /// Rows that differ from what they were when changes().Track was called; those that are no more stand
  /// in changes(), by their keys.
  BatchPtr SaveChanged() const;
  SlotChanges& changes() { return changes_; }
  const SlotChanges& changes() const { return changes_; }
  void Load(const BatchPtr& rows);

 private:
  BatchPtr Rows(const std::vector<uint32_t>& slots) const;
  void Erase(const std::vector<uint32_t>& slots);
  bool Same(uint32_t slot, const Batch& rows, int64_t row) const;
  void Store(uint32_t slot, const Batch& rows, int64_t row);
  BatchPtr Join(const std::vector<uint32_t>& old_slots, const BatchPtr& rows,
                const std::vector<int64_t>& order, const std::vector<ChangeKind>& kinds) const;

  SchemaPtr schema_;
  size_t key_columns_;
  KeyTable keys_;
  std::vector<SlotColumn> values_;  // the columns behind the key
  SlotChanges changes_;
};

}  // namespace streamrun
