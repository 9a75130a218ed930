// A table of a checkpoint replaced: a new epoch that shares everything else with the one before.
#include <algorithm>
#include <set>

#include "core/data/row_hash.h"
#include "runner/checkpoint/checkpoint_directory.h"
#include "runner/checkpoint/inspect.h"
#include "runner/checkpoint/segment.h"
#include "runner/exec/key_group.h"

namespace streamrun {

namespace {

struct Part {
  int instance;
  int parallelism;
  StoredTable* table;
};

std::vector<Part> PartsOf(Manifest* manifest, const std::string& node, const std::string& table) {
  std::vector<Part> parts;
  for (Fragment& fragment : manifest->fragments) {
    for (StoredNode& stored : fragment.nodes) {
      if (stored.snapshot.node != node) continue;
      for (StoredTable& t : stored.tables) {
        if (t.name == table) parts.push_back({stored.snapshot.instance, stored.snapshot.parallelism, &t});
      }
    }
  }
  return parts;
}

// Every instance takes its own table back without looking at its keys, so rows must lie with the owner of
// their key group.
Result<std::vector<Selection>> Deal(const TableSnapshot& shape, const Batch& rows, KeyGroups groups,
                                    const std::vector<Part>& parts) {
  std::vector<Selection> dealt(parts.size());
  if (parts.size() == 1) {
    for (int64_t row = 0; row < rows.rows(); ++row) dealt[0].push_back(static_cast<uint32_t>(row));
    return dealt;
  }
  if (shape.key_columns == 0) {
    return Status::Unsupported(
        "table '" + shape.name + "' is kept by " + std::to_string(parts.size()) +
        " instances and has no key that says whose a row is; run with parallelism 1 first");
  }
  std::vector<size_t> part_of(parts.size(), parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto instance = static_cast<size_t>(parts[i].instance);
    if (parts[i].parallelism != static_cast<int>(parts.size()) || instance >= parts.size() ||
        part_of[instance] != parts.size()) {
      return Status::Unsupported("table '" + shape.name +
                                 "' is kept by several parts of the node; it cannot be replaced as one");
    }
    part_of[instance] = i;
  }
  const std::vector<ColumnPtr> keys(rows.columns().begin(), rows.columns().begin() + shape.key_columns);
  std::vector<uint64_t> hashes;
  HashRows(keys, rows.rows(), &hashes);
  for (size_t row = 0; row < hashes.size(); ++row) {
    dealt[part_of[groups.InstanceOf(hashes[row], parts.size())]].push_back(static_cast<uint32_t>(row));
  }
  return dealt;
}

}  // namespace

Result<uint64_t> ReplaceTable(Env* env, const std::string& state_directory, const std::string& node,
                              const std::string& table, const BatchPtr& rows) {
  SR_ASSIGN_OR_RETURN(const StoredCheckpoint current, OpenCheckpoint(env, state_directory, ""));
  SR_ASSIGN_OR_RETURN(const TableSnapshot shape, ShapeOfTable(env, current, node, table));
  if (*rows->schema() != *shape.schema) {
    return Status::InvalidArgument("table '" + table + "' has (" + shape.schema->ToString() + "), not (" +
                                   rows->schema()->ToString() + ")");
  }
  CheckpointDirectory disk(env, state_directory);
  const auto edit = [&](const std::string& written, Manifest* manifest) -> Status {
    const std::vector<Part> parts = PartsOf(manifest, node, table);
    SR_ASSIGN_OR_RETURN(const std::vector<Selection> dealt,
                        Deal(shape, *rows, KeyGroups(current.manifest.key_groups), parts));
    for (size_t i = 0; i < parts.size(); ++i) {
      TableSnapshot snapshot = shape;
      snapshot.whole = true;
      snapshot.removed.clear();
      snapshot.rows.clear();
      if (!dealt[i].empty()) snapshot.rows.push_back(Take(rows, dealt[i]));
      // The number is new, so the name is.
      SegmentInfo segment;
      segment.file = "import-" + std::to_string(manifest->epoch) + "-" + std::to_string(i) + ".seg";
      SR_RETURN_IF_ERROR(WriteSegment(env, written + "/" + segment.file, snapshot, &segment));
      parts[i].table->segments = {segment};
    }
    return Status::Ok();
  };
  return disk.Restore(current.directory, edit);
}

}  // namespace streamrun
