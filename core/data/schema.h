// The names and types of a batch's columns, and what streaming needs to know about them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/type.h"

namespace streamrun {

struct Field {
  std::string name;
  DataType type;
  friend bool operator==(const Field&, const Field&) = default;
};

class Schema;
using SchemaPtr = std::shared_ptr<const Schema>;

/// Immutable once shared.
class Schema {
 public:
  Schema() = default;
  explicit Schema(std::vector<Field> fields) : fields_(std::move(fields)) {}

  const std::vector<Field>& fields() const { return fields_; }
  int size() const { return static_cast<int>(fields_.size()); }
  const Field& field(int i) const { return fields_[static_cast<size_t>(i)]; }

  /// Index of the column an SQL name means: exact match first, else case-insensitive when only one column
  /// matches; -1 when absent, -2 when ambiguous.
  int Find(std::string_view name) const;

  /// "a bigint, b text": as messages and `explain` print it.
  std::string ToString() const;

  /// Column that carries event time (timestamp or timestamptz), or -1.
  int event_time = -1;
  /// What to add to it for the time of a row, in microseconds: a row that stands for a window belongs to the
  /// window's last instant.
  int64_t event_time_bias() const { return event_time >= 0 && event_time == window_end ? -1 : 0; }
  /// Columns with the bounds of the window a row stands for (results of windowed operators), or -1.
  int window_start = -1;
  int window_end = -1;
  /// Rows may be changes: batches carry a change kind per row.
  bool changes = false;

  friend bool operator==(const Schema&, const Schema&) = default;

 private:
  std::vector<Field> fields_;
};

}  // namespace streamrun
