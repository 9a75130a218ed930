// A batch: an immutable set of rows in columns, all of one schema. What every edge carries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/column.h"
#include "core/data/schema.h"

namespace streamrun {

/// What a row does to the table that a changing stream stands for. Values are on the wire.
enum class ChangeKind : int8_t { kInsert = 0, kUpdateBefore = 1, kUpdateAfter = 2, kDelete = 3 };

/// "insert", "update_before", "update_after", "delete".
std::string_view ChangeName(ChangeKind kind);

/// Where rows came from, for error reports and replay: one split per batch, one offset per row.
struct Origin {
  /// Identity of the source split: "file:/var/log/x.log", "kafka:topic/3". Shared by its batches.
  std::shared_ptr<const std::string> split;
  /// int64 per row: byte offset of the record in its file, or sequence number in its stream.
  BufferPtr offsets;

  explicit operator bool() const { return split != nullptr; }
};

class Batch;
using BatchPtr = std::shared_ptr<const Batch>;

/// Immutable once shared; safe to read from any thread. A column that no later node uses is *pruned*: its
/// pointer is null and its place in the schema stays. Nothing may read a pruned column; copying one is free.
class Batch {
 public:
  Batch(SchemaPtr schema, int64_t rows, std::vector<ColumnPtr> columns, Origin origin = {},
        BufferPtr changes = nullptr)
      : schema_(std::move(schema)),
        rows_(rows),
        columns_(std::move(columns)),
        origin_(std::move(origin)),
        changes_(std::move(changes)) {}

  const SchemaPtr& schema() const { return schema_; }
  int64_t rows() const { return rows_; }
  const std::vector<ColumnPtr>& columns() const { return columns_; }
  const ColumnPtr& column(int i) const { return columns_[static_cast<size_t>(i)]; }
  bool pruned(int i) const { return columns_[static_cast<size_t>(i)] == nullptr; }
  const Origin& origin() const { return origin_; }
  /// Change kind per row (ChangeKind as int8), or null when every row is an insert.
  const BufferPtr& changes() const { return changes_; }
  ChangeKind change(int64_t row) const {
    return changes_ ? static_cast<ChangeKind>(changes_->as<int8_t>()[row]) : ChangeKind::kInsert;
  }
  size_t ByteSize() const;

 private:
  SchemaPtr schema_;
  int64_t rows_;
  std::vector<ColumnPtr> columns_;
  Origin origin_;
  BufferPtr changes_;
};

}  // namespace streamrun
