// State on disk: rows of one StateTable in a file of checksummed Arrow IPC messages
// (docs/formats/checkpoint.md).
//
// A table is a chain of segments: a whole one, then what changed, epoch by epoch. A segment is written once
// and never changed, so checkpoints share segments by hard links.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/status.h"
#include "core/data/batch.h"
#include "runner/exec/table_chain.h"

namespace streamrun {

/// What the manifest says of a segment.
struct SegmentInfo {
  std::string file;  // name in the epoch's directory
  uint64_t bytes = 0;
  uint32_t crc = 0;  // CRC-32C of the whole file
  bool whole = true;
  int64_t rows = 0;
};

/// Writes one segment to `path` (which must not exist) and makes it durable; the directory is the caller's.
/// `info->file` is left to the caller.
Status WriteSegment(Env* env, const std::string& path, const TableSnapshot& table, SegmentInfo* info);

/// Reads a segment back whole. kCorruption names the path and what is wrong; a newer format version is
/// refused by name.
Result<TableSnapshot> ReadSegment(Env* env, const std::string& path);

/// The table that a segment is of, without its rows.
Result<TableSnapshot> ReadShape(Env* env, const std::string& path);

/// The live rows of a chain of segments, oldest first, the first of them whole (runner/exec/table_chain.h).
Status ReadChain(Env* env, const std::vector<std::string>& paths, const TakeTableRows& take);

/// Replaces a chain by one whole segment with the same live rows.
Status CompactChain(Env* env, const std::vector<std::string>& paths, const std::string& to,
                    SegmentInfo* info);

}  // namespace streamrun
