// The contracts of a format: Decoder (bytes -> rows) and Encoder (rows -> bytes).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/data/batch.h"
#include "core/stream/operator.h"
#include "core/stream/source.h"

namespace streamrun {

/// Where a decoder puts rows.
class DecodeOutput {
 public:
  virtual ~DecodeOutput() = default;
  /// At most one per call. The batch carries the origin when DecodeOptions::origin is set.
  virtual void Emit(BatchPtr batch) = 0;
  /// A record that is not a row: `raw` is the record (without separator), `offset` its origin.
  virtual void FailRecord(int64_t offset, std::string_view raw, std::string code, std::string message) = 0;
};

struct DecodeOptions {
  SchemaPtr schema;
  /// Per schema column: false = no one reads it, leave it pruned.
  std::vector<bool> wanted;
  /// Fill Batch::origin.
  bool origin = false;
  /// Close a batch at this many rows or bytes, whichever comes first.
  int64_t max_rows = 8192;
  size_t max_bytes = 256 * 1024;
};

/// One per worker and source; holds per-connection state only if the format needs it. Never blocks.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Begins a chunk; it stays valid until Decode returned kNeedInput.
  virtual Status Begin(const Chunk& chunk) = 0;
  /// Decodes on: kHaveMore while the chunk has rows left, kNeedInput at its end. A malformed record is a
  /// FailRecord, never an error Status.
  virtual Result<Outcome> Decode(DecodeOutput& out) = 0;
};

/// One per worker and sink. Stateless between batches.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Bytes that a new file or connection begins with.
  virtual std::string Preamble() const { return {}; }
  /// Appends every row of `batch` as one record with its separator to `bytes`, and the end of each (uint32)
  /// to `record_ends`. Rows that the format cannot express are returned as failures and append nothing.
  virtual std::vector<RowFailure> Encode(const Batch& batch, BufferBuilder& bytes,
                                         BufferBuilder& record_ends) = 0;
};

}  // namespace streamrun
