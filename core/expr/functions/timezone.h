// Time zones by name, from the system's zone data.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/time.h"
#include "core/expr/kernel.h"

namespace date {
class time_zone;
}

namespace streamrun {

/// A named zone or a fixed offset. Immutable.
class Zone {
 public:
  /// Names as in the IANA database in any case, and POSIX offsets ("UTC+3" is three hours *behind* UTC, as in
  /// PostgreSQL). Null when there is no such zone.
  static std::shared_ptr<const Zone> Find(std::string_view name);

  /// Wall clock of the zone at a time in UTC.
  Timestamp ToLocal(Timestamp utc) const;
  /// UTC of a wall clock. A time that the clock skips is read with the offset before, one that occurs twice
  /// with the offset behind, as PostgreSQL does.
  Timestamp ToUtc(Timestamp local) const;

 private:
  const date::time_zone* zone_ = nullptr;  // lives as long as the process
  Duration offset_ = 0;                    // east of UTC, when zone_ is null
};

/// The zone of a row, remembered per thread; null after failing the row.
const Zone* ZoneFor(Row& row, std::string_view name);

}  // namespace streamrun
