// Arrays: dimensions, positions, and changed copies (manual 9.19, table 9.53).
#include "core/expr/compare_values.h"
#include "core/expr/function.h"
#include "core/expr/functions/lists.h"

namespace streamrun {

namespace {

// PostgreSQL's MaxArraySize.
constexpr int64_t kMaxElements = 134'217'727;

ListView ListAt(const Vector& v, int64_t row) { return Reader<ListView>(v)[row]; }

// Nulls are equal to each other here, as in PostgreSQL's search functions.
bool SameElement(const ListView& list, int32_t i, const Vector& v, int64_t row) {
  const bool null = v.IsNull(row);
  if (null || list.child->IsNull(i)) return null && list.child->IsNull(i);
  return CompareValues(*list.child, i, *v.column, v.at(row)) == 0;
}

void Dims(Row& row, TextSink& out, ListView list) {
  if (list.size() == 0) return row.Null();
  out.Append("[1:");
  out.Append(std::to_string(list.size()));
  out.Push(']');
}

int32_t Dimensions(Row& row, ListView list) {
  if (list.size() == 0) row.Null();
  return 1;
}

bool HasNull(const ListView& list) {
  for (int32_t i = list.begin; i < list.end; ++i) {
    if (list.child->IsNull(i)) return true;
  }
  return false;
}

// array_position with a place to start at: the first index when it is below that.
ColumnPtr PositionFrom(KernelCall& call) {
  const Reader<int32_t> starts(call.arg(2));
  Writer<int32_t> out(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    if (call.arg(0).IsNull(row)) return call.Null(row);
    const ListView list = ListAt(call.arg(0), row);
    // Where nothing can be found the place is not looked at.
    if (list.size() == 0 || (call.arg(1).IsNull(row) && !HasNull(list))) return call.Null(row);
    if (call.arg(2).IsNull(row)) return call.Fail(row, "22004", "initial position must not be null");
    const int64_t first = std::max<int64_t>(0, int64_t{starts[row]} - 1);
    for (int64_t i = list.begin + first; i < list.end; ++i) {
      if (SameElement(list, static_cast<int32_t>(i), call.arg(1), row)) {
        return out.Put(row, static_cast<int32_t>(i - list.begin + 1));
      }
    }
    call.Null(row);
  });
  return out.Finish(call);
}

ColumnPtr Positions(KernelCall& call) {
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const int64_t r = row.number();
    if (call.arg(0).IsNull(r)) return row.Null();
    const ListView list = ListAt(call.arg(0), r);
    for (int32_t i = list.begin; i < list.end; ++i) {
      if (SameElement(list, i, call.arg(1), r)) child.Append<int32_t>(i - list.begin + 1);
    }
  });
}

size_t BytesOf(const Vector& v, int64_t row) {
  if (v.IsNull(row)) return 1;
  if (v.column->type().layout() == Layout::kVarlen) return v.column->Text(v.at(row)).size() + 4;
  return sizeof(Numeric);
}

ColumnPtr Replace(KernelCall& call) {
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const int64_t r = row.number();
    if (call.arg(0).IsNull(r)) return row.Null();
    const ListView list = ListAt(call.arg(0), r);
    const size_t bytes = BytesOf(call.arg(2), r) * static_cast<size_t>(list.size());
    if (!ListRoom(row, child, bytes)) return;
    for (int32_t i = list.begin; i < list.end; ++i) {
      if (SameElement(list, i, call.arg(1), r)) {
        child.AppendFrom(*call.arg(2).column, call.arg(2).at(r));
      } else {
        child.AppendFrom(*list.child, i);
      }
    }
  });
}

ColumnPtr Trim(KernelCall& call) {
  const Reader<ListView> lists(call.arg(0));
  const Reader<int32_t> counts(call.arg(1));
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const ListView list = lists[row.number()];
    const int32_t count = counts[row.number()];
    if (count < 0 || count > list.size()) {
      return row.Fail("2202E",
                      "number of elements to trim must be between 0 and " + std::to_string(list.size()));
    }
    for (int32_t i = list.begin; i < list.end - count; ++i) child.AppendFrom(*list.child, i);
  });
}

constexpr std::string_view kTooLarge = "array size exceeds the maximum allowed (134217727)";

// True when neither list has a null and the lower bounds (none when empty) are as many as the dimensions.
bool DimensionsFit(Row& row, const ListView& dimensions, const ListView* bounds) {
  constexpr int32_t kMaxDimensions = 6;
  if (HasNull(dimensions)) {
    row.Fail("22004", "dimension values cannot be null");
  } else if (dimensions.size() > kMaxDimensions) {
    row.Fail("54000", "number of array dimensions (" + std::to_string(dimensions.size()) +
                          ") exceeds the maximum allowed (6)");
  } else if (bounds != nullptr && HasNull(*bounds)) {
    row.Fail("22004", "dimension values cannot be null");
  } else if (bounds != nullptr && bounds->size() != dimensions.size()) {
    row.Fail("2202E", "wrong number of array subscripts");
  }
  return !row.dropped();
}

