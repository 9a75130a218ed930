// Time zones: names and their history from the system's zone data, POSIX forms, and PostgreSQL's
// abbreviations.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/data/posix_zone.h"

namespace streamrun {

/// A zone whose offset may change with time. Immutable; shared between threads. Offsets are seconds east of
/// UTC.
class TimeZone {
 public:
  /// A name of the IANA database in any case, or a POSIX form ("UTC+3" is three hours *behind* UTC, as in
  /// PostgreSQL). Null when there is no such zone. Zones are remembered for the life of the process.
  static std::shared_ptr<const TimeZone> Find(std::string_view name);

  int32_t OffsetAt(int64_t utc_seconds) const;
  /// For a wall clock. A time that the clock skips is read with the offset before, one that occurs twice with
  /// the offset behind, as PostgreSQL does.
  int32_t OffsetOfLocal(int64_t local_seconds) const;
  /// What the abbreviation (upper case) meant last at a time, or else the first time that it was used; false
  /// when the zone never used it.
  bool OffsetOfAbbreviation(std::string_view upper, int64_t utc_seconds, int32_t* offset) const;

 private:
  struct Period {
    int32_t offset;
    std::string abbreviation;
  };
  // TZif, RFC 8536.
  bool ParseTzif(std::string_view file);
  const Period& PeriodOf(size_t transition) const { return periods_[types_[transition]]; }

  std::vector<int64_t> transitions_;  // UTC seconds, ascending
  std::vector<uint8_t> types_;        // period behind each transition
  std::vector<Period> periods_;       // the first one holds before every transition
  PosixZone rule_;                    // behind the last transition
};

/// An abbreviation stands for a fixed offset, or for whatever `zone` calls so.
struct ZoneAbbreviation {
  std::string_view name;  // lower case
  int32_t offset;         // seconds east of UTC
  bool daylight;
  std::string_view zone;  // empty: `offset` counts
};
/// Null when PostgreSQL does not know it.
const ZoneAbbreviation* FindZoneAbbreviation(std::string_view lower);

/// The offset of an abbreviation at a time, or of a wall clock that carries it.
int32_t AbbreviationOffsetAt(const ZoneAbbreviation& abbreviation, int64_t utc_seconds);
int32_t AbbreviationOffsetOfLocal(const ZoneAbbreviation& abbreviation, int64_t local_seconds);

}  // namespace streamrun
