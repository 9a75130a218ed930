// The bounds of the tumbling window that each row is in, as two more columns.
#pragma once

#include <cstdint>
#include <vector>

#include "core/data/batch.h"
#include "core/data/row_failure.h"
#include "core/window/window_spec.h"

namespace streamrun {

class WindowColumns {
 public:
  /// `input` is the schema of the rows, with an event time; `widened` the same with the two columns behind.
  WindowColumns(const WindowSpec& spec, const Schema& input, SchemaPtr widened);

  /// `batch` with the bounds. Rows without a finite event time are appended to `failures`; their bounds mean
  /// nothing.
  BatchPtr Add(const Batch& batch, std::vector<RowFailure>* failures);

  /// Event times of the rows of the last batch.
  const std::vector<int64_t>& times() const { return times_; }

 private:
  Slices slices_;
  int time_column_;
  Duration time_bias_;
  SchemaPtr widened_;
  std::vector<int64_t> times_;
};

}  // namespace streamrun
