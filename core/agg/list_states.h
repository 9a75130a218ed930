// States of many values: a list a state, and the values of all lists one after another.
#pragma once

#include <span>
#include <vector>

#include "core/agg/accumulator.h"
#include "core/agg/aggregate_function.h"

namespace streamrun {

/// Rows that belong to slots: all of the first slot, then all of the second, ...
struct SlotRows {
  std::vector<ColumnPtr> columns;
  std::vector<int64_t> ends;  // ends[i]: behind the last row of the i-th slot
  int64_t begin(size_t i) const { return i == 0 ? 0 : ends[i - 1]; }
  int64_t rows() const { return ends.empty() ? 0 : ends.back(); }
};

/// One list a slot and column.
std::vector<ColumnPtr> ToLists(const SlotRows& rows);
/// Type of the list of a value of that type.
inline DataType ListOf(const DataType& type) { return DataType::List(type); }

/// The elements of saved lists as rows of their own, for Add and its like.
struct FlatRows {
  std::vector<ColumnPtr> columns;
  std::vector<uint32_t> rows;
  std::vector<uint32_t> slots;
  GroupedRows grouped() const { return {static_cast<int64_t>(rows.size()), rows.data(), slots.data()}; }
};
/// `lists` have equal lengths row by row.
FlatRows FromLists(std::span<const ColumnPtr> lists, const GroupedRows& rows);

/// Which arguments of a call must be kept a row; constants need not.
class VaryingArgs {
 public:
  explicit VaryingArgs(const AggregateTypes& types);

  const std::vector<DataType>& types() const { return varying_types_; }
  /// Of all arguments those that vary.
  std::vector<ColumnPtr> Pick(std::span<const ColumnPtr> args) const;
  /// All arguments from those that vary; constants are `rows` long.
  std::vector<ColumnPtr> Complete(std::span<const ColumnPtr> varying, int64_t rows) const;
  /// Place of an argument among those that vary.
  size_t place(size_t arg) const { return places_[arg]; }

 private:
  static constexpr size_t kConstant = ~size_t{0};

  std::vector<std::optional<Value>> constants_;
  std::vector<DataType> varying_types_;
  std::vector<size_t> places_;
};

/// Rows whose value in `column` is present; `scratch` holds them when not all are.
struct RowScratch {
  std::vector<uint32_t> rows;
  std::vector<uint32_t> slots;
};
GroupedRows PresentRows(const Column& column, const GroupedRows& rows, RowScratch* scratch);

}  // namespace streamrun
