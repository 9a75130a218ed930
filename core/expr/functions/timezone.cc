#include "core/expr/functions/timezone.h"

#include <map>
#include <string>

#include "core/data/text_scan.h"
#include "core/expr/functions/datetime_unit.h"

namespace streamrun {

namespace {

Timestamp AddSaturated(Timestamp t, Duration d) {
  Timestamp out;
  if (__builtin_add_overflow(t, d, &out)) return d > 0 ? kMaxTimestamp : kMinTimestamp;
  return out;
}

}  // namespace

std::shared_ptr<const Zone> Zone::Find(std::string_view name) {
  auto zone = std::make_shared<Zone>();
  std::string lower(name);
  for (char& c : lower) c = text_scan::ToLower(c);
  zone->abbreviation_ = FindZoneAbbreviation(lower);
  if (zone->abbreviation_ == nullptr) {
    zone->zone_ = TimeZone::Find(name);
  } else if (!zone->abbreviation_->zone.empty()) {
    zone->zone_ = TimeZone::Find(zone->abbreviation_->zone);
  }
  return zone->abbreviation_ || zone->zone_ ? zone : nullptr;
}

Timestamp Zone::ToLocal(Timestamp utc, Meaning meaning) const {
  const int64_t seconds = FloorDiv(utc, kSecond);
  const int32_t offset =
      IsPlace(meaning) ? zone_->OffsetAt(seconds) : AbbreviationOffsetAt(*abbreviation_, seconds);
  return AddSaturated(utc, offset * kSecond);
}

Timestamp Zone::ToUtc(Timestamp local, Meaning meaning) const {
  const int64_t seconds = FloorDiv(local, kSecond);
  const int32_t offset =
      IsPlace(meaning) ? zone_->OffsetOfLocal(seconds) : AbbreviationOffsetOfLocal(*abbreviation_, seconds);
  return AddSaturated(local, -offset * kSecond);
}

const Zone* ZoneFor(Row& row, std::string_view name) {
  thread_local std::map<std::string, std::shared_ptr<const Zone>, std::less<>> cache;
  if (const auto found = cache.find(name); found != cache.end()) return found->second.get();
  auto zone = Zone::Find(name);
  if (!zone) {
    row.Fail("22023", "time zone \"" + std::string(name) + "\" not recognized");
    return nullptr;
  }
  if (cache.size() >= 256) cache.clear();
  return cache.emplace(std::string(name), std::move(zone)).first->second.get();
}

}  // namespace streamrun
