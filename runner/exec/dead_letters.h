// Rows that failed: built into batches of the dead-letter schema, then led to the errors port or to this
// worker's dead-letter file (dead_letter_file.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"
#include "core/component/registry.h"
#include "core/data/column_builder.h"
#include "core/stream/codec.h"
#include "runner/exec/replay_order.h"
#include "runner/exec/task.h"

namespace streamrun {

/// Collects letters of one node between two steps.
class LetterBuilder {
 public:
  /// `run`: names the run (Manifest::run); one that reads its input again makes letters of its own.
  LetterBuilder(std::string node, std::string port, std::string revision, uint64_t run);

  /// A record that could not become a row; `raw` is cut to 64 KiB. `entry`: how the record enters again,
  /// nothing when `raw` may be only a part of it.
  void AddRecord(const std::shared_ptr<const std::string>& split, int64_t offset, std::string_view raw,
                 const std::string& code, const std::string& message,
                 const std::optional<ReplayEntry>& entry = std::nullopt);
  /// Rows that were read but failed later. The row is kept as JSON of its columns that are still in use.
  /// `entry`: how they enter again, but for their change kinds; nothing when the node made them itself.
  void AddRows(const BatchPtr& batch, const std::vector<RowFailure>& failures,
               std::optional<ReplayEntry> entry = std::nullopt);
  /// A letter that was taken in again and is not what its node takes.
  void AddReplayed(const ReplayLine& line, const std::string& code, const std::string& message);

  /// What fails from now on was taken in by this order; 0: by none.
  void set_replay(uint64_t order) { replay_ = order; }
  /// Letters from now on belong to this epoch.
  void set_epoch(uint64_t epoch) { epoch_ = epoch; }
  int64_t rows() const;
  /// The letters so far as a batch of DeadLetterSchema(); empties the builder.
  BatchPtr Finish();

 private:
  struct Place {
    std::string_view split;
    int64_t offset = -1;
    Timestamp event_time = kMinTimestamp;
  };
  void Add(const Place& place, const std::string& code, const std::string& message,
           const std::string_view* raw, const std::string_view* row, const std::optional<ReplayEntry>& entry);
  std::string Token(const Place& place, const std::string& code, const std::string_view* raw,
                    const std::string_view* row) const;

  std::string node_;
  std::string port_;
  std::string revision_;
  uint64_t run_;
  uint64_t epoch_ = 1;
  uint64_t replay_ = 0;
  std::vector<ColumnBuilder> columns_;
};

/// The json format for rows of this schema, as letters hold them.
std::shared_ptr<const BoundFormat> JsonEncoderFor(const SchemaPtr& schema);
std::shared_ptr<const BoundFormat> JsonDecoderFor(const SchemaPtr& schema);

/// Every row of a batch as one JSON object, pruned columns left out; element i belongs to row i.
std::vector<std::string> RowsAsJson(const BatchPtr& batch);

}  // namespace streamrun
