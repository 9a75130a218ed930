#include "runner/checkpoint/inspect.h"

#include <set>

#include "core/base/sealed_file.h"
#include "runner/checkpoint/checkpoint_directory.h"
#include "runner/checkpoint/segment_format.h"

namespace streamrun {

namespace {

constexpr uint64_t kMaxManifest = uint64_t{1} << 30;

std::vector<std::string> PathsOf(const StoredCheckpoint& checkpoint, const StoredTable& table) {
  std::vector<std::string> paths;
  for (const SegmentInfo& segment : table.segments)
    paths.push_back(checkpoint.directory + "/" + segment.file);
  return paths;
}

uint64_t BytesOf(const Manifest& manifest) {
  uint64_t bytes = 0;
  std::set<std::string> seen;
  for (const Fragment& fragment : manifest.fragments) {
    for (const StoredNode& node : fragment.nodes) {
      for (const StoredTable& table : node.tables) {
        for (const SegmentInfo& s : table.segments) bytes += seen.insert(s.file).second ? s.bytes : 0;
      }
    }
  }
  return bytes;
}

// kNotFound: it is gone.
Status Read(Env* env, StoredCheckpoint* checkpoint) {
  SR_ASSIGN_OR_RETURN(const std::string text,
                      env->ReadFile(checkpoint->directory + "/manifest", kMaxManifest));
  auto manifest = ParseManifest(text);
  if (!manifest.ok()) return manifest.status().WithContext(checkpoint->directory);
  checkpoint->manifest = std::move(*manifest);
  checkpoint->bytes = BytesOf(checkpoint->manifest);
  const auto marker = ReadSealedNumber(env, checkpoint->directory + "/committed");
  checkpoint->committed = marker.ok() && *marker == checkpoint->manifest.epoch;
  return Status::Ok();
}

// A running pipeline keeps the last few epochs only.
Status Explained(const StoredCheckpoint& checkpoint, const Status& status) {
  if (status.code() != Code::kNotFound || checkpoint.savepoint) return status;
  return Status::Unavailable(NameOf(checkpoint) +
                             " is not kept any more: newer ones took its place; a savepoint stays");
}

// One of all instances.
std::vector<const StoredTable*> TablesOf(const StoredCheckpoint& checkpoint, const std::string& node,
                                         const std::string& table) {
  std::vector<const StoredTable*> found;
  for (const Fragment& fragment : checkpoint.manifest.fragments) {
    for (const StoredNode& stored : fragment.nodes) {
      if (stored.snapshot.node != node) continue;
      for (const StoredTable& t : stored.tables) {
        if (t.name == table) found.push_back(&t);
      }
    }
  }
  return found;
}

Status NoTable(const StoredCheckpoint& checkpoint, const std::string& node, const std::string& table) {
  std::set<std::string> tables;
  for (const Fragment& fragment : checkpoint.manifest.fragments) {
    for (const StoredNode& stored : fragment.nodes) {
      for (const StoredTable& t : stored.tables) tables.insert(stored.snapshot.node + " " + t.name);
    }
  }
  std::string list;
  for (const std::string& each : tables) list += (list.empty() ? "" : ", ") + each;
  return Status::NotFound(NameOf(checkpoint) + " has no table '" + table + "' of node '" + node + "'" +
                          (list.empty() ? "; it has no table at all" : "; it has " + list));
}

}  // namespace

std::string NameOf(const StoredCheckpoint& checkpoint) {
  return checkpoint.savepoint ? "savepoint '" + checkpoint.name + "'" : "epoch " + checkpoint.name;
}

Result<std::vector<StoredCheckpoint>> ListCheckpoints(Env* env, const std::string& state_directory) {
  const CheckpointDirectory disk(env, state_directory);
  const auto current = ReadSealedNumber(env, state_directory + "/CURRENT");
  std::vector<StoredCheckpoint> list;
  const auto add = [&](StoredCheckpoint checkpoint) {
    const Status status = Read(env, &checkpoint);
    if (!status.ok() && !env->Info(checkpoint.directory).ok()) return;
    checkpoint.problem = status;
    list.push_back(std::move(checkpoint));
  };
  SR_ASSIGN_OR_RETURN(const auto epochs, disk.Epochs());
  for (const uint64_t epoch : epochs) {
    StoredCheckpoint checkpoint;
    checkpoint.name = std::to_string(epoch);
    checkpoint.current = current.ok() && *current == epoch;
    checkpoint.directory = disk.EpochDirectory(epoch);
    add(std::move(checkpoint));
  }
  SR_ASSIGN_OR_RETURN(const auto savepoints, disk.Savepoints());
  for (const std::string& name : savepoints) {
    StoredCheckpoint checkpoint;
    checkpoint.name = name;
    checkpoint.savepoint = true;
    checkpoint.directory = disk.SavepointDirectory(name);
    add(std::move(checkpoint));
  }
  return list;
}

Result<StoredCheckpoint> OpenCheckpoint(Env* env, const std::string& state_directory,
                                        const std::string& choice) {
  const CheckpointDirectory disk(env, state_directory);
  const auto current = ReadSealedNumber(env, state_directory + "/CURRENT");
  StoredCheckpoint checkpoint;
  checkpoint.name = choice;
  if (choice.empty()) {
    if (!current.ok() && current.status().code() != Code::kNotFound) return current.status();
    if (!current.ok() || *current == 0) {
      return Status::NotFound(state_directory + " has no current checkpoint");
    }
    checkpoint.name = std::to_string(*current);
  }
  SR_ASSIGN_OR_RETURN(checkpoint.directory, disk.Choose(checkpoint.name));
  checkpoint.savepoint = checkpoint.directory == disk.SavepointDirectory(checkpoint.name);
  checkpoint.current = current.ok() && !checkpoint.savepoint && checkpoint.name == std::to_string(*current);
  if (const Status status = Read(env, &checkpoint); !status.ok()) return Explained(checkpoint, status);
  return checkpoint;
}

Result<int64_t> CountRows(Env* env, const StoredCheckpoint& checkpoint, const StoredTable& table) {
  if (table.segments.size() == 1) return table.segments[0].rows;
  int64_t rows = 0;
  const Status status =
      ReadChain(env, PathsOf(checkpoint, table), [&](const TableSnapshot&, const BatchPtr& batch) {
        rows += batch->rows();
        return Status::Ok();
      });
  if (!status.ok()) return Explained(checkpoint, status);
  return rows;
}

Result<TableSnapshot> ShapeOfTable(Env* env, const StoredCheckpoint& checkpoint, const std::string& node,
                                   const std::string& table) {
  const auto tables = TablesOf(checkpoint, node, table);
  if (tables.empty()) return NoTable(checkpoint, node, table);
  const auto paths = PathsOf(checkpoint, *tables[0]);
  if (paths.empty())
    return Status::Corruption("table '" + table + "' of node '" + node + "' has no segments");
  auto reader = segment_format::Reader::Open(env, paths.back());
  if (!reader.ok()) return Explained(checkpoint, reader.status());
  return (*reader)->shape();
}

Status ReadTable(Env* env, const StoredCheckpoint& checkpoint, const std::string& node,
                 const std::string& table, const std::function<Status(const BatchPtr&)>& take) {
  const auto tables = TablesOf(checkpoint, node, table);
  if (tables.empty()) return NoTable(checkpoint, node, table);
  for (const StoredTable* stored : tables) {
    const Status status = ReadChain(env, PathsOf(checkpoint, *stored),
                                    [&](const TableSnapshot&, const BatchPtr& rows) { return take(rows); });
    if (!status.ok()) return Explained(checkpoint, status);
  }
  return Status::Ok();
}

}  // namespace streamrun
