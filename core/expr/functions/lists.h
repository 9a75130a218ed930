// Writing list results row by row.
#pragma once

#include "core/data/column_builder.h"
#include "core/expr/kernel.h"

namespace streamrun {

/// False (after failing the row) when `bytes` more bytes of elements are too much for one batch.
inline bool ListRoom(Row& row, const ColumnBuilder& child, size_t bytes) {
  if (bytes < kMaxTextBytes && child.ByteSize() + bytes < kMaxTextBytes) return true;
  row.Fail("54000", "requested length too large");
  return false;
}

/// Runs f(row, child) for the live rows; the elements it appends to `child` are the row's list. A dropped row
/// is null whatever was appended.
template <typename F>
ColumnPtr WriteLists(KernelCall& call, F&& f) {
  ColumnBuilder out(call.type());
  out.Reserve(call.rows());
  Row row(call);
  int64_t done = 0;
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    for (; done < r; ++done) out.CloseList();
    row.MoveTo(r);
    f(row, out.child());
    out.CloseList();
    ++done;
  });
  for (; done < call.rows(); ++done) out.CloseList();
  const ColumnPtr built = out.Finish();
  return call.Finish(built->values_buffer(), nullptr, built->child());
}

/// Runs f(row, out) for the live rows; it appends exactly one value unless it drops the row.
template <typename F>
ColumnPtr WriteValues(KernelCall& call, F&& f) {
  ColumnBuilder out(call.type());
  out.Reserve(call.rows());
  Row row(call);
  int64_t done = 0;
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    for (; done < r; ++done) out.AppendNull();
    row.MoveTo(r);
    f(row, out);
    if (row.dropped()) out.AppendNull();
    ++done;
  });
  for (; done < call.rows(); ++done) out.AppendNull();
  const ColumnPtr built = out.Finish();
  return call.Finish(built->values_buffer(), built->data_buffer(), built->child());
}

}  // namespace streamrun
