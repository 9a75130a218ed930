// Checkpoints as people look into them, whether a pipeline runs or not: what there is, the rows of a table,
// what changed between two, and a table replaced.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/data/batch.h"
#include "core/data/selection.h"
#include "runner/checkpoint/manifest.h"

namespace streamrun {

struct StoredCheckpoint {
  std::string name;  // "41", or that of a savepoint
  bool savepoint = false;
  bool current = false;
  bool committed = false;
  std::string directory;
  uint64_t bytes = 0;  // of the segments; those of several checkpoints share them
  Manifest manifest;
  /// Its manifest cannot be read: then only name and directory are known.
  Status problem;
};

/// Epochs ascending, then savepoints by name. An epoch that a running pipeline removes meanwhile is left out.
Result<std::vector<StoredCheckpoint>> ListCheckpoints(Env* env, const std::string& state_directory);

/// `choice` is an epoch or a savepoint as CheckpointDirectory::Choose says, empty: CURRENT.
Result<StoredCheckpoint> OpenCheckpoint(Env* env, const std::string& state_directory,
                                        const std::string& choice);

/// "epoch 41", "savepoint 'x'".
std::string NameOf(const StoredCheckpoint& checkpoint);

/// Live rows of one instance's table.
Result<int64_t> CountRows(Env* env, const StoredCheckpoint& checkpoint, const StoredTable& table);

/// What a table of a node is, without rows. kNotFound names the tables that there are.
Result<TableSnapshot> ShapeOfTable(Env* env, const StoredCheckpoint& checkpoint, const std::string& node,
                                   const std::string& table);

/// The live rows of all instances. The order is that of the instances and their segments.
Status ReadTable(Env* env, const StoredCheckpoint& checkpoint, const std::string& node,
                 const std::string& table, const std::function<Status(const BatchPtr&)>& take);

/// Rows of `before` and `after` by identity. Rows of a table without identity are removed or added, each as
/// often as it is there less or more often; the only such row of a key on both sides is a change.
struct TableDifference {
  BatchPtr before;
  BatchPtr after;
  Selection removed;         // of `before`
  Selection added;           // of `after`
  Selection changed_before;  // pairs of rows with one identity
  Selection changed_after;
  int64_t equal = 0;
};
/// Values are compared as keys are: 1.0 and 1.00 are equal. kInvalidArgument when the table has other columns
/// in one of them.
Result<TableDifference> DiffTables(Env* env, const StoredCheckpoint& before, const StoredCheckpoint& after,
                                   const std::string& node, const std::string& table);

/// The first row whose identity an earlier row has; a table has each once.
std::optional<int64_t> RepeatedRow(const TableSnapshot& shape, const Batch& rows);

/// A new epoch, current and as committed as the one before, that differs from CURRENT in this table alone: it
/// has `rows` (of the table's schema, no identity twice). The caller holds the pipeline's lock. Returns the
/// epoch. Nothing has changed after an error before its last steps; after those it is the new epoch or the
/// old one that counts, both whole.
Result<uint64_t> ReplaceTable(Env* env, const std::string& state_directory, const std::string& node,
                              const std::string& table, const BatchPtr& rows);

}  // namespace streamrun
