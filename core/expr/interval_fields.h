// The fields of INTERVAL 'x' DAY TO SECOND: what bare numbers mean and what is cut off.
#pragma once

#include <string>
#include <string_view>

#include "core/data/type.h"

namespace streamrun {

/// The text of an interval literal with units written out where the fields of the type give them: '10' MINUTE
/// is '10 minutes', '1 2' DAY TO HOUR '1 days 2 hours'. `fields` is the mask of the grammar (PostgreSQL's
/// utils/datetime.h); text that says its own units stays as it is.
std::string WithIntervalUnits(std::string_view text, int fields);

/// The interval without what lies below the last field (manual 8.5.4). Seconds are rounded to `precision`
/// digits (0 to 6). False when the rounded value is out of range.
bool CutInterval(int fields, int precision, Interval* value);

}  // namespace streamrun
