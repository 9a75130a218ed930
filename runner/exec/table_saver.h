// How a kept table goes into snapshots: as a whole, or what changed since the one before.
#pragma once

#include <cstdint>

#include "core/component/definition.h"
#include "core/data/spilled_batches.h"
#include "core/stream/state_table.h"
#include "runner/exec/snapshot.h"

namespace streamrun {

/// When a table is saved as its changes.
struct ChangesPolicy {
  /// Changes can be stored.
  bool allowed = false;
  /// Smaller tables are written as fast as their changes are told.
  int64_t from_rows = 20'000;
  /// Above this part of the table its changes are no saving: they are written again when chains are joined.
  double most = 0.5;
  /// For so many snapshots after one with more changes they are not remembered.
  int rest = 8;
};

/// Not thread-safe. The first snapshot is whole.
class TableSaver {
 public:
  /// `table` and `declaration` outlive it. `keyed`: rows belong to key groups.
  TableSaver(StateTable* table, const StateDeclaration& declaration, bool keyed, const ChangesPolicy& policy);

  /// Of the table as it is; `epoch` numbers the snapshot. Its rows are put into `file`, if there is one: they
  /// need not fit into memory.
  Result<TableSnapshot> Save(uint64_t epoch, SpilledBatches* file = nullptr);
  /// A snapshot that it gave may be lost.
  void Forget() { since_ = 0; }

 private:
  void Track();
  bool SaysWhole();
  Status SaveWhole(SpilledBatches* file, TableSnapshot* out);
  Status SaveChanges(SpilledBatches* file, TableSnapshot* out);

  StateTable* table_;
  const StateDeclaration& declaration_;
  const int key_columns_;
  const ChangesPolicy policy_;
  int64_t most_ = 0;    // changes that it remembers; 0: it does not
  uint64_t since_ = 0;  // epoch of the last snapshot; 0: none to go on from
  int64_t rows_ = 0;    // in the table then, about
  int rests_ = 0;
};

}  // namespace streamrun