// The number of elements that the dimensions ask for; -1 after failing the row.
int64_t FillSize(Row& row, const ListView& dimensions, const ListView* bounds) {
  const auto* sizes = dimensions.child->values<int32_t>();
  int64_t count = dimensions.size() == 0 ? 0 : 1;
  for (int32_t i = dimensions.begin; i < dimensions.end; ++i) {
    count *= sizes[i];
    if (sizes[i] >= 0 && count <= std::numeric_limits<int32_t>::max()) continue;
    row.Fail("54000", std::string(kTooLarge));
    return -1;
  }
  if (count > kMaxElements) row.Fail("54000", std::string(kTooLarge));
  for (int32_t i = 0; bounds != nullptr && i < bounds->size() && !row.dropped(); ++i) {
    const int32_t first = bounds->child->values<int32_t>()[bounds->begin + i];
    int32_t behind;
    if (!__builtin_add_overflow(first, sizes[dimensions.begin + i], &behind)) continue;
    row.Fail("54000", "array lower bound is too large: " + std::to_string(first));
  }
  return row.dropped() ? -1 : count;
}

// What is right in PostgreSQL but not an array here. False after failing the row.
bool OneDimensionFromOne(Row& row, const ListView& dimensions, const ListView* bounds) {
  if (dimensions.size() > 1) {
    row.Fail("0A000", "arrays of arrays are not supported");
  } else if (bounds != nullptr && bounds->child->values<int32_t>()[bounds->begin] != 1) {
    row.Fail("0A000", "arrays begin at 1");
  }
  return !row.dropped();
}

ColumnPtr Fill(KernelCall& call) {
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const int64_t r = row.number();
    const bool bounds = call.arg_count() > 2;
    if (call.arg(1).IsNull(r) || (bounds && call.arg(2).IsNull(r))) {
      return row.Fail("22004", "dimension array or low bound array cannot be null");
    }
    const ListView dimensions = ListAt(call.arg(1), r);
    const ListView firsts = bounds ? ListAt(call.arg(2), r) : dimensions;
    const ListView* given = bounds ? &firsts : nullptr;
    if (!DimensionsFit(row, dimensions, given)) return;
    const int64_t size = FillSize(row, dimensions, given);
    if (size <= 0 || !OneDimensionFromOne(row, dimensions, given)) return;
    if (!ListRoom(row, child, BytesOf(call.arg(0), r) * static_cast<size_t>(size))) return;
    for (int64_t i = 0; i < size; ++i) child.AppendFrom(*call.arg(0).column, call.arg(0).at(r));
  });
}

}  // namespace

void AddArrayEdit(FunctionTable& t) {
  using enum Arg;
  constexpr uint32_t kNulls = kTotal | kSeesNulls;
  t.push_back({"array_dims",
               {kElements},
               kText,
               Rows<Dims>,
               "the bounds as text, null for an empty array",
               "array_dims(ARRAY[4, 5]) -> [1:2]",
               kTotal});
  t.push_back({"array_ndims",
               {kElements},
               kInteger,
               Rows<Dimensions>,
               "number of dimensions: 1, null for an empty array",
               "array_ndims(ARRAY[4, 5]) -> 1",
               kTotal});
  t.push_back({"array_position",
               {kElements, kElement, kInteger},
               kInteger,
               PositionFrom,
               "index of the first equal element at or behind an index",
               "array_position(ARRAY['a', 'b', 'a'], 'a', 2) -> 3",
               kSeesNulls});
  t.push_back({"array_positions",
               {kElements, kElement},
               kIntegerList,
               Positions,
               "indexes of all equal elements",
               "array_positions(ARRAY['a', 'b', 'a'], 'a') -> {1,3}",
               kNulls});
  t.push_back({"array_replace",
               {kElements, kElement, kElement},
               kElements,
               Replace,
               "with the equal elements replaced",
               "array_replace(ARRAY[1, 2, 1], 1, 9) -> {9,2,9}",
               kSeesNulls});
  t.push_back({"trim_array",
               {kElements, kInteger},
               kElements,
               Trim,
               "without the last elements",
               "trim_array(ARRAY[1, 2, 3], 2) -> {1}"});
  t.push_back({"array_fill",
               {kElement, kIntegerList},
               kElements,
               Fill,
               "an array of copies of a value; the second argument holds its length",
               "array_fill(7, ARRAY[3]) -> {7,7,7}",
               kSeesNulls});
  t.push_back({"array_fill",
               {kElement, kIntegerList, kIntegerList},
               kElements,
               Fill,
               "the same; the last argument holds the first index, which is 1",
               "array_fill(7, ARRAY[3], ARRAY[1]) -> {7,7,7}",
               kSeesNulls});
}

}  // namespace streamrun
