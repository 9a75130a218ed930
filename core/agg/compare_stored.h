// Order between a stored value and a row's: what min, max, first and top compare with.
#pragma once

#include "core/data/slot_column.h"

namespace streamrun {

/// < 0, 0, > 0 as CompareValues; neither value is null and both have one type.
int CompareStored(const SlotColumn& stored, uint32_t slot, const Column& column, int64_t row);

/// The same of two stored values of one column.
int CompareSlots(const SlotColumn& stored, uint32_t a, uint32_t b);

}  // namespace streamrun
