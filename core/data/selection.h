// Picking rows: a selection is a list of row numbers, Take gathers them into new columns.
#pragma once

#include <cstdint>
#include <vector>

#include "core/data/batch.h"

namespace streamrun {

/// Row numbers of one batch, ascending unless said otherwise.
using Selection = std::vector<uint32_t>;

/// The chosen rows in that order; a row may stand in it more than once. One pass a column, no per-value
/// branch on the type. Null stays null (a pruned column stays pruned).
ColumnPtr Take(const ColumnPtr& column, const Selection& rows);
BufferPtr TakeFixed(const BufferPtr& buffer, int width, const Selection& rows);

/// The chosen rows of every column, origin and change kind. Returns the batch itself when all rows are
/// chosen.
BatchPtr Take(const BatchPtr& batch, const Selection& rows);

/// Rows [begin, end) as a copy.
BatchPtr Slice(const BatchPtr& batch, int64_t begin, int64_t end);

/// All rows of batches that share one schema and one origin split, in order. `batches` is not empty.
BatchPtr Concat(const std::vector<BatchPtr>& batches);

}  // namespace streamrun
