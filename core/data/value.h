// One value of any type: constants in expressions, rows in tests, keys in messages. Not for hot paths.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/data/column.h"
#include "core/data/column_builder.h"
#include "core/data/type.h"

namespace streamrun {

/// A typed value or a typed null. The alternative held follows from the type: bool (boolean), int32_t
/// (integer, date), int64_t (bigint, timestamp, timestamptz), double, Decimal128, Numeric, Uuid, Inet,
/// Interval, std::string (text, bytea, jsonb), std::vector<Value> (list).
struct Value {
  using Data = std::variant<std::monostate, bool, int32_t, int64_t, double, Decimal128, Numeric, Uuid, Inet,
                            Interval, std::string, std::vector<Value>>;
  DataType type;
  Data data;

  static Value Null(DataType type) { return {std::move(type), std::monostate{}}; }
  bool is_null() const { return std::holds_alternative<std::monostate>(data); }

  /// Row `row` of a column.
  static Value FromColumn(const Column& column, int64_t row);
  /// Appends to a builder of the same type.
  void AppendTo(ColumnBuilder& builder) const;
  /// PostgreSQL's output text; null gives "NULL".
  std::string ToText() const;
};

}  // namespace streamrun
