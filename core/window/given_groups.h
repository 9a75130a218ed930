// What windows were given to which groups before a restart, where instances had come to different times.
//
// Event time comes to all instances alike; processing time to each when it has something to do. Restored
// instances go on from the least of their times, so that nothing is left out, and must not give again what
// one that was further had given: each group says how far that was.
#pragma once

#include <vector>

#include "core/agg/group_table.h"
#include "core/base/time.h"

namespace streamrun {

/// Empty but for a while behind a restart. Not thread-safe.
class GivenGroups {
 public:
  explicit GivenGroups(std::vector<DataType> key_types);

  /// Windows that end at until[i] or before were given to the group with the i-th keys.
  void Add(const std::vector<ColumnPtr>& keys, const Column& until);
  /// Takes groups out of `slots` of `table` to which the window that ends there was given.
  void TakeOut(const GroupTable& table, Timestamp window_end, std::vector<uint32_t>* slots) const;
  /// How far it was given to each group, at least `least`.
  std::vector<int64_t> Until(const std::vector<ColumnPtr>& keys, int64_t count, Timestamp least) const;
  /// All have been given what ends there.
  void Forget(Timestamp end);
  size_t MemoryBytes() const { return keys_.MemoryBytes() + until_.capacity() * sizeof(Timestamp); }

 private:
  std::vector<DataType> key_types_;
  KeyTable keys_;
  std::vector<Timestamp> until_;  // by slot of keys_
  Timestamp latest_ = kMinTimestamp;
};

}  // namespace streamrun
