// Dates and times inside a jsonpath: what .datetime() makes of a string (manual 9.16.2, table 9.50).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace streamrun {

struct PathDatetime {
  enum Kind : uint8_t { kDate, kTime, kTimetz, kTimestamp, kTimestamptz };
  Kind kind = kDate;
  int32_t zone = 0;   // seconds east of UTC: kTimetz and kTimestamptz
  int64_t value = 0;  // kDate: days since 1970; kTime, kTimetz: microseconds of the local day; else
                      // microseconds since 1970, of kTimestamptz in UTC
};

/// Without a template: the ISO forms. "datetime format is not recognized".
Result<PathDatetime> ParsePathDatetime(std::string_view text);
/// By a template of to_timestamp's fields (manual 9.8) with the strict separators of the SQL standard.
Result<PathDatetime> ParsePathDatetime(std::string_view text, std::string_view format);

/// "timestamp with time zone": the value of .type().
std::string_view TypeNameOf(PathDatetime::Kind kind);
/// "timestamptz": as errors name it.
std::string_view ShortNameOf(PathDatetime::Kind kind);
/// ISO 8601, as jsonb has it.
void PrintPathDatetime(const PathDatetime& value, std::string& out);

/// < 0, 0, > 0; nothing when the kinds do not compare (a date and a time).
std::optional<int> ComparePathDatetimes(const PathDatetime& a, const PathDatetime& b);
/// Does comparing them depend on the session's time zone?
bool NeedsZone(PathDatetime::Kind a, PathDatetime::Kind b);

}  // namespace streamrun
