// Time zones as AT TIME ZONE takes them: abbreviations, names, POSIX forms.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/time.h"
#include "core/data/time_zone.h"
#include "core/expr/kernel.h"

namespace streamrun {

/// An abbreviation or a named zone. Immutable.
class Zone {
 public:
  /// An abbreviation such as MSK has had several offsets: what it means alone, or the zone that has it.
  enum class Meaning : uint8_t { kAbbreviation, kPlace };

  /// Any case. Null when there is no such zone.
  static std::shared_ptr<const Zone> Find(std::string_view name);

  /// Wall clock of the zone at a time in UTC. A result that does not fit is kMinTimestamp or kMaxTimestamp.
  Timestamp ToLocal(Timestamp utc, Meaning meaning = Meaning::kAbbreviation) const;
  /// UTC of a wall clock (TimeZone::OffsetOfLocal).
  Timestamp ToUtc(Timestamp local, Meaning meaning = Meaning::kAbbreviation) const;

 private:
  bool IsPlace(Meaning meaning) const {
    return zone_ && (abbreviation_ == nullptr || meaning == Meaning::kPlace);
  }

  const ZoneAbbreviation* abbreviation_ = nullptr;  // of a table
  std::shared_ptr<const TimeZone> zone_;            // null for an abbreviation with a fixed offset
};

/// The zone of a row, remembered per thread; null after failing the row.
const Zone* ZoneFor(Row& row, std::string_view name);

}  // namespace streamrun
