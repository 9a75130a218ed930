// Choosing rows of a changing stream without breaking its update pairs.
#pragma once

#include "core/data/batch.h"
#include "core/data/selection.h"

namespace streamrun {

/// The chosen rows (ascending, each once) of a batch. An update pair is update_before directly followed by
/// update_after; when only its first row is chosen that row becomes a delete, when only its second, an
/// insert: the table behind the chosen rows then stays right. Returns the batch itself when all rows are
/// chosen.
BatchPtr TakeChanges(const BatchPtr& batch, const Selection& rows);

}  // namespace streamrun
