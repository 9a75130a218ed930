// Handing a jsonb value that a kernel has put together to the result column.
#pragma once

#include <string_view>

#include "core/data/json_text.h"
#include "core/expr/json_scan.h"
#include "core/expr/kernel.h"

namespace streamrun {

/// The row's result, unless it is nested deeper than jsonb may be: every walk over jsonb relies on that
/// limit.
inline void PutJson(Row& row, TextSink& out, std::string_view json) {
  if (json.size() > static_cast<size_t>(kMaxJsonDepth) && JsonDepth(json) > kMaxJsonDepth) {
    return row.Fail("54001", "jsonb is nested too deep (more than 512 levels)");
  }
  if (row.Room(out, json.size())) out.Append(json);
}

}  // namespace streamrun
